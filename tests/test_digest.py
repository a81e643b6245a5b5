from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from agbento.digest import folder_digest, short

_PARTS = st.text(st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=["Cc", "Cs"]), min_size=1)
_NAMES = _PARTS.filter(lambda part: part not in (".", "..") and len(part.encode()) < 100)
_FOLDERS = st.dictionaries(_NAMES, st.binary(max_size=50), max_size=6)


def _write(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def test_digest_is_the_documented_one(tmp_path: Path) -> None:
    folder = _write(tmp_path / "a", {"b": b"xyz", "a": b""})
    (folder / "c").mkdir()
    (folder / "c" / "d").write_bytes(b"1")
    total = hashlib.sha256(b"agbento-digest-1\0")
    for path, content in (("a", b""), ("b", b"xyz"), ("c/d", b"1")):
        total.update(f"{hashlib.sha256(content).hexdigest()} {len(content)} {path}\0".encode())
    assert folder_digest(folder) == total.hexdigest()
    assert short(folder_digest(folder)) == total.hexdigest()[:16]


def test_times_modes_and_empty_folders_do_not_count(tmp_path: Path) -> None:
    folder = _write(tmp_path / "a", {"x": b"1"})
    before = folder_digest(folder)
    os.utime(folder / "x", (0, 0))
    (folder / "x").chmod(0o400)
    (folder / "empty").mkdir()
    assert folder_digest(folder) == before


@settings(deadline=None)
@given(_FOLDERS, _FOLDERS)
def test_same_digest_if_and_only_if_same_files(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as root:
        first, second = _write(Path(root) / "1", one), _write(Path(root) / "2", other)
        assert (folder_digest(first) == folder_digest(second)) == (one == other)
        shutil.copytree(first, Path(root) / "3")
        assert folder_digest(Path(root) / "3") == folder_digest(first)
