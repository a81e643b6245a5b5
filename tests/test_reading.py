from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agbento.schema import Feature, TwoValued
from agbento.values.levels import UNSEEN
from agbento.values.reading import column, reader
from agbento.values.reasons import Off, Reason, reasons_of
from tests.outcomes import ANY_JSON, NESTED, outcome, same

STAMP = pd.Timestamp("2026-01-31T10:00:00")
PLAIN = (
    *(Feature(dtype, "int", dtype) for dtype in ("int8", "uint8", "int32", "uint64", "int64", "Int64")),
    *(Feature(dtype, "float", dtype) for dtype in ("float16", "float32", "float64", "Float32")),
    Feature("flag", "bool", "bool"),
    Feature("naive", "datetime", "datetime64[ns]"),
    Feature("seconds", "datetime", "datetime64[s]"),
    Feature("zoned", "datetime", "datetime64[ns, America/St_Johns]"),
    Feature("date text", "datetime", "object"),
    Feature("text", "text", "object"),
    Feature("levels", "category", "object", categories=("a", 1, "2", True, 2.5, " b")),
    Feature("category", "category", "category", categories=("", "a", 3)),
    Feature("no levels", "category", "object", categories=()),
)
TWO = (
    Feature("two ints", "int", "int16", two_valued=TwoValued(7)),
    Feature("flag ints", "int", "int64", two_valued=TwoValued(1, 0, "custom")),
    Feature("two floats", "float", "float32", two_valued=TwoValued(0.25)),
    Feature("two texts", "category", "object", two_valued=TwoValued("yes", "no", "custom")),
    Feature("one text", "category", "object", two_valued=TwoValued("")),
    Feature("flag objects", "category", "object", two_valued=TwoValued(True, False, "custom")),
    Feature("two dates", "datetime", "datetime64[ns, UTC]", two_valued=TwoValued("2024-06-01 00:00:00+00:00")),
    Feature("two date texts", "datetime", "object", two_valued=TwoValued("06/01/2024")),
    Feature("two long texts", "text", "object", two_valued=TwoValued("one two three")),
)
EVERY = pytest.mark.parametrize("feature", [*PLAIN, *TWO], ids=lambda feature: feature.name)
DTYPES = {
    "Int64": "int64",
    "Int32": "int64",
    "Float32": "float64",
    "datetime64[s]": "datetime64[ns]",
    "category": "object",
}


@EVERY
@settings(max_examples=60, deadline=None)
@given(values=st.lists(ANY_JSON, max_size=4))
def test_whatever_comes_is_read_or_off_for_a_reason_of_the_feature(feature: Feature, values: list[Any]) -> None:
    outcomes = [outcome(reader(feature), value) for value in values]
    assert {reason for reason, _ in outcomes} <= {None, *reasons_of(feature)}
    made = pd.Series(column(feature, [held for _, held in outcomes]))
    assert len(made) == len(values)
    assert str(made.dtype) == DTYPES.get(feature.dtype, feature.dtype)


@EVERY
def test_null_is_off_everywhere(feature: Feature) -> None:
    assert outcome(reader(feature), None)[0] == "null"


@EVERY
@pytest.mark.parametrize("value", NESTED)
def test_what_is_nested_is_of_a_wrong_type_everywhere(feature: Feature, value: Any) -> None:
    assert outcome(reader(feature), value)[0] == "wrong_type"


@EVERY
def test_what_is_off_says_what_was_expected_and_what_is_taken(feature: Feature) -> None:
    values: tuple[Any, ...] = (None, "\x00", 10**400, [], -0.5, "1/31/2026")
    for value in values:
        try:
            reader(feature)(value)
        except Off as off:
            assert off.expected
            assert off.taken_as
            assert f"{off.expected}{off.taken_as}".isprintable()


@pytest.mark.parametrize(
    ("value", "reason", "held"),
    [
        ("a text", None, "a text"),
        ("", None, ""),
        (" \n", None, " \n"),
        ("5", None, "5"),
        (None, "null", ""),
        (5, "wrong_type", ""),
        (1.5, "wrong_type", ""),
        (True, "wrong_type", ""),
        *((value, "wrong_type", "") for value in NESTED),
    ],
)
def test_texts(value: Any, reason: Reason | None, held: str) -> None:
    assert outcome(reader(Feature("t", "text", "object")), value) == (reason, held)


@pytest.mark.parametrize(
    ("kind", "value", "held"),
    [
        ("int", "2.0", 2),
        ("float", "1e3", 1000.0),
        ("bool", 1, True),
        ("datetime", "2026-01-31T12:00:00+02:00", "2026-01-31 10:00:00"),
        ("category", 3, "3"),
        ("text", "x", "x"),
    ],
)
def test_each_type_has_its_reader(kind: Any, value: Any, held: Any) -> None:
    found = outcome(reader(Feature("x", kind, "object", categories=("3",) if kind == "category" else None)), value)
    assert found[0] is None
    assert same(found[1], held)


def test_a_two_valued_feature_has_its_own_reader_over_that_of_its_type() -> None:
    assert outcome(reader(Feature("x", "int", "int8", two_valued=TwoValued(7))), 9) == ("unseen_value", 0)
    assert outcome(reader(Feature("x", "int", "int8", two_valued=TwoValued(7))), 900) == ("out_of_range", 0)
    # The levels of such a category are not kept.
    assert outcome(reader(Feature("x", "category", "object", two_valued=TwoValued("b"))), "a") == (
        "unverified_value",
        UNSEEN,
    )


@pytest.mark.parametrize(
    ("feature", "values"),
    [
        (Feature("i", "int", "int8"), [-128, 127]),
        (Feature("i", "int", "uint64"), [0, 2**64 - 1]),
        (Feature("i", "int", "Int32"), [0, 2**63 - 1]),
        (Feature("f", "float", "float32"), [0.5, np.nan]),
        (Feature("f", "float", "float16"), [65504.0, -65504.0]),
        (Feature("b", "bool", "bool"), [True, False]),
        (Feature("c", "category", "object"), [1, "1"]),
        (Feature("c", "category", "category"), ["a", None]),
        (Feature("o", "datetime", "object"), ["2026-01-31 12:00:00", None]),
        (Feature("t", "text", "object"), ["", "x"]),
        (Feature("d", "datetime", "datetime64[ns]"), [STAMP, pd.NaT]),
    ],
)
@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_column_holds_its_values(feature: Feature, values: list[Any], count: int) -> None:
    made = pd.DataFrame({"x": column(feature, values[:count])})["x"]
    expected = pd.Series(values[:count], dtype=DTYPES.get(feature.dtype, feature.dtype), name="x")
    pd.testing.assert_series_equal(made, expected)


@pytest.mark.parametrize("values", [[], [None], [STAMP], [STAMP, None]])
@pytest.mark.parametrize(
    "zone",
    [
        "UTC",
        "Europe/Paris",
        "Pacific/Kiritimati",
        "UTC+01:00",
        "UTC-03:30",
        "pytz.FixedOffset(60)",
        "tzoffset(None, 3600)",
    ],
)
def test_dates_keep_their_moment_in_every_zone(zone: str, values: list[Any]) -> None:
    """pandas writes names of zones that it does not read: there UTC stands for them."""
    made = column(Feature("z", "datetime", f"datetime64[ns, {zone}]"), values)
    assert isinstance(made.dtype, pd.DatetimeTZDtype)
    assert str(made.tz) == (zone if "(" not in zone else "UTC")
    expected = [pd.NaT if value is None else STAMP.tz_localize("UTC") for value in values]
    assert made.tz_convert("UTC").equals(pd.DatetimeIndex(expected, dtype="datetime64[ns, UTC]"))


def test_a_column_of_texts_keeps_each_object() -> None:
    made = column(Feature("c", "category", "object"), [1, 1.0, True, "1", None])
    assert [type(value) for value in made] == [int, float, bool, str, type(None)]
