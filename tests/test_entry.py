from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agbento.entry import climbs, collision, path_fault


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "a/../b",
        "..",
        "a/..",
        "/etc/passwd",
        "a//b",
        "a/./b",
        ".",
        "",
        "a\\b",
        "..\\x",
        "a\\..\\b",
        "a\0b",
        "a\nb",
        "x/",
    ],
)
def test_paths_that_are_refused(path: str) -> None:
    assert path_fault(path)


@pytest.mark.parametrize("path", ["a", "a/b.pkl", "..a/b..", "a b/ä", "models/LightGBM_BAG_L1/S1F1/model.pkl", "..."])
def test_paths_that_are_taken(path: str) -> None:
    assert path_fault(path) is None
    assert not climbs(path)


def test_a_part_that_no_file_system_takes() -> None:
    assert path_fault("a/" + "x" * 255) is None
    assert path_fault("a/" + "ä" * 128)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.sampled_from(["..", ".", "a", "", "\\", "b\0", "…", "x" * 256]), max_size=5).map("/".join) | st.text()
)
def test_what_passes_stays_inside_and_can_be_written(path: str) -> None:
    if path_fault(path) is not None:
        return
    with tempfile.TemporaryDirectory() as root:
        file = Path(root, "inside", path)
        assert file.resolve().is_relative_to(Path(root, "inside").resolve())
        if len(path.encode()) < 2000:
            file.parent.mkdir(parents=True)
            file.write_bytes(b"x")
            written = [p for p in Path(root, "inside").rglob("*") if p.is_file()]
            assert [p.relative_to(Path(root, "inside")).as_posix() for p in written] == [path]


def test_collision() -> None:
    assert collision(["a/b", "a/c", "b"]) is None
    assert collision(["a/b/c", "a/b", "x"]) == "a/b"
