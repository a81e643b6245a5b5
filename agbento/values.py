"""One value of a request → what the predictor's column holds, or a refusal.

AutoGluon turns what it does not understand into something else without a word (null in an integer column into 0, 2.7
into 2, 300 in an int8 into 44, a date beyond the calendar of nanoseconds into another one); here that is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from agbento.schema import Feature

Reader = Callable[[Any], Any]
_INT64 = np.iinfo(np.int64)
_FLAGS = {True: True, False: False, "true": True, "false": False, "1": True, "0": False}
# Python itself also reads "1_000", "٣" and " 5 ".
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
# ISO 8601's calendar dates, T or a space between; pandas itself also reads "now", "Jan" and "2024Q1".
_DATE = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}(:?\d{2})?)?)?", re.ASCII | re.IGNORECASE
)


class Refused(Exception):
    """A value that cannot be used: why, and what was expected."""

    def __init__(self, reason: str, expected: str) -> None:
        self.reason, self.expected = reason, expected


def reader(feature: Feature) -> Reader:
    """Give the function that reads one JSON value for ``feature``; it raises Refused."""
    match feature.type:
        case "int":
            return _int_reader(feature)
        case "float":
            return _float_reader(feature)
        case "bool":
            return _read_bool
        case "datetime":
            return _datetime_reader(feature)
        case "category":
            return _category_reader(feature)
        case "text":
            return _read_text


def column(feature: Feature, values: Sequence[Any]) -> Any:
    """Give the DataFrame column, of the training column's dtype, that holds what the reader gave."""
    match feature.type:
        case "int" | "float":
            return np.array(values, dtype=_number_dtype(feature))
        case "bool":
            return np.array(values, dtype=bool)
        case "datetime" if feature.dtype.startswith("datetime64"):
            dates = pd.DatetimeIndex(list(values), dtype="datetime64[ns]")
            dtype = pd.api.types.pandas_dtype(feature.dtype)
            return dates.tz_localize("UTC").tz_convert(dtype.tz) if isinstance(dtype, pd.DatetimeTZDtype) else dates
    held = np.empty(len(values), dtype=object)
    held[:] = values
    return held


def _number_dtype(feature: Feature) -> npt.DTypeLike:
    kinds, otherwise = ("iu", "int64") if feature.type == "int" else ("f", "float64")
    try:
        dtype = np.dtype(feature.dtype)
    except TypeError:  # one of pandas' own
        return otherwise
    return dtype if dtype.kind in kinds else otherwise


def _number(value: Any, expected: str) -> int | float:
    """Give the number that a JSON number or a numeric string means."""
    if isinstance(value, str):
        if not (match := _NUMBER.fullmatch(value)):
            raise Refused("wrong_type", expected)
        is_whole = match[1].isdigit() and not match[3]
        # Python refuses to read an int of more digits than any column holds.
        value = int(value) if is_whole and len(value) < 100 else float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refused("wrong_type", expected)
    return value


def _int_reader(feature: Feature) -> Reader:
    info = np.iinfo(_number_dtype(feature))
    low, high = int(info.min), int(info.max)
    expected = f"a whole number from {low} to {high}"

    def read(value: Any) -> int:
        number = _number(value, expected)
        if isinstance(number, float):
            if not math.isfinite(number):
                raise Refused("out_of_range", expected)
            if not number.is_integer():
                raise Refused("not_a_whole_number", expected)
            number = int(number)
        if not low <= number <= high:
            raise Refused("out_of_range", expected)
        return number

    return read


def _float_reader(feature: Feature) -> Reader:
    dtype = np.dtype(_number_dtype(feature))
    limit = float(np.finfo(dtype).max)
    expected = f"a finite number that {dtype} can hold, or null"

    def read(value: Any) -> float:
        if value is None:
            return math.nan
        try:
            number = float(_number(value, "a number or null"))
        except OverflowError:
            number = math.inf
        if not abs(number) <= limit:
            raise Refused("out_of_range", expected)
        return number

    return read


def _read_bool(value: Any) -> bool:
    try:
        return _FLAGS[value.lower() if isinstance(value, str) else value]
    except (KeyError, TypeError):
        raise Refused("wrong_type", "true or false") from None


def _datetime_reader(feature: Feature) -> Reader:
    as_text = not feature.dtype.startswith("datetime64")
    expected = "a date, or a date and time, in ISO 8601, such as 2026-01-31T12:00:00"

    def read(value: Any) -> Any:
        if not isinstance(value, str):
            raise Refused("wrong_type", expected)
        if not _DATE.fullmatch(value):
            raise Refused("not_a_date", expected)
        try:
            stamp = pd.Timestamp(value)
            stamp = (stamp if stamp.tzinfo is None else stamp.tz_convert("UTC").tz_localize(None)).as_unit("ns")
        except (pd.errors.OutOfBoundsDatetime, OverflowError):
            raise Refused("out_of_range", "a date from 1678 to 2261") from None
        except ValueError:
            raise Refused("not_a_date", expected) from None
        return stamp.isoformat(sep=" ") if as_text else stamp

    return read


def _category_reader(feature: Feature) -> Reader:
    levels = feature.categories or ()
    exact = {(type(level), level) for level in levels}
    # AutoGluon matches levels by type: "3" is not 3. Where one level is spelled so, it is what is meant.
    spelled: dict[str, list[Any]] = {}
    for level in levels:
        spelled.setdefault(str(level), []).append(level)

    def read(value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, (str, int, float, bool)):
            raise Refused("wrong_type", "a text, a number, true, false or null")
        if (type(value), value) in exact:
            return value
        if isinstance(value, int) and not _INT64.min <= value <= _INT64.max:
            raise Refused("out_of_range", f"a number from {_INT64.min} to {_INT64.max}")
        meant = spelled.get(str(value), ())
        return meant[0] if len(meant) == 1 else value

    return read


def _read_text(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise Refused("wrong_type", "a text or null")
    return value
