from __future__ import annotations

import json
import platform
from importlib.metadata import version
from pathlib import Path

import pytest

from agbento.errors import PredictorNotLoadable
from agbento.versions import Versions, check_versions, training_versions

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


def test_another_patch_of_python_will_do() -> None:
    check_versions(Versions(HERE.autogluon, HERE.python.rpartition(".")[0] + ".0"))


@pytest.mark.parametrize("trained", [Versions("1.5.0", HERE.python), Versions(HERE.autogluon, "3.9.1")])
def test_other_versions_are_told_with_the_mend(trained: Versions) -> None:
    with pytest.raises(PredictorNotLoadable, match=f"autogluon.tabular=={trained.autogluon}"):
        check_versions(trained)
