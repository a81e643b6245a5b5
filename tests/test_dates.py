from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agbento.schema import Feature
from agbento.values.dates import EXPECTED, DateReader
from agbento.values.reading import column
from agbento.values.reasons import Off, Reason
from agbento.values.spellings import iso_date, other_date
from tests.outcomes import NESTED, outcome

MEAN = "2024-06-01T00:00:00"
NAIVE = Feature("d", "datetime", "datetime64[ns]", null_as=MEAN)
ZONED = Feature("z", "datetime", "datetime64[ns, Europe/Paris]", null_as=MEAN)
TEXTS = Feature("o", "datetime", "object", special=("datetime_as_object",), null_as=MEAN)
EVERY_KIND = pytest.mark.parametrize("feature", [NAIVE, ZONED, TEXTS], ids=["naive", "zoned", "texts"])


def moment(feature: Feature, value: Any) -> tuple[Reason | None, pd.Timestamp | None]:
    """Give why the value is off (None: it is not), and the moment in UTC that AutoGluon takes from the column."""
    reason, held = outcome(DateReader(feature), value)
    series = pd.Series(column(feature, [held]))
    assert str(series.dtype) == feature.dtype
    stamp = pd.to_datetime(series, utc=True, errors="coerce", format="mixed")[0]
    return reason, None if pd.isna(stamp) else stamp


@EVERY_KIND
@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-01-31", "2026-01-31T00:00:00Z"),
        ("2026-01-31T12:00", "2026-01-31T12:00:00Z"),
        ("2026-01-31 12:00:00.25", "2026-01-31T12:00:00.25Z"),
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
        ("2026-01-31t12:00:00z", "2026-01-31T12:00:00Z"),
        ("2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00Z"),
        ("2026-01-31T12:00:00-0330", "2026-01-31T15:30:00Z"),
        ("2026-01-31T00:00:00+01", "2026-01-30T23:00:00Z"),
        ("2026-07-31T00:00:00", "2026-07-31T00:00:00Z"),
        ("2024-02-29", "2024-02-29T00:00:00Z"),
        ("2026-01-31T12:00:00.123456789", "2026-01-31T12:00:00.123456789Z"),
        ("2026-01-31T12:00:00.123456789+01:00", "2026-01-31T11:00:00.123456789Z"),
        ("2026-01-31t12:00:00.123456789z", "2026-01-31T12:00:00.123456789Z"),
        ("1678-01-01", "1678-01-01T00:00:00Z"),
        ("1678-01-01T00:00:00+14:59", "1677-12-31T09:01:00Z"),
        ("2261-12-31T23:59:59.999999999-14:59", "2262-01-01T14:58:59.999999999Z"),
    ],
)
def test_dates_become_utc(feature: Feature, text: str, utc: str) -> None:
    assert moment(feature, text) == (None, pd.Timestamp(utc))


def test_what_is_held() -> None:
    text = "2026-01-31T12:00:00+02:00"
    assert outcome(DateReader(NAIVE), text) == (None, pd.Timestamp("2026-01-31T10:00:00"))
    assert outcome(DateReader(ZONED), text) == (None, pd.Timestamp("2026-01-31T10:00:00"))
    assert outcome(DateReader(TEXTS), text) == (None, "2026-01-31 10:00:00")
    assert DateReader(NAIVE)("2026-01-31").unit == "ns"


@EVERY_KIND
@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("1/31/2026", "2026-01-31"),
        ("31.1.2026", "2026-01-31"),
        ("2/1/2026", "2026-02-01"),
        ("2026/1/31", "2026-01-31"),
        ("2026-1-31", "2026-01-31"),
        ("31 Jan 2026", "2026-01-31"),
        ("JANUARY 31, 2026", "2026-01-31"),
        ("31-jan-2026 1:05 PM", "2026-01-31T13:05:00"),
        ("1/31/2026 12:00 AM", "2026-01-31T00:00:00"),
        ("1/31/2026 23:59:59+01:00", "2026-01-31T22:59:59"),
        ("2026-01-31 12:00 +01:00", "2026-01-31T11:00:00"),
        ("1/31/2026 12:00:00.123456789", "2026-01-31T12:00:00.123456"),
    ],
)
def test_other_spellings_are_named_and_read(feature: Feature, text: str, utc: str) -> None:
    assert moment(feature, text) == ("date_spelling", pd.Timestamp(utc, tz="UTC"))
    with pytest.raises(Off) as raised:
        DateReader(feature)(text)
    assert pd.Timestamp(raised.value.taken_as) == pd.Timestamp(utc)
    assert raised.value.expected == EXPECTED


@EVERY_KIND
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "null"),
        ("", "null"),
        (True, "wrong_type"),
        (False, "wrong_type"),
        *((value, "wrong_type") for value in NESTED),
        ("1677-12-31", "out_of_range"),
        ("2262-01-01", "out_of_range"),
        ("9999-12-31T23:59:59Z", "out_of_range"),
        ("0001-01-01", "out_of_range"),
        ("0000-02-29", "out_of_range"),
        ("2026-02-29", "not_a_date"),
        ("2026-02-30", "not_a_date"),
        ("9999-02-29", "not_a_date"),
        ("2026-13-01", "not_a_date"),
        ("2026-01-31T24:00", "not_a_date"),
        ("2026-01-31\n", "not_a_date"),
        (" 2026-01-31", "not_a_date"),
        ("now", "not_a_date"),
        ("today", "not_a_date"),
        ("NaT", "not_a_date"),
        ("null", "not_a_date"),
        ("2026-01", "not_a_date"),
        ("2026Q1", "not_a_date"),
        ("1/31/26", "not_a_date"),
        ("31/1/9999", "not_a_date"),
        ("1/31/2026 1:05 PMZ", "not_a_date"),
        ("\u0662026-01-31", "not_a_date"),
        (10**30, "number_as_date"),
        (-(10**400), "number_as_date"),
        (1e300, "number_as_date"),
        (float("inf"), "number_as_date"),
        (float("nan"), "number_as_date"),
        (-(2**63), "number_as_date"),
        (2**63, "number_as_date"),
        (str(-(2**63)), "number_as_date"),
        ("1e400", "number_as_date"),
        ("9" * 5000, "number_as_date"),
    ],
)
def test_what_is_no_date_is_the_mean_to_autogluon(feature: Feature, value: Any, reason: Reason) -> None:
    assert moment(feature, value) == (reason, None)
    with pytest.raises(Off) as raised:
        DateReader(feature)(value)
    assert raised.value.held is None
    assert raised.value.taken_as == f"{MEAN}, what AutoGluon puts in its place"


@EVERY_KIND
@pytest.mark.parametrize(
    "value", [0, -1, 20260131, 1706745600, 1706745600.9, "1706745600", "1e9", 2**63 - 1, 1 - 2**63]
)
def test_numbers_are_nanoseconds_and_named(feature: Feature, value: Any) -> None:
    stamp = pd.Timestamp(int(float(value)) if isinstance(value, str) else int(value))
    assert moment(feature, value) == ("number_as_date", stamp.tz_localize("UTC"))
    with pytest.raises(Off) as raised:
        DateReader(feature)(value)
    assert raised.value.taken_as == stamp.isoformat()


@pytest.mark.parametrize("value", [1706745600, 20260131, 0, -1])
def test_a_number_is_the_date_that_pandas_makes_of_it(value: int) -> None:
    assert outcome(DateReader(NAIVE), value)[1] == pd.Series([value]).astype("datetime64[ns]")[0]


def test_a_mean_that_is_not_known() -> None:
    with pytest.raises(Off) as raised:
        DateReader(Feature("d", "datetime", "datetime64[ns]"))(None)
    assert raised.value.taken_as == "missing"


def test_a_year_that_does_not_fit_says_which_do() -> None:
    with pytest.raises(Off) as raised:
        DateReader(NAIVE)("9999-12-31")
    assert raised.value.expected == "a date from 1678 to 2261"


@settings(max_examples=200, deadline=None)
@given(st.from_regex(iso_date(), fullmatch=True))
def test_every_iso_date_is_one_moment_in_every_kind_of_column(text: str) -> None:
    found = [moment(feature, text) for feature in (NAIVE, ZONED, TEXTS)]
    assert found == [(None, pd.to_datetime(text.upper(), utc=True, format="ISO8601"))] * 3


@settings(max_examples=200, deadline=None)
@given(st.from_regex(other_date(), fullmatch=True))
def test_every_other_date_is_what_autogluon_makes_of_it(text: str) -> None:
    by_autogluon = pd.to_datetime(pd.Series([text]), utc=True, errors="coerce", format="mixed")[0]
    for feature in (NAIVE, ZONED, TEXTS):
        reason, stamp = moment(feature, text)
        assert stamp == by_autogluon
        assert reason in ("date_spelling", None)  # a few are spelled as ISO 8601, too
