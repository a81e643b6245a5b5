from __future__ import annotations

import json
import platform
from importlib.metadata import version
from pathlib import Path

import pytest

from agbento.errors import PredictorNotLoadable
from agbento.versions import Versions, training_versions

HERE = Versions(version("autogluon.tabular"), platform.python_version())


def write(folder: Path, autogluon: str, metadata: str) -> Path:
    """Write the two texts as AutoGluon does."""
    (folder / "version.txt").write_text(autogluon)
    (folder / "metadata.json").write_text(metadata)
    return folder


def test_versions_are_those_of_the_training(sample_predictor: Path, tmp_path: Path) -> None:
    assert training_versions(sample_predictor) == HERE
    folder = write(tmp_path, "1.5.0\n", json.dumps({"py_version": "3.12"}))
    assert training_versions(folder) == Versions("1.5.0", "3.12")


@pytest.mark.parametrize("metadata", ["", "{", "[]", "{}", "null"])
def test_broken_texts_are_one_line(tmp_path: Path, metadata: str) -> None:
    with pytest.raises(PredictorNotLoadable, match="missing or broken"):
        training_versions(write(tmp_path, "1.5.0", metadata))
    with pytest.raises(PredictorNotLoadable, match="missing or broken"):
        training_versions(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "version", ["1.5.0; rm -rf /", "", "latest", "1.5.0\n--index-url x", "9" * 80, "1 2", "2!1.5", "1.5-evil"]
)
def test_what_can_be_no_version_goes_nowhere(tmp_path: Path, version: str) -> None:
    for autogluon, python in ((version, "3.11.2"), ("1.5.0", version or " ")):
        write(tmp_path, autogluon, json.dumps({"py_version": python}))
        with pytest.raises(PredictorNotLoadable, match=r"is none|missing or broken"):
            training_versions(tmp_path)


@pytest.mark.parametrize("python", ["3", "3.11-evil", "2.7", "3.11.", "3.11 ", "3.111", "three"])
def test_what_can_be_no_python_goes_nowhere(tmp_path: Path, python: str) -> None:
    write(tmp_path, "1.5.0", json.dumps({"py_version": python}))
    with pytest.raises(PredictorNotLoadable, match="is none"):
        training_versions(tmp_path)


@pytest.mark.parametrize("version", ["1.6.4b20261101", "1.5.0+local", "1.5"])
def test_builds_of_the_night_are_versions(tmp_path: Path, version: str) -> None:
    write(tmp_path, version, json.dumps({"py_version": "3.12", "py_version_micro": "3.12.0rc1+"}))
    assert training_versions(tmp_path) == Versions(version, "3.12.0rc1+")


def test_packages_are_what_can_be_packages(tmp_path: Path) -> None:
    packages = {"numpy": "2.3.1", "torch": "2.10.0+cu128", "x; y": "1", "pandas": "--index-url", "-r": "1", "n": 3}
    folder = write(tmp_path, "1.5.0", json.dumps({"py_version": "3.11", "packages": packages}))
    assert training_versions(folder).packages == {"numpy": "2.3.1", "torch": "2.10.0+cu128", "n": "3"}


@pytest.mark.parametrize("packages", [[], "numpy", 3])
def test_packages_of_another_kind_are_broken(tmp_path: Path, packages: object) -> None:
    folder = write(tmp_path, "1.5.0", json.dumps({"py_version": "3.11", "packages": packages or ["a"]}))
    with pytest.raises(PredictorNotLoadable, match="missing or broken"):
        training_versions(folder)
