from __future__ import annotations

import os
from pathlib import Path

import pytest

from agbento.pickles.folder import read_folder
from agbento.pickles.limits import Limits
from agbento.pickles.reading import Use, Where
from tests.pickles.assembled import SYSTEM, flaws, hostile, uses


def test_the_sample_has_names_and_no_flaws(sample_predictor: Path) -> None:
    reading = read_folder(sample_predictor)
    assert reading.flaws == ()
    assert reading.pickles >= 7
    found = uses(reading)
    for name in ("TabularPredictor", "DefaultLearner"):
        assert any(use[1:] == (name, "build") for use in found)
    assert ("numpy", "ndarray", "refer") in found
    assert not {module for module, _, _ in found} & {"os", "posix", "subprocess"}
    assert list(reading.uses) == sorted(reading.uses, key=lambda use: use.where)


def test_every_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    for name in ("a", "b/c.txt", "d/e/.f", "g.pkl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(hostile(0))
        [*_, use] = read_folder(tmp_path).uses
        assert use == Use(*SYSTEM, "call", Where(name, len(hostile(0)) - 2))
        (tmp_path / name).unlink()


def test_links_and_pipes_are_flaws(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "folder").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe")
    reading = read_folder(tmp_path)
    assert [flaw.where.file for flaw in reading.flaws] == ["folder", "link", "pipe"]
    assert "neither a file nor a folder" in flaws(reading)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        read_folder(tmp_path / "none")


def test_an_empty_pickle_is_a_flaw(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").touch()
    (tmp_path / "b.txt").touch()
    assert [flaw.where.file for flaw in read_folder(tmp_path).flaws] == ["a.pkl"]


def test_limits_are_of_all_files_together(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(b"N0" * 300 + hostile(0))
    assert read_folder(tmp_path, Limits(opcodes=2000)).flaws == ()
    assert "more than 1,000 opcodes" in flaws(read_folder(tmp_path, Limits(opcodes=1000)))
    assert "dictionaries and objects" in flaws(read_folder(tmp_path, Limits(made=1)))
    (tmp_path / "a").write_bytes(b"N" * 20_000 + hostile(0))
    assert "values in a pickle" in flaws(read_folder(tmp_path, Limits(made=1)))


def test_what_is_installed_can_be_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"cno_module_here\nname\nx")
    assert read_folder(tmp_path).uses == ()
    assert len(read_folder(tmp_path, names=lambda top: top == "no_module_here").uses) == 1
