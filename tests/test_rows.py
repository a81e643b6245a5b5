from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agbento.errors import InvalidRows
from agbento.rows import MAX_FAULTS, RowReader
from agbento.schema import Feature, Schema

SCHEMA = Schema(
    "y",
    "regression",
    (
        Feature("i", "int", "int8"),
        Feature("f", "float", "float32"),
        Feature("b", "bool", "bool"),
        Feature("c", "category", "object", categories=("x", 3, "3.5")),
        Feature("d", "datetime", "datetime64[ns]"),
        Feature("o", "datetime", "object"),
        Feature("t", "text", "object"),
        Feature("z", "datetime", "datetime64[ns, Europe/Paris]"),
        Feature("u", "int", "uint64"),
        Feature("m", "category", "object", categories=(1, "1", True)),
    ),
)
ROW: dict[str, Any] = {
    "i": 1,
    "f": 0.5,
    "b": True,
    "c": "x",
    "d": "2026-01-31",
    "o": "2026-01-31T12:00:00",
    "t": "a text",
    "z": "2026-01-31T12:00:00+01:00",
    "u": 2**64 - 1,
    "m": 1,
}
READER = RowReader(SCHEMA)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def test_a_row_becomes_the_columns_of_the_schema_in_its_order() -> None:
    frame = READER.frame([dict(reversed(ROW.items())) | {"unused": 1}])
    assert list(frame.columns) == [feature.name for feature in SCHEMA.features]
    kinds = {name: str(dtype) for name, dtype in frame.dtypes.items()}
    assert kinds == {
        "i": "int8",
        "f": "float32",
        "b": "bool",
        "c": "object",
        "d": "datetime64[ns]",
        "o": "object",
        "t": "object",
        "z": "datetime64[ns, Europe/Paris]",
        "u": "uint64",
        "m": "object",
    }
    dates = {
        "d": pd.Timestamp("2026-01-31"),
        "o": "2026-01-31 12:00:00",
        "z": pd.Timestamp("2026-01-31T12:00:00", tz="Europe/Paris"),
    }
    assert frame.loc[0].to_dict() == ROW | dates


@pytest.mark.parametrize(
    ("column", "value", "read"),
    [
        ("i", 2.0, 2),
        ("i", "2", 2),
        ("i", "2.0", 2),
        ("i", -128, -128),
        ("f", 3, 3.0),
        ("f", "1e3", 1000.0),
        ("b", 0, False),
        ("b", "true", True),
        ("c", "3", 3),
        ("c", 3.5, "3.5"),
        ("c", "never seen", "never seen"),
        ("c", None, None),
        ("d", "2026-01-31T12:00:00+02:00", pd.Timestamp("2026-01-31T10:00:00")),
        ("o", "2026-01-31T12:00:00Z", "2026-01-31 12:00:00"),
        ("t", None, None),
        ("m", "1", "1"),
        ("m", True, True),
        ("d", "2026-01-31 12:00:00.25", pd.Timestamp("2026-01-31T12:00:00.25")),
    ],
)
def test_spellings_of_one_value(column: str, value: Any, read: Any) -> None:
    found = READER.frame([ROW | {column: value}]).loc[0, column]
    assert found == read
    assert isinstance(found, type(read)) or column in "ifb"


def test_null_is_a_missing_float() -> None:
    assert math.isnan(READER.frame([ROW | {"f": None}]).loc[0, "f"])


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("i", 2.7, "not_a_whole_number"),
        ("i", 128, "out_of_range"),
        ("i", 10**30, "out_of_range"),
        ("i", None, "wrong_type"),
        ("i", True, "wrong_type"),
        ("i", "seven", "wrong_type"),
        ("i", [1], "wrong_type"),
        ("f", "NaN", "wrong_type"),
        ("f", "1_0", "wrong_type"),
        ("i", "٣", "wrong_type"),
        ("i", " 5 ", "wrong_type"),
        ("c", 10**400, "out_of_range"),
        ("d", "9999-12-31", "out_of_range"),
        ("o", "1500-01-01", "out_of_range"),
        ("d", "2026-02-30", "not_a_date"),
        ("d", "now", "not_a_date"),
        ("d", "Jan", "not_a_date"),
        ("d", "12:30", "not_a_date"),
        ("o", "01/02/2024", "not_a_date"),
        ("d", "2024-01-31 12:00 EST", "not_a_date"),
        ("f", math.inf, "out_of_range"),
        ("f", 1e39, "out_of_range"),
        ("f", 10**400, "out_of_range"),
        ("b", 2, "wrong_type"),
        ("b", None, "wrong_type"),
        ("c", {}, "wrong_type"),
        ("d", 1706745600, "wrong_type"),
        ("d", "not a date", "not_a_date"),
        ("d", "", "not_a_date"),
        ("d", None, "wrong_type"),
        ("t", 1, "wrong_type"),
    ],
)
def test_what_the_model_would_silently_turn_into_something_else_is_a_fault(
    column: str, value: Any, reason: str
) -> None:
    with pytest.raises(InvalidRows) as raised:
        READER.frame([ROW, ROW | {column: value}])
    (fault,) = raised.value.faults
    assert (fault.row, fault.column, fault.reason) == (1, column, reason)
    assert repr(column) in raised.value.detail


def test_every_fault_of_every_row_at_once() -> None:
    without = {name: value for name, value in ROW.items() if name not in ("i", "t")}
    with pytest.raises(InvalidRows) as raised:
        READER.frame([ROW | {"f": "x", "b": "y"}, ROW, without])
    found = [(fault.row, fault.column, fault.reason) for fault in raised.value.faults]
    assert found == [
        (0, "f", "wrong_type"),
        (0, "b", "wrong_type"),
        (2, "i", "missing_column"),
        (2, "t", "missing_column"),
    ]


def test_faults_beyond_counting_are_cut_short() -> None:
    with pytest.raises(InvalidRows) as raised:
        READER.frame([{}] * 5000)
    assert len(raised.value.faults) == MAX_FAULTS
    assert f"more than {MAX_FAULTS - 1} others" in raised.value.detail


def test_rows_that_are_no_objects() -> None:
    with pytest.raises(InvalidRows) as raised:
        READER.frame([ROW, 1, None])
    assert [(fault.row, fault.reason) for fault in raised.value.faults] == [(1, "not_an_object"), (2, "not_an_object")]


@given(st.fixed_dictionaries(dict.fromkeys(ROW, ANY_JSON)))
def test_any_json_is_read_or_refused_with_its_place(row: dict[str, Any]) -> None:
    try:
        frame = READER.frame([row])
    except InvalidRows as error:
        assert error.faults
        assert all(fault.row == 0 and fault.column in ROW for fault in error.faults)
    else:
        assert frame.shape == (1, len(ROW))


@given(st.lists(st.integers(-128, 127), min_size=1, max_size=20))
def test_whole_numbers_come_through_as_they_are(values: list[int]) -> None:
    assert READER.frame([ROW | {"i": value} for value in values])["i"].tolist() == values
