"""What `--reference` may name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agbento.errors import UsageError
from agbento.reference.file import check_named, fetched

MOST = 1000


def test_a_link_is_read_by_the_name_that_was_given(tmp_path: Path) -> None:
    (tmp_path / "blob").write_text("a\n1\n", "utf-8")
    link = tmp_path / "rows.csv"
    link.symlink_to(tmp_path / "blob")
    assert fetched(str(link), tmp_path, MOST) == link


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("rows.txt", "ends in .csv or .parquet"),
        ("none.csv", "No such file"),
        ("folder.csv", "no file"),
        ("pipe.csv", "no file"),
        ("large.csv", "IMPORT_MAX_BYTES"),
        ("~nobody-of-that-name/rows.csv", "expected a file of rows"),
        ("http://example/rows.csv", "expected s3://bucket/key"),
    ],
)
def test_what_is_no_file_of_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, told: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder.csv").mkdir()
    os.mkfifo("pipe.csv")
    Path("large.csv").write_bytes(b"x" * (MOST + 1))
    with pytest.raises(UsageError, match=told):
        check_named(named, MOST)
