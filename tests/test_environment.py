from __future__ import annotations

import platform
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from agbento.environment import ENVIRONMENT, Difference, Environment
from agbento.versions import Versions

LIGHTGBM, NUMPY = version("lightgbm"), version("numpy")
HERE = Environment(
    version("autogluon.tabular"),
    platform.python_version(),
    {"lightgbm": LIGHTGBM, "numpy": NUMPY},
    ("lightgbm",),
)


def changed(text: str, part: int) -> str:
    """Another version: one higher in its first, second or third part."""
    parts = text.split(".")
    parts[part] = str(int(parts[part]) + 1)
    return ".".join(parts)


def test_the_same_differs_in_nothing() -> None:
    assert HERE.differences() == []
    assert replace(HERE, python=platform.python_version().rpartition(".")[0]).differences() == []


@pytest.mark.parametrize(
    ("other", "refused"),
    [
        (replace(HERE, autogluon=changed(HERE.autogluon, 2)), False),
        (replace(HERE, autogluon=changed(HERE.autogluon, 1)), True),
        (replace(HERE, python=changed(HERE.python, 2)), False),
        (replace(HERE, python=changed(HERE.python, 1)), True),
        (replace(HERE, packages={"lightgbm": changed(LIGHTGBM, 2)}), False),
        (replace(HERE, packages={"lightgbm": changed(LIGHTGBM, 1)}), True),
        (replace(HERE, packages={"numpy": changed(NUMPY, 1)}), False),
        (replace(HERE, packages={"numpy": changed(NUMPY, 0)}), True),
    ],
    ids=[f"{what} {part}" for what in ("AutoGluon", "Python", "model") for part in ("patch", "minor")]
    + [f"numpy {part}" for part in ("minor", "major")],
)
def test_what_is_told_and_what_is_refused(other: Environment, refused: bool) -> None:
    assert [difference.refused for difference in other.differences()] == [refused]


def test_what_is_not_installed_is_told_of() -> None:
    found = replace(HERE, packages={"tabpfn": "8.0"}, models=("tabpfn",)).differences()
    assert found == [Difference("tabpfn", "8.0", "", refused=False)]
    assert str(found[0]) == "tabpfn 8.0 (here none)"


def test_a_build_is_no_other_version() -> None:
    assert replace(HERE, packages={"numpy": f"{NUMPY}+cpu"}).differences() == []


def test_it_is_what_the_pickles_name() -> None:
    trained = Versions("1.5.0", "3.12.4", {"lightgbm": "4.5.0", "torch": "2.7.1", "numpy": "2.1.0", "pytest": "9.0"})
    found = Environment.of(trained, ["lightgbm.basic", "numpy"])
    assert found == Environment("1.5.0", "3.12.4", {"lightgbm": "4.5.0", "numpy": "2.1.0"}, ("lightgbm",))
    assert found.python_minor == "3.12"
    assert found.pinned() == {"autogluon-tabular": "1.5.0", "lightgbm": "4.5.0", "numpy": "2.1.0"}


def test_it_is_kept_with_the_model(tmp_path: Path) -> None:
    for environment in (HERE, replace(HERE, compiled=("numpy",))):
        environment.save(tmp_path)
        assert Environment.load(tmp_path) == environment


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"models": 1}'])
def test_none_that_can_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / ENVIRONMENT).write_text(text)
    assert Environment.load(tmp_path) is None
    assert Environment.load(tmp_path / "nowhere") is None
