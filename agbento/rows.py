"""Rows of a request → the columns that the predictor takes, or every fault that they have.

AutoGluon turns what it does not understand into something else without a word (null in an integer column into 0, 2.7
into 2, 300 in an int8 into 44); here that is a fault.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from agbento.errors import Fault, InvalidRows
from agbento.schema import Feature, Schema

_SHOWN = 60  # characters of a received value that a fault repeats
_FLAGS = {True: True, False: False, "true": True, "false": False, "1": True, "0": False}


class _Refused(Exception):
    def __init__(self, reason: str, expected: str) -> None:
        self.reason, self.expected = reason, expected


Reader = Callable[[Any], Any]


class RowReader:
    """Reads rows for one schema."""

    def __init__(self, schema: Schema) -> None:
        self._columns = [(feature, _reader(feature), _frame_dtype(feature)) for feature in schema.features]

    def frame(self, rows: Sequence[Any]) -> pd.DataFrame:
        """Turn rows (objects as JSON gives them) into a DataFrame of the schema's columns, in the schema's order.

        Columns that the model does not use are ignored.

        Raises:
            InvalidRows: with one fault for each value that cannot be used, over all rows and columns.
        """
        faults = [
            Fault(i, None, "not_an_object", "an object with a value for each feature", _show(row))
            for i, row in enumerate(rows)
            if not isinstance(row, Mapping)
        ]
        if faults:
            raise _invalid(faults, len(rows))
        columns: dict[str, Any] = {}
        for feature, read, dtype in self._columns:
            values = _column(feature, read, rows, faults)
            if not faults:
                columns[feature.name] = np.array(values, dtype=dtype)
        if faults:
            faults.sort(key=lambda fault: fault.row)
            raise _invalid(faults, len(rows))
        return pd.DataFrame(columns, index=pd.RangeIndex(len(rows)))


def _column(feature: Feature, read: Reader, rows: Sequence[Mapping[str, Any]], faults: list[Fault]) -> list[Any]:
    name, values = feature.name, []
    for i, row in enumerate(rows):
        try:
            values.append(read(row[name]))
        except KeyError:
            faults.append(Fault(i, name, "missing_column", f"a value of type {feature.type}", "no such column"))
        except _Refused as refusal:
            faults.append(Fault(i, name, refusal.reason, refusal.expected, _show(row[name])))
    return values


def _invalid(faults: list[Fault], rows: int) -> InvalidRows:
    first = faults[0]
    where = f"row {first.row}" + (f", column {first.column!r}" if first.column is not None else "")
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    detail = f"{where}: {first.reason.replace('_', ' ')}: expected {first.expected}, received {first.received}{more}"
    return InvalidRows(detail if rows > 1 or len(faults) > 1 else detail.removeprefix("row 0, "), faults)


def _show(value: Any) -> str:
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _frame_dtype(feature: Feature) -> str:
    return {"int": "int64", "float": "float64", "bool": "bool"}.get(
        feature.type, "datetime64[ns]" if feature.dtype.startswith("datetime64") else "object"
    )


def _reader(feature: Feature) -> Reader:
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


def _number(value: Any, expected: str) -> int | float:
    """Give the number that a JSON number or a numeric string means."""
    if isinstance(value, str):
        try:
            value = float(value) if any(c in value for c in ".eEnN") else int(value)
        except ValueError:
            raise _Refused("wrong_type", expected) from None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _Refused("wrong_type", expected)
    return value


def _int_reader(feature: Feature) -> Reader:
    dtype = feature.dtype if np.dtype(feature.dtype).kind in "iu" else "int64"
    # Beyond int64 no DataFrame column of whole numbers could hold it, whatever the training dtype.
    low, high = int(np.iinfo(dtype).min), min(int(np.iinfo(dtype).max), np.iinfo(np.int64).max)
    expected = f"a whole number from {low} to {high}"

    def read(value: Any) -> int:
        number = _number(value, expected)
        if isinstance(number, float):
            if not number.is_integer():
                raise _Refused("not_a_whole_number", expected)
            number = int(number)
        if not low <= number <= high:
            raise _Refused("out_of_range", expected)
        return number

    return read


def _float_reader(feature: Feature) -> Reader:
    dtype = np.dtype(feature.dtype) if feature.dtype.startswith("float") else np.dtype("float64")
    limit = float(np.finfo(dtype).max)
    expected = "a number or null"

    def read(value: Any) -> float:
        if value is None:
            return math.nan
        try:
            number = float(_number(value, expected))
        except OverflowError:
            number = math.inf
        if not abs(number) <= limit:
            raise _Refused("out_of_range", f"a finite number that {dtype} can hold, or null")
        return number

    return read


def _read_bool(value: Any) -> bool:
    try:
        return _FLAGS[value.lower() if isinstance(value, str) else value]
    except (KeyError, TypeError):
        raise _Refused("wrong_type", "true or false") from None


def _datetime_reader(feature: Feature) -> Reader:
    as_text = not feature.dtype.startswith("datetime64")
    expected = "a date and time in ISO 8601, such as 2026-01-31T12:00:00"

    def read(value: Any) -> Any:
        if not isinstance(value, str):
            raise _Refused("wrong_type", expected)
        try:
            stamp = pd.Timestamp(value)
        except (ValueError, OverflowError):
            raise _Refused("not_a_date", expected) from None
        if pd.isna(stamp):
            raise _Refused("not_a_date", expected)
        if stamp.tzinfo is not None:
            stamp = stamp.tz_convert("UTC").tz_localize(None)
        return stamp.isoformat(sep=" ") if as_text else stamp

    return read


def _category_reader(feature: Feature) -> Reader:
    levels = feature.categories or ()
    # AutoGluon matches levels by type: "3" is not 3. One spelling of a value is as good as another here.
    by_text = {str(level): level for level in levels}

    def read(value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, (str, int, float, bool)):
            raise _Refused("wrong_type", "a text, a number, true, false or null")
        return by_text.get(str(value), value)

    return read


def _read_text(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise _Refused("wrong_type", "a text or null")
    return value
