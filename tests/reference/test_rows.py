"""Files of rows: what is read, and what is refused before it makes a wrong reference."""

from __future__ import annotations

from pathlib import Path

import pytest

from agbento.reference.rows import ReferenceFault, read
from agbento.schema import Feature, Schema

SCHEMA = Schema("y", "regression", (Feature("a", "float", "float64"), Feature("b", "float", "float64")))


def written(folder: Path, text: str) -> Path:
    file = folder / "rows.csv"
    file.write_text(text, "utf-8")
    return file


def test_columns_are_known_by_their_names(tmp_path: Path) -> None:
    batch = read(written(tmp_path, 'more,b,a\n"x, y",2,1\n\n"z",4,3\n'), SCHEMA)
    assert {name: list(held) for name, held in batch.columns.items()} == {"a": [1, 3], "b": [2, 4]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2,3\n2,3,4\n", "line 2 has 3 fields, expected 2"),
        ("a,b\n1,2\n1,2,3\n", "line 3 has 3 fields, expected 2"),
        ("a,b\n1,2\n1\n", "line 3 has 1 fields, expected 2"),
        ("a,b,a\n1,2,3\n", "columns that are there twice: 'a'"),
        ("a,b\n1,2\x00\n", "NUL"),
        ("a;b\n1;2\n", "lacks columns of the predictor: 'a', 'b'"),
        ("", "expected rows as CSV"),
        ("a,b\n", "no rows"),
        ('a,b\n"1,2\n', "CSV"),
    ],
)
def test_lines_that_are_none_of_the_table(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ReferenceFault, match=told):
        read(written(tmp_path, text), SCHEMA)
