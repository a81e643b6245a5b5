"""Date columns: raw values → a moment and its parts."""

from __future__ import annotations

import datetime
import functools
from typing import Any

import numpy as np

from agbento.compiler.arrays import Array
from agbento.compiler.native import moments, pandas_columns
from agbento.compiler.native.raw_columns import TEXTS, RawColumn
from agbento.compiler.native.rounding import double_of, doubles_of
from agbento.compiler.plan.features import Date

_KEPT, _SHORT = 4096, 64  # texts that were read once, of so many characters at most
_CLOCK = ("now", "today")  # what pandas reads as something else each time
_FIRST, _LAST = np.datetime64("1678-01-01", "s"), np.datetime64("2261-12-31", "s")


class DateEncoder:
    """Reads the values of one date column; ``slots`` are those of the date's parts."""

    def __init__(self, date: Date) -> None:
        self.columns, self.slots = (date.column,), tuple(slot for _, slot in date.parts)
        self._date, self._missing = date, tuple(map(double_of, date.missing))
        self._wanted = [
            (moments.DATE_PARTS.get(part), moments.TIME_PARTS.get(part, self._time)) for part, _ in date.parts
        ]
        self._per_unit = moments.UNITS[date.unit]
        self._zoned, self._texts = "," in date.dtype, not date.dtype.startswith("datetime64")
        self._remembered = functools.lru_cache(_KEPT)(self._text)

    def one(self, value: Any) -> float | tuple[float, ...]:
        """Read one value: its parts, or its only one. Raises as ``many``."""
        parts = self._one(value)
        return parts[0] if len(parts) == 1 else parts

    def _one(self, value: Any) -> tuple[float, ...]:
        if type(value) is str:
            if len(value) > _SHORT or value.strip().lower() in _CLOCK:
                return self._text(value)
            return self._remembered(value)
        if value is None:
            return self._missing
        if isinstance(value, datetime.datetime):
            moment = self._of_datetime(value)
            if moment is not None:
                return self._parts(moment)
        return self._by_pandas(value)

    def many(self, values: RawColumn) -> Array:
        """Read n values: float64 of shape (n, parts).

        Raises:
            ValueError, TypeError, OverflowError: pandas cannot read a value; AutoGluon raises too.
        """
        items, array = values.items, values.array
        if items is not None and values.kinds <= TEXTS and (self._texts or self._all_iso(items)):
            return np.array([self.one(one) for one in items]).reshape(len(items), len(self.slots))
        if array is not None and array.dtype == f"M8[{self._date.unit}]" and not self._zoned and _usual(array):
            return self._all(array)
        return self._all_by_pandas(values)

    def _all(self, read: Array) -> Array:
        nulls = np.isnat(read)
        known = np.where(nulls, np.zeros((), read.dtype), read)
        return self._filled(nulls, [moments.part_of(known, part) for part, _ in self._date.parts])

    def _all_by_pandas(self, values: RawColumn) -> Array:
        nulls, parts = pandas_columns.dates(values.series(), self._date.dtype, [part for part, _ in self._date.parts])
        return self._filled(nulls, parts)

    def _filled(self, nulls: Array, parts: list[Array]) -> Array:
        filled = [
            np.where(nulls, none, doubles_of(part.astype(np.int64)))
            for part, none in zip(parts, self._missing, strict=True)
        ]
        return np.stack(filled, axis=1) if filled else np.empty((len(nulls), 0))

    def _all_iso(self, items: list[Any]) -> bool:
        """Tell whether a column that pandas casts to dates at once has nothing but what is read the same one by one."""
        for text in items:
            if text:
                read = moments.iso_moment(text)
                if read is None or not self._takes(*read):
                    return False
        return True

    def _text(self, text: str) -> tuple[float, ...]:
        if not text:
            return self._missing
        read = moments.iso_moment(text)
        if read is not None and (self._texts or self._takes(*read)):
            return self._parts(read[0])
        return self._by_pandas(text)

    def _takes(self, moment: int, zoned: bool) -> bool:
        """Tell whether a column of dates takes a moment: pandas rounds nothing off, and does not guess zones."""
        return zoned == self._zoned and moment % self._per_unit == 0

    def _of_datetime(self, value: datetime.datetime) -> int | None:
        """Give the nanoseconds of a datetime or Timestamp; None where pandas is to say."""
        if type(value) is not datetime.datetime and type(value).__name__ != "Timestamp":
            return None
        zoned = value.tzinfo is not None
        if not 1678 <= value.year <= 2261 or (not self._texts and zoned != self._zoned):
            return None
        if type(value) is not datetime.datetime:
            return int(value.value)  # type: ignore[attr-defined]
        since = (value.astimezone(datetime.timezone.utc).replace(tzinfo=None) if zoned else value) - moments.EPOCH
        return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000

    def _parts(self, moment: int) -> tuple[float, ...]:
        date = moments.date_of(moment)
        return tuple([double_of(of_date(date) if of_date else of_time(moment)) for of_date, of_time in self._wanted])

    def _time(self, moment: int) -> int:
        return moment // self._per_unit

    def _by_pandas(self, value: Any) -> tuple[float, ...]:
        return tuple(self._all_by_pandas(RawColumn(items=[value]))[0].tolist())


def _usual(read: Array) -> bool:
    """Tell whether all moments lie in years that nanoseconds hold: beyond, pandas' parts overflow in their own way."""
    return not ((read < _FIRST) | (read > _LAST)).any()
