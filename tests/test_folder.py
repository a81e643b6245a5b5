from __future__ import annotations

import os
from pathlib import Path

import pytest

from agbento.digest import folder_digest
from agbento.errors import SourceError
from agbento.folder import FolderSource
from agbento.locate import Located, locate
from tests.s3_fixtures import fake_predictor


class Quiet:
    """Progress that counts and may act when bytes come."""

    def __init__(self, act: object = None) -> None:
        self.size, self.act = 0, act

    def say(self, text: str) -> None: ...
    def begin(self, size: int) -> None: ...
    def end(self) -> None: ...
    def advance(self, size: int) -> None:
        self.size += size
        if callable(self.act):
            act, self.act = self.act, None
            act()


def _located(folder: Path) -> tuple[FolderSource, Located]:
    source = FolderSource(folder)
    return source, locate(source.entries(), source.name_of)


def test_copied_as_it_is(tmp_path: Path) -> None:
    predictor = fake_predictor(tmp_path / "up" / "p", extra=20)
    (tmp_path / "up" / "elsewhere").write_text("x")
    source, located = _located(tmp_path / "up")
    progress = Quiet()
    (tmp_path / "copy").mkdir()
    source.fetch(located, tmp_path / "copy", progress)
    assert folder_digest(tmp_path / "copy") == folder_digest(predictor)
    assert progress.size == located.size
    inodes = {p.stat().st_ino for p in predictor.rglob("*")}
    assert not any(p.stat().st_ino in inodes for p in (tmp_path / "copy").rglob("*"))
    assert source.uri_of("p") == f"{predictor.as_uri()}/"


def test_relative_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_predictor(tmp_path / "p")
    monkeypatch.chdir(tmp_path)
    source, located = _located(Path("p"))
    assert located.root == ""
    assert source.uri_of("") == f"{(tmp_path / 'p').as_uri()}/"


def test_no_such_folder_a_file_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    for name, fault in (("missing", "no such folder"), ("file", "not a folder"), ("empty", "nothing under")):
        with pytest.raises(SourceError, match=fault):
            FolderSource(tmp_path / name).entries()


@pytest.mark.parametrize("target", ["/etc/passwd", "predictor.pkl", "nowhere"])
def test_symbolic_links_are_refused(tmp_path: Path, target: str) -> None:
    predictor = fake_predictor(tmp_path / "p")
    (predictor / "models" / "link").symlink_to(target)
    with pytest.raises(SourceError, match="models/link: a symbolic link"):
        _located(tmp_path)


def test_special_files_are_refused(tmp_path: Path) -> None:
    os.mkfifo(fake_predictor(tmp_path / "p") / "fifo")
    with pytest.raises(SourceError, match="fifo: not a regular file"):
        _located(tmp_path)


def test_links_beside_the_predictor_do_not_matter(tmp_path: Path) -> None:
    fake_predictor(tmp_path / "p")
    (tmp_path / "latest").symlink_to("p")
    assert _located(tmp_path)[1].root == "p"


def test_a_file_that_changes_appears_or_vanishes(tmp_path: Path) -> None:
    acts = {
        "changed": lambda p: (p / "predictor.pkl").write_bytes(b"other"),
        "appeared": lambda p: (p / "new").write_bytes(b""),
        "vanished": lambda p: (p / "version.txt").unlink(),
    }
    for name, act in acts.items():
        predictor = fake_predictor(tmp_path / name / "p")
        source, located = _located(predictor)
        (tmp_path / name / "copy").mkdir()
        with pytest.raises(SourceError, match=r"(changed|vanished) while it was copied"):
            source.fetch(located, tmp_path / name / "copy", Quiet(lambda p=predictor, a=act: a(p)))


def test_mlmodel_above(tmp_path: Path) -> None:
    predictor = fake_predictor(tmp_path / "m" / "artifacts" / "p")
    (tmp_path / "m" / "MLmodel").write_text("run_id: abc")
    assert FolderSource(tmp_path).read_above("m/artifacts/p", 2, "MLmodel") == b"run_id: abc"
    assert FolderSource(predictor).read_above("", 2, "MLmodel") == b"run_id: abc"
    assert FolderSource(predictor).read_above("", 2, "missing") is None
    assert FolderSource(Path("/")).read_above("", 2, "MLmodel") is None
