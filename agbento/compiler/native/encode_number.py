"""Number columns: raw values → what pandas' ``astype`` makes of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from agbento.compiler.arrays import Array
from agbento.compiler.native import pandas_columns
from agbento.compiler.native.raw_columns import RawColumn
from agbento.compiler.plan.features import Number

_NONE = type(None)
_INTS = frozenset({int})
_BOOLS = frozenset({bool})
_NUMBERS = frozenset({int, float, _NONE})
_CODES = {"": "d", "float64": "d", "float32": "f", "int8": "b", "int16": "h", "int32": "i", "int64": "q"} | {
    "uint8": "B",
    "uint16": "H",
    "uint32": "I",
    "uint64": "Q",
}
_EXACT = 2.0**63  # from here on ints are no int64


class NumberEncoder:
    """Reads the values of one number column."""

    def __init__(self, number: Number) -> None:
        self.columns, self.slots = (number.column,), (number.slot,)
        self.dtype = np.dtype(number.dtype) if number.dtype else None
        # struct's code that takes a plain number and keeps it as pandas casts it; "" where there is none.
        self.packs = _CODES.get(number.dtype, "")
        self.one: Callable[[Any], float]
        if self.dtype is None:
            self.one = self._as_it_is
        elif self.dtype.kind == "f":
            self.one = self._float
        else:
            limits = np.iinfo(self.dtype)
            self._low, self._high = int(limits.min), int(limits.max)
            self.one = self._int

    def many(self, values: RawColumn) -> Array:
        """Read n values: shape (n,) of the column's dtype.

        Raises:
            ValueError, TypeError, OverflowError: a value is no number; AutoGluon raises too.
        """
        array = _array(values)
        if self.dtype is None:
            return _uncast(values) if array is None else array
        if array is None:
            return np.asarray(pandas_columns.cast(values.series(), self.dtype.name))
        if self.dtype.kind in "iu" and array.dtype.kind == "f":
            return _to_whole(array, self.dtype)
        with np.errstate(all="ignore"):
            return array.astype(self.dtype)

    def _float(self, value: Any) -> float:
        kind = type(value)
        if kind is float or kind is bool or kind is str:
            number = float(value)
        elif value is None:
            return math.nan
        elif kind is int and -(2**53) <= value <= 2**53:
            number = float(value)
        else:
            return float(self.many(RawColumn(items=[value]))[0])
        if self.dtype.itemsize < 8:  # type: ignore[union-attr]
            with np.errstate(all="ignore"):
                return float(self.dtype.type(number))  # type: ignore[union-attr]
        return number

    def _int(self, value: Any) -> float:
        kind = type(value)
        if kind is int or kind is bool:
            if self._low <= value <= self._high:
                return float(value)
            if -(2**63) <= value < 2**64:
                return float(self._low + (value - self._low) % (self._high - self._low + 1))
        elif kind is float:
            if value.is_integer() and self._low <= value <= self._high and -_EXACT <= value < _EXACT:
                return float(int(value))
            if value != value:
                return 0.0
            return float(_to_whole(np.array([value]), self.dtype)[0])  # type: ignore[arg-type]
        elif value is None:
            return 0.0
        elif kind is str:
            return float(np.array([value], object).astype(self.dtype)[0])
        return float(self.many(RawColumn(items=[value]))[0])

    def _as_it_is(self, value: Any) -> float:
        if value is None:
            return math.nan
        return float(self.many(RawColumn(items=[value]))[0])


def _uncast(values: RawColumn) -> Array:
    """Give the numbers of a column that AutoGluon hands to models as pandas reads it; raises ValueError of objects."""
    series = values.series()
    if series.dtype.kind not in "iufb":
        raise ValueError("not a number")
    return np.asarray(series.to_numpy("float64", na_value=np.nan))


def _array(values: RawColumn) -> Array | None:
    """Give the array that pandas would make of plain numbers; None where they are not plain."""
    if values.array is not None:
        return None if values.array.dtype.kind == "M" else values.array
    items, kinds = values.items, values.kinds
    if items is None or not kinds:
        return None
    if kinds == _INTS:
        try:
            return np.array(items, np.int64)
        except OverflowError:
            return None
    if kinds == _BOOLS:
        return np.array(items, bool)
    if kinds <= _NUMBERS:
        try:
            array = np.array(items, np.float64)
        except OverflowError:
            return None
        # pandas may hold such a column as objects.
        return None if int in kinds and (np.abs(array) >= _EXACT).any() else array
    return None


def _to_whole(array: Array, dtype: np.dtype[Any]) -> Array:
    """Cast floats to ints: NaN is 0, fractions are cut off, what does not fit is what the processor makes of it.

    Raises:
        ValueError: an infinity, or a negative number where ``dtype`` has no sign.
    """
    nulls = np.isnan(array)
    if nulls.any():
        array = np.where(nulls, array.dtype.type(0), array)
    if not np.isfinite(array).all():
        raise ValueError("an infinity in a column of whole numbers")
    with np.errstate(all="ignore"):
        if dtype.kind == "u" and not (array >= 0).all():
            raise ValueError("a negative number in a column of unsigned numbers")
        return array.astype(dtype)
