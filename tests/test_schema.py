from __future__ import annotations

from pathlib import Path

import pytest

from agbento.schema import Feature, Schema

SCHEMA = Schema(
    "größe (cm)",
    "multiclass",
    (Feature("a b", "int", "int8", range=(0.0, 3.0)), Feature("c.d", "category", "object", categories=("x", 1))),
    classes=(" a", 2),
)


def test_a_schema_survives_its_file(tmp_path: Path) -> None:
    SCHEMA.save(tmp_path / "schema.json")
    assert Schema.load(tmp_path / "schema.json") == SCHEMA


def test_a_schema_of_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="format 0, expected 2"):
        Schema.from_json(SCHEMA.to_json() | {"format": 0})
