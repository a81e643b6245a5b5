"""Values of date columns: texts that spell a date → what the column holds."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from agbento.schema import Feature
from agbento.values import spellings
from agbento.values.reasons import Off

EXPECTED = "a date, or a date and time, in ISO 8601, such as 2026-01-31T12:00:00"
_ISO, _ANY_ISO = re.compile(spellings.iso_date()), re.compile(spellings.iso_date(any_year=True))
_OTHER = re.compile(spellings.other_date())
_NUMBER = re.compile(spellings.NUMBER)


class DateReader:
    """Reads the values of a date column; raises Off. Null is held as None: AutoGluon takes the mean of training.

    It gives a Timestamp in UTC without a zone, or, for a column of texts, that as ISO 8601.
    """

    def __init__(self, feature: Feature) -> None:
        self._as_text = not feature.holds_timestamps
        self._mean = "missing" if feature.null_as is None else f"{feature.null_as}, what AutoGluon puts in its place"

    def __call__(self, value: Any) -> Any:
        """Read one value, as JSON gives it."""
        if isinstance(value, str):
            return self._read_text(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            raise self._number(value)
        raise Off("null" if value is None else "wrong_type", EXPECTED, None, self._mean)

    def _read_text(self, text: str) -> Any:
        if _ISO.fullmatch(text):
            # pandas reads a small "t" or "z" as well, but then no more than microseconds.
            return self._held(_in_utc(pd.Timestamp(text.upper())))
        if not text:
            raise Off("null", EXPECTED, None, self._mean)
        if _NUMBER.fullmatch(text):
            raise self._number(float(text))
        if _OTHER.fullmatch(text):
            # As AutoGluon itself reads a column of texts.
            stamp = _in_utc(pd.to_datetime(text, format="mixed"))
            raise Off("date_spelling", EXPECTED, self._held(stamp), stamp.isoformat())
        if _ANY_ISO.fullmatch(text):
            expected = f"a date from {spellings.FIRST_YEAR} to {spellings.LAST_YEAR}"
            raise Off("out_of_range", expected, None, self._mean)
        raise Off("not_a_date", EXPECTED, None, self._mean)

    def _number(self, number: float) -> Off:
        try:
            stamp = pd.Timestamp(int(number))  # nanoseconds since 1970, as AutoGluon would have it
        except (OverflowError, ValueError):
            return Off("number_as_date", EXPECTED, None, self._mean)
        if pd.isna(stamp):  # pandas takes the least number of 64 bits for no date
            return Off("number_as_date", EXPECTED, None, self._mean)
        return Off("number_as_date", EXPECTED, self._held(stamp), stamp.isoformat())

    def _held(self, stamp: pd.Timestamp) -> Any:
        return stamp.isoformat(sep=" ") if self._as_text else stamp


def _in_utc(stamp: pd.Timestamp) -> pd.Timestamp:
    stamp = stamp if stamp.tzinfo is None else stamp.tz_convert("UTC").tz_localize(None)
    return stamp.as_unit("ns")
