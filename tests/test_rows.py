from __future__ import annotations

import math
from collections import Counter
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agbento.errors import Fault, InvalidRows
from agbento.rows import MAX_CAUTIONS, MAX_FAULTS, Batch, RowReader
from agbento.schema import Feature, Schema
from agbento.values.policy import Policy
from agbento.values.reasons import ACTIONS, REASONS

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
    frame = READER.batch([dict(reversed(ROW.items())) | {"unused": 1}]).frame()
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
        ("d", "2026-01-31T12:00:00+02:00", pd.Timestamp("2026-01-31T10:00:00")),
        ("o", "2026-01-31T12:00:00Z", "2026-01-31 12:00:00"),
        ("m", "1", "1"),
        ("m", True, True),
        ("d", "2026-01-31 12:00:00.25", pd.Timestamp("2026-01-31T12:00:00.25")),
    ],
)
def test_spellings_of_one_value(column: str, value: Any, read: Any) -> None:
    batch = READER.batch([ROW | {column: value}])
    found = batch.frame().loc[0, column]
    assert found == read
    assert isinstance(found, type(read)) or column in "ifb"
    assert not batch.counts
    assert not batch.cautions


def test_null_is_a_missing_float() -> None:
    batch = READER.batch([ROW | {"f": None}])
    assert math.isnan(batch.frame()["f"][0])
    assert batch.counts == {("f", "null", "accept"): 1}


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("i", 2.7, "not_a_whole_number"),
        ("i", 128, "out_of_range"),
        ("i", 10**30, "out_of_range"),
        ("i", True, "wrong_type"),
        ("i", "seven", "not_a_number"),
        ("i", [1], "wrong_type"),
        ("f", "NaN", "not_finite"),
        ("f", math.inf, "not_finite"),
        ("f", 1e39, "out_of_range"),
        ("f", 10**400, "out_of_range"),
        ("d", "9999-12-31", "out_of_range"),
        ("d", "2026-02-30", "not_a_date"),
        ("d", "now", "not_a_date"),
        ("d", 1706745600, "number_as_date"),
        ("o", "1706745600", "number_as_date"),
        ("b", 2, "wrong_type"),
        ("c", {}, "wrong_type"),
        ("t", 1, "wrong_type"),
    ],
)
def test_what_is_rejected(column: str, value: Any, reason: str) -> None:
    with pytest.raises(InvalidRows) as raised:
        READER.batch([ROW, ROW | {column: value}])
    (fault,) = raised.value.faults
    assert (fault.row, fault.column, fault.reason) == (1, column, reason)
    assert repr(column) in raised.value.detail


@pytest.mark.parametrize(
    ("column", "value", "reason", "taken_as"),
    [
        ("i", None, "null", "0"),
        ("d", None, "null", "missing"),
        ("d", "", "null", "missing"),
        ("d", "31 Jan 2026", "date_spelling", "2026-01-31T00:00:00"),
        ("c", "never seen", "unseen_category", "missing"),
    ],
)
def test_what_is_answered_with_a_warning(column: str, value: Any, reason: str, taken_as: str) -> None:
    batch = READER.batch([ROW, ROW | {column: value}])
    ((caution,),) = (batch.cautions[1],)
    assert (caution.row, caution.column, caution.reason, caution.taken_as) == (1, column, reason, taken_as)
    assert batch.counts == {(column, reason, "warn"): 1}
    assert set(batch.cautions) == {1}


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [("c", None, "null"), ("t", None, "null"), ("f", "", "null"), ("o", "1/31/2026", "date_spelling")],
)
def test_what_is_answered_and_counted(column: str, value: Any, reason: str) -> None:
    batch = READER.batch([ROW | {column: value}, ROW, ROW | {column: value}])
    assert not batch.cautions
    assert batch.counts == {(column, reason, "accept"): 2}


@pytest.mark.parametrize("action", ACTIONS)
def test_a_policy_decides(action: str) -> None:
    """2.7 in a column of whole numbers, a missing column, an unused one: each is rejected, told, or only counted."""
    names = ("not_a_whole_number", "missing_column", "unused_column")
    reader = RowReader(SCHEMA, Policy.of({"defaults": dict.fromkeys(names, action)}, SCHEMA))
    row = {name: value for name, value in ROW.items() if name != "f"} | {"i": 2.7, "more": 1}
    if action == "reject":
        with pytest.raises(InvalidRows) as raised:
            reader.batch([row])
        assert [(f.column, f.reason) for f in raised.value.faults] == list(zip(("i", "f", "more"), names, strict=True))
        return
    batch = reader.batch([row])
    assert batch.frame().loc[0, "i"] == 2
    assert math.isnan(batch.frame()["f"][0])
    assert batch.counts == {(c, r, action): 1 for c, r in zip(("i", "f", ""), names, strict=True)}
    told = [(c.column, c.taken_as) for c in batch.cautions.get(0, ())]
    assert told == ([("i", "2"), ("f", "missing"), ("more", "nothing")] if action == "warn" else [])


def test_warnings_beyond_counting_are_cut_short() -> None:
    batch = READER.batch([ROW | {"i": None, "c": "new"}] * 8000)
    assert sum(map(len, batch.cautions.values())) <= MAX_CAUTIONS + 8000
    assert [caution.reason for caution in batch.cautions[7999]] == ["null", "more"]
    assert batch.counts == {("i", "null", "warn"): 8000, ("c", "unseen_category", "warn"): 8000}


def test_what_is_nested_beyond_printing_is_named_all_the_same() -> None:
    value: Any = 1
    for _ in range(900):
        value = [value]
    with pytest.raises(InvalidRows) as raised:
        READER.batch([ROW | {"i": value, "c": {"a": value}, "t": 10**4000}])
    assert [fault.reason for fault in raised.value.faults] == ["wrong_type"] * 3


def test_every_fault_of_every_row_at_once() -> None:
    without = {name: value for name, value in ROW.items() if name not in ("i", "t")}
    with pytest.raises(InvalidRows) as raised:
        READER.batch([ROW | {"f": "x", "b": "y"}, ROW, without])
    found = [(fault.row, fault.column, fault.reason) for fault in raised.value.faults]
    assert found == [
        (0, "f", "not_a_number"),
        (0, "b", "wrong_type"),
        (2, "i", "missing_column"),
        (2, "t", "missing_column"),
    ]


@pytest.mark.parametrize(
    ("row", "received"),
    [({}, "nothing"), ({" F": 1}, "nothing, but ' F': names must be equal"), ({"é": 1}, "nothing")],
)
def test_a_name_that_is_nearly_right_is_shown(row: dict[str, Any], received: str) -> None:
    with pytest.raises(InvalidRows) as raised:
        READER.batch([{name: value for name, value in ROW.items() if name != "f"} | row])
    assert [(fault.column, fault.received) for fault in raised.value.faults] == [("f", received)]


def test_faults_beyond_counting_are_cut_short() -> None:
    with pytest.raises(InvalidRows) as raised:
        READER.batch([{}] * 5000)
    assert len(raised.value.faults) == MAX_FAULTS
    assert f"(and others; the first {MAX_FAULTS} are listed)" in raised.value.detail


def test_rows_that_are_no_objects() -> None:
    with pytest.raises(InvalidRows) as raised:
        READER.batch([ROW, 1, None])
    assert [(fault.row, fault.reason) for fault in raised.value.faults] == [(1, "not_an_object"), (2, "not_an_object")]


@given(st.fixed_dictionaries(dict.fromkeys(ROW, ANY_JSON)))
def test_any_json_is_read_or_refused_with_its_place(row: dict[str, Any]) -> None:
    try:
        frame = READER.batch([row]).frame()
    except InvalidRows as error:
        assert error.faults
        assert all(fault.row == 0 and fault.column in ROW for fault in error.faults)
    else:
        assert frame.shape == (1, len(ROW))


@given(st.lists(st.integers(-128, 127), min_size=1, max_size=20))
def test_whole_numbers_come_through_as_they_are(values: list[int]) -> None:
    assert READER.batch([ROW | {"i": value} for value in values]).frame()["i"].tolist() == values


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(ROW, ANY_JSON)), min_size=2, max_size=4))
def test_many_rows_are_read_as_each_by_itself(rows: list[dict[str, Any]]) -> None:
    """The short cuts for many rows change nothing."""
    alone = [outcome([row]) for row in rows]
    if any(isinstance(one, list) for one in alone):
        faults = [(i, *fault) for i, one in enumerate(alone) if isinstance(one, list) for fault in one]
        assert [(f.row, f.column, f.reason) for f in faults_of(rows)] == faults
        return
    batch = READER.batch(rows)
    for i, one in enumerate(alone):
        assert isinstance(one, Batch)
        pd.testing.assert_frame_equal(one.frame(), batch.frame().iloc[[i]].reset_index(drop=True))
        told = [(c.column, c.reason, c.taken_as) for c in batch.cautions.get(i, ())]
        assert told == [(c.column, c.reason, c.taken_as) for c in one.cautions.get(0, ())]
    assert sum((one.counts for one in alone if isinstance(one, Batch)), Counter()) == batch.counts


def faults_of(rows: list[dict[str, Any]]) -> list[Fault]:
    try:
        READER.batch(rows)
    except InvalidRows as error:
        return error.faults
    return []


class OtherMapping(dict[str, Any]):
    """A row that is no plain dict, so that no short cut is for it."""


@given(st.fixed_dictionaries({}, optional=dict.fromkeys([*ROW, "more"], ANY_JSON)), st.booleans())
def test_the_short_cut_for_one_row_changes_nothing(row: dict[str, Any], is_usual: bool) -> None:
    row = ROW | row if is_usual else row
    one, other = outcome([row]), outcome([OtherMapping(row)])
    if isinstance(other, list):
        assert one == other
        return
    assert isinstance(one, Batch)
    pd.testing.assert_frame_equal(one.frame(), other.frame())
    assert (one.counts, one.cautions) == (other.counts, other.cautions)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.fixed_dictionaries(dict.fromkeys(ROW, ANY_JSON)), min_size=1, max_size=4), min_size=1))
def test_batches_that_are_joined_hold_the_rows_of_all(requests: list[list[dict[str, Any]]]) -> None:
    accepting = RowReader(SCHEMA, Policy.of({"defaults": dict.fromkeys(REASONS, "accept")}, SCHEMA))
    requests = [[ROW | {"i": i} for i in range(12)], *requests, [ROW], [ROW, ROW]]
    batches = [accepting.batch(rows) for rows in requests]
    joined = Batch.joined(batches)
    assert joined.rows == sum(map(len, requests))
    assert not joined.counts
    whole = accepting.batch([row for rows in requests for row in rows]).frame()
    pd.testing.assert_frame_equal(joined.frame(), whole)


def outcome(rows: list[dict[str, Any]]) -> Batch | list[tuple[str | None, str]]:
    """The batch, or what is at fault with its one row."""
    try:
        return READER.batch(rows)
    except InvalidRows as error:
        return [(fault.column, fault.reason) for fault in error.faults]
