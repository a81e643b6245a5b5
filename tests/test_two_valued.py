from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from autogluon.features.generators import AsTypeFeatureGenerator
from hypothesis import given, settings
from hypothesis import strategies as st

from agbento.schema import Feature, TwoValued, plain
from agbento.values.levels import UNSEEN
from agbento.values.reading import column, reader
from agbento.values.reasons import Off, Reason, reasons_of
from tests.outcomes import ANY_JSON, NESTED, outcome

DAYS = pd.to_datetime(["2024-01-01", "2024-06-01"])
NULLS = (None, "")
# Values that are the later day, and that are not, in a column of dates.
LATER = (
    "2024-06-01",
    "2024-06-01T00:00",
    "2024-06-01T02:00:00+02:00",
    "2024-05-31T22:00-02:00",
    "6/1/2024",
    "1 June 2024",
)
NOT_LATER = (
    "2024-01-01",
    "2024-06-02",
    "2024-06-01T00:00:00.000000001",
    "6/2/2024",
    "2024-06-01T00:00+02:00",
    "2030-01-01",
)
NO_DATES = (1717200000, "1717200000", True, "now", "9999-12-31", "2024-02-30", *NULLS, *NESTED)


@dataclass(frozen=True)
class Case:
    """A training column; values that mean the one that AutoGluon keeps of it, and values that do not."""

    name: str
    training: Any
    feature: Feature
    kept: Sequence[Any]
    others: Sequence[Any]


def two(name: str, kind: Any, dtype: str, true: Any, false: Any = None) -> Feature:
    return Feature(name, kind, dtype, two_valued=TwoValued(true, false, None if false is None else "custom"))


CASES = (
    Case(
        "int",
        np.array([3, 7], "int8"),
        two("int", "int", "int8", 7),
        (7, 7.0, "7", "7.0", "+7", "007"),
        (3, 0, 8, 7.5, "7.5", "3", -128, 300, 10**400, "x", True, math.inf, *NULLS, *NESTED),
    ),
    Case(
        "flag of ints",
        np.array([0, 1]),
        two("flag of ints", "int", "int64", 1, 0),
        (1, 1.0, "1", "1.0"),
        (0, -0.0, "0", ".0", 2, "2", 1.5, True, False, *NULLS, *NESTED),
    ),
    Case(
        "negative",
        np.array([-1, 0], "int16"),
        two("negative", "int", "int16", 0),
        (0, "0", -0.0, "-0"),
        (-1, "-1", 0.5, "0.5", 1, 2**70, -(2**70), "none", False, *NULLS),
    ),
    Case(
        "uint64",
        np.array([2**63, 2**64 - 1], "uint64"),
        two("uint64", "int", "uint64", 2**64 - 1),
        (2**64 - 1, str(2**64 - 1)),
        (2**64 - 2, 2**63, 2**64, -1, float(2**64), 0, *NULLS),
    ),
    Case(
        "float32",
        np.array([0.1, 0.2], "float32"),
        two("float32", "float", "float32", plain(np.float32(0.2))),
        (0.2, "0.2", "2e-1", float(np.float32(0.2)), 0.2 + 1e-12),
        (0.1, "0.1", 0.21, 0, 1, "x", 1e39, "1e400", math.inf, math.nan, True, *NULLS, *NESTED),
    ),
    Case(
        "float gaps",
        [1.0, None],
        two("float gaps", "float", "float64", 1.0, 0.0),
        (1, 1.0, "1", "1.00", "1e0"),
        (0, 0.0, "0", 2, 1 + 1e-15, 10**400, True, *NULLS),
    ),
    Case(
        "negative zero",
        [-2.5, 0.0],
        two("negative zero", "float", "float64", 0.0),
        (0, 0.0, -0.0, "0", "-0.0", ".0"),
        (-2.5, 1e-300, "-2.5", *NULLS),
    ),
    Case(
        "flags as objects",
        np.array([True, False], object),
        two("flags as objects", "category", "object", True, False),
        (True, 1, 1.0, "1", "true", "True", "TRUE"),
        (False, 0, "0", "false", 2, "yes", "", None, math.nan, *NESTED),
    ),
    Case(
        "flags with gaps",
        np.array([True, None], object),
        two("flags with gaps", "category", "object", True, False),
        (True, 1, "true"),
        (False, 0, "no", *NULLS),
    ),
    Case(
        "yes and no",
        np.array(["yes", "no"], object),
        two("yes and no", "category", "object", "yes", "no"),
        ("yes",),
        ("no", "YES", "Yes", "yes ", "maybe", "zz", True, 1, *NULLS, *NESTED),
    ),
    Case(
        "one text",
        np.array(["on", None], object),
        two("one text", "category", "object", "on", "off"),
        ("on",),
        ("off", "x", 1, UNSEEN, *NULLS),
    ),
    Case(
        "two texts",
        np.array(["Oslo", "Porto"], object),
        two("two texts", "category", "object", "Porto"),
        ("Porto",),
        ("Oslo", "porto", "Quito", 1, True, *NULLS, *NESTED),
    ),
    Case(
        "empty text",
        np.array(["", None], object),
        two("empty text", "category", "object", ""),
        ("",),
        ("x", " ", 0, False, None),
    ),
    Case(
        "numbers as texts",
        np.array(["1", "2"], object),
        two("numbers as texts", "category", "object", "2"),
        ("2", 2, 2.0, "2.0"),
        ("1", 1, "02", 3, True, 10**400, *NULLS),
    ),
    Case(
        "numbers as objects",
        np.array([1, 2.5], object),
        two("numbers as objects", "category", "object", 2.5),
        (2.5, "2.5"),
        (1, "1", 3, "x", True, math.inf, *NULLS),
    ),
    Case(
        "category",
        pd.Categorical(["b", "a"]),
        two("category", "category", "category", "b"),
        ("b",),
        ("a", "c", 1, *NULLS),
    ),
    Case(
        "category of ints",
        pd.Categorical([1, 30]),
        two("category of ints", "category", "category", 30),
        (30, "30", 30.0, "30.0"),
        (1, "1", 31, True, *NULLS),
    ),
    Case(
        "dates",
        DAYS,
        two("dates", "datetime", "datetime64[ns]", str(np.datetime64(DAYS[1], "ns"))),
        LATER,
        (*NOT_LATER, *NO_DATES),
    ),
    Case(
        "dates in seconds",
        DAYS.astype("datetime64[s]"),
        two("dates in seconds", "datetime", "datetime64[s]", "2024-06-01T00:00:00"),
        LATER,
        (*(value for value in NOT_LATER if not value.endswith("1")), *NO_DATES),
    ),
    Case(
        "dates before 2000",
        pd.to_datetime(["1678-01-01", "1678-01-02"]),
        two("dates before 2000", "datetime", "datetime64[ns]", "1678-01-02T00:00:00.000000000"),
        ("1678-01-02", "1/2/1678"),
        ("1678-01-01", "2261-12-31", "1677-12-31", *NULLS),
    ),
    Case(
        "last date",
        pd.DatetimeIndex(["2024-01-01", "2261-12-31T23:59:59.999999999"]),
        two("last date", "datetime", "datetime64[ns]", "2261-12-31T23:59:59.999999999"),
        ("2261-12-31T23:59:59.999999999", "2261-12-31T23:59:59.999999999Z"),
        ("2261-12-31", "2024-01-01", "2262-01-01", *NULLS),
    ),
    Case(
        "year 9999",
        np.array(["2024-01-01", "9999-12-31"], "datetime64[s]"),
        two("year 9999", "datetime", "datetime64[s]", "9999-12-31T00:00:00"),
        (),
        ("2024-01-01", "2024-06-01", "9999-12-31", "9999-12-31T00:00:00", *NULLS),
    ),
    Case(
        "dates in Paris",
        DAYS.tz_localize("UTC").tz_convert("Europe/Paris"),
        two("dates in Paris", "datetime", "datetime64[ns, Europe/Paris]", "2024-06-01 02:00:00+02:00"),
        LATER,
        (*NOT_LATER, *NO_DATES),
    ),
    Case(
        "dates as texts",
        np.array(["06/01/2024", "2024-01-01"], object),
        two("dates as texts", "datetime", "object", "2024-01-01"),
        ("2024-01-01", "1/1/2024", "2024-01-01T00:00:00Z", "1 Jan 2024", "2024-01-01T02:00+02:00"),
        ("06/01/2024", "2024-06-01", "2024-01-02", "1/2/2024", *NO_DATES),
    ),
    Case(
        "dates in months' names",
        np.array(["1 June 2024", "1 January 2024"], object),
        two("dates in months' names", "datetime", "object", "1 June 2024"),
        LATER,
        (*NOT_LATER, *NO_DATES, "1 January 2024"),
    ),
    Case(
        "no dates of ours",
        np.array(["May 2024", "Jun 2024"], object),
        two("no dates of ours", "datetime", "object", "May 2024"),
        ("May 2024",),
        ("Jun 2024", "2024-05-01", "may 2024", *NO_DATES),
    ),
    Case(
        "number among texts",
        np.array(["a", 1], object),
        two("number among texts", "datetime", "object", 1),
        (1, 1.0),
        ("a", 2, True, "1", "2024-01-01", *NULLS, *NESTED),
    ),
    Case(
        "long texts",
        np.array(["one two three four", "five six seven eight"], object),
        two("long texts", "text", "object", "one two three four"),
        ("one two three four",),
        ("five six seven eight", "one two three", "zz", 1, True, *NULLS, *NESTED),
    ),
)
EVERY_CASE = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@EVERY_CASE
@pytest.mark.parametrize("method", ["v1", "v2"])
@pytest.mark.parametrize("times", [1, 128])
def test_what_is_held_equals_what_autogluon_keeps(case: Case, method: str, times: int) -> None:
    """Of 128 rows on AutoGluon has a third way to ask."""
    generator = AsTypeFeatureGenerator(verbosity=0, convert_bool_method=method)
    generator.fit_transform(pd.DataFrame({"c": case.training}))
    two_valued = case.feature.two_valued
    assert two_valued is not None
    assert plain(generator._bool_features["c"]) == two_valued.true
    assert str(generator._feature_metadata_in_real.type_map_raw["c"]) == case.feature.dtype
    read = reader(case.feature)
    held = [outcome(read, value)[1] for value in (*case.kept, *case.others)] * times
    flags = generator.transform(pd.DataFrame({"c": column(case.feature, held)}))["c"]
    assert flags.tolist() == ([1] * len(case.kept) + [0] * len(case.others)) * times


@EVERY_CASE
def test_what_is_kept_is_off_only_in_its_spelling(case: Case) -> None:
    reasons = {outcome(reader(case.feature), value)[0] for value in case.kept}
    assert reasons <= ({None, "date_spelling"} if case.feature.type == "datetime" else {None})


@EVERY_CASE
@settings(max_examples=50, deadline=None)
@given(value=ANY_JSON)
def test_any_json_is_read_for_a_reason_of_the_feature(case: Case, value: Any) -> None:
    reason, held = outcome(reader(case.feature), value)
    assert reason is None or reason in reasons_of(case.feature)
    assert len(column(case.feature, [held])) == 1


INT, CUSTOM_INT = two("i", "int", "int64", 7), two("i", "int", "int64", 1, 0)
TEXT, YES_NO = two("t", "category", "object", "b"), two("t", "category", "object", "yes", "no")
DATE = two("d", "datetime", "datetime64[ns]", "2024-06-01T00:00:00.000000000")
DATE_TEXT = two("o", "datetime", "object", "2024-06-01")
FLOAT32 = two("f", "float", "float32", plain(np.float32(0.2)))


@pytest.mark.parametrize(
    ("feature", "value", "reason"),
    [
        (INT, 7, None),
        (INT, 8, "unseen_value"),
        (INT, "8", "unseen_value"),
        (INT, 6, "unverified_value"),
        (INT, -5, "unverified_value"),
        (INT, 7.5, "not_a_whole_number"),
        (INT, "1e3", "not_a_number"),
        (INT, 10**30, "out_of_range"),
        (INT, math.inf, "not_finite"),
        (INT, True, "wrong_type"),
        (INT, None, "null"),
        (CUSTOM_INT, 0, None),
        (CUSTOM_INT, "0.0", None),
        (CUSTOM_INT, 2, "unseen_value"),
        (CUSTOM_INT, -1, "unseen_value"),
        (FLOAT32, 0.2, None),
        (FLOAT32, 0.1, "unverified_value"),
        (FLOAT32, 0.3, "unseen_value"),
        (FLOAT32, "x", "not_a_number"),
        (TEXT, "b", None),
        (TEXT, "a", "unverified_value"),
        (TEXT, "B", "unverified_value"),
        (TEXT, "c", "unseen_value"),
        (TEXT, 5, "unverified_value"),
        (TEXT, True, "unverified_value"),
        (TEXT, "", "null"),
        (TEXT, [], "wrong_type"),
        (YES_NO, "no", None),
        (YES_NO, "maybe", "unseen_value"),
        (YES_NO, "zzz", "unseen_value"),
        (YES_NO, 1, "unseen_value"),
        (DATE, "2024-06-01", None),
        (DATE, "6/1/2024", "date_spelling"),
        (DATE, "2024-05-01", "unverified_value"),
        (DATE, "2024-06-02", "unseen_value"),
        (DATE, "6/2/2024", "unseen_value"),
        (DATE, "5/1/2024", "unverified_value"),
        (DATE, 5, "number_as_date"),
        (DATE, "9999-01-01", "out_of_range"),
        (two("s", "datetime", "datetime64[s]", "9999-12-31T00:00:00"), "9999-12-31T00:00:00", "out_of_range"),
        (two("s", "datetime", "datetime64[s]", "9999-12-31T00:00:00"), "2024-01-01", "unverified_value"),
        # These it sorts as texts.
        (DATE_TEXT, "2024-06-02", "unverified_value"),
        (DATE_TEXT, "6/1/2024", "date_spelling"),
        (two("o", "datetime", "string", "2024-06-01"), "2024-06-02", "unverified_value"),
        (two("c", "category", "object", 3), 2, "unverified_value"),
        (two("c", "category", "object", 3), 4, "unseen_value"),
        (two("c", "category", "object", 3), "4", "unverified_value"),
        (two("c", "category", "object", 3), math.nan, "unverified_value"),
        (two("x", "text", "object", "b c d"), "a b c", "unverified_value"),
        (two("x", "text", "object", "b c d"), "c d e", "unseen_value"),
        (two("x", "text", "object", "b c d"), 1, "wrong_type"),
    ],
)
def test_a_value_is_seen_unseen_or_unverified(feature: Feature, value: Any, reason: Reason | None) -> None:
    assert outcome(reader(feature), value)[0] == reason


@pytest.mark.parametrize(
    ("feature", "value", "expected", "taken_as"),
    [
        (INT, 8, "7 or the other value of training", "not 7"),
        (INT, None, "7 or the other value of training", "not 7"),
        (CUSTOM_INT, 8, "1 or 0", "0"),
        (YES_NO, "x", "'yes' or 'no'", "'no'"),
        (TEXT, None, "'b' or the other value of training", "not 'b'"),
    ],
)
def test_what_is_said(feature: Feature, value: Any, expected: str, taken_as: str) -> None:
    with pytest.raises(Off) as raised:
        reader(feature)(value)
    assert (raised.value.expected, raised.value.taken_as) == (expected, taken_as)


def test_another_spelling_of_a_date_says_which_it_is_taken_for() -> None:
    with pytest.raises(Off) as raised:
        reader(DATE)("6/1/2024")
    assert (raised.value.held, raised.value.taken_as) == (pd.Timestamp("2024-06-01"), "2024-06-01T00:00:00")


@given(st.sampled_from(["int8", "int64", "uint8"]), st.integers(0, 127), st.integers(-128, 255))
def test_of_two_numbers_the_greater_was_kept(dtype: str, true: int, value: int) -> None:
    reason, held = outcome(reader(two("i", "int", dtype, true)), value)
    fits = np.iinfo(dtype).min <= value <= np.iinfo(dtype).max
    expected = (
        "out_of_range"
        if not fits
        else None
        if value == true
        else "unseen_value"
        if value > true
        else "unverified_value"
    )
    assert reason == expected
    assert (held == true) == (value == true)


@settings(deadline=None)
@given(
    st.dates(datetime.date(1678, 1, 1), datetime.date(2261, 12, 31)),
    st.dates(datetime.date(1678, 1, 1), datetime.date(2261, 12, 31)),
)
def test_of_two_dates_the_later_was_kept(true: datetime.date, value: datetime.date) -> None:
    reason, held = outcome(reader(two("d", "datetime", "datetime64[ns]", f"{true}T00:00:00.000000000")), str(value))
    assert reason == (None if value == true else "unseen_value" if value > true else "unverified_value")
    assert (held == pd.Timestamp(true)) == (value == true)
    assert column(DATE, [held])[0] == held
