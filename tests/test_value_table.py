"""The table of docs/values.md: each cell is what the service does, the same in JSON, CSV and Parquet."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agbento.errors import InvalidRows
from agbento.formats import csv_rows, json_rows, parquet_rows
from agbento.rows import RowReader
from agbento.schema import Feature, Schema
from tests.running import ROOT

PAGE = ROOT / "docs" / "values.md"
BEGIN, END = "<!-- made by tests/test_value_table.py: UPDATE_DOCS=1 writes it -->\n", "<!-- end -->\n"
FEATURES = (
    Feature("int", "int", "int8"),
    Feature("float", "float", "float64"),
    Feature("bool", "bool", "bool"),
    Feature("category", "category", "object", categories=(1, "a"), nulls=False),
    Feature("datetime", "datetime", "datetime64[ns]", null_as="2024-06-30T00:00:00"),
    Feature("text", "text", "object"),
)
SENT = (
    *("1", "1.0", '"1"', '"1.0"', "2.7", '"2.7"', "300", '"300"', "1e30", '"1e3"', "1e400", '"1e400"'),
    *("true", '"true"', "null", '""', '"NaN"', '"-Infinity"', '"seven"', '"a"', '" 1"', "[1]"),
    *('"2026-01-31"', '"2026-01-31T12:00:00+02:00"', '"1/31/2026"', '"31 Jan 2026"', '"2026-02-30"', '"1500-01-01"'),
    *("1706745600", '"1706745600"', '"now"'),
)


def outcome(feature: Feature, rows: list[Any]) -> str:
    """What is done with the one value, as the table says it."""
    reader = RowReader(Schema("y", "regression", (feature,)))
    try:
        batch = reader.batch(rows)
    except InvalidRows as error:
        return f"reject `{error.faults[0].reason}`"
    told = [f"warn `{c.reason}`: {c.taken_as}" for c in batch.cautions.get(0, ())]
    told += [f"accept `{reason}`: {shown(batch)}" for _, reason, action in batch.counts if action == "accept"]
    return told[0] if told else f"`{shown(batch)}`"


def shown(batch: Any) -> str:
    held = batch.frame().iloc[0, 0]
    if held is None or held is pd.NaT or (isinstance(held, float) and math.isnan(held)):
        return "missing"
    if isinstance(held, pd.Timestamp):
        return held.isoformat()
    return json.dumps(held.item() if hasattr(held, "item") else held)


def table() -> str:
    lines = [["sent", *(feature.name for feature in FEATURES)], ["---"] * (len(FEATURES) + 1)]
    for sent in SENT:
        cells = [outcome(feature, [{feature.name: json.loads(sent)}]) for feature in FEATURES]
        lines.append([f"`{sent}`", *cells])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def test_the_page_has_the_table() -> None:
    page = PAGE.read_text("utf-8")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    made = f"{before}{BEGIN}{table()}{END}{after}"
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(made, "utf-8")
    assert page == made


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
@pytest.mark.parametrize("sent", SENT)
def test_it_is_the_same_in_every_format(sent: str, feature: Feature) -> None:
    value, name = json.loads(sent), feature.name
    expected = outcome(feature, json_rows.parse(f'{{"{name}": {sent}}}'.encode(), 10)[0])
    if isinstance(value, str):
        text = io.StringIO(newline="")
        csv.writer(text).writerows([[name, "more"], [value, ""]])
        rows = csv_rows.parse(text.getvalue().encode(), 10, 1 << 20, [name])
        assert outcome(feature, [{name: rows[0][name]}]) == expected
    held = io.BytesIO()
    pq.write_table(pa.table({name: [value]}), held)
    assert outcome(feature, parquet_rows.parse(held.getvalue(), 10, 10**6, [name])) == expected
