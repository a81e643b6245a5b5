"""Two-valued columns: whether a raw value equals the one that counts as true."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from agbento.compiler.arrays import Array
from agbento.compiler.native import pandas_columns
from agbento.compiler.native.raw_columns import LEAST_INT, MOST_INT, RawColumn, no_long_int
from agbento.compiler.plan.features import Flag
from agbento.compiler.plan.values import decode

_PLAIN: frozenset[type] = frozenset({str, int, float, bool, type(None)})
_EXACT = 2**53  # up to here an int and its float are the same to pandas too
_WIDE = (np.bool_, np.integer, np.float64)
_NARROW = (np.float32, np.float16)


class FlagEncoder:
    """Reads the values of one two-valued column; ``one`` raises as ``many``."""

    one: Callable[[Any], float]

    def __init__(self, flag: Flag) -> None:
        self.columns, self.slots = (flag.column,), (flag.slot,)
        self._value, self._below = decode(json.loads(flag.value)), flag.objects_below
        # What it is to Python: equal to the same plain values as NumPy's scalar is.
        value = self._value.item() if isinstance(self._value, _WIDE) else self._value
        self._plain: Any = None
        self.one = self._by_pandas
        if type(value) in (str, bool) or (type(value) in (int, float) and abs(value) < _EXACT):
            self._plain, self.one = value, self._one_plain
        elif isinstance(value, _NARROW):
            # pandas widens it to compare it with a column of floats; Python rounds the float to compare it with that.
            self._narrow = value if self._below > 1 else float(value)
            self.one = self._one_narrow
        elif isinstance(value, np.datetime64):
            self._moment = int(value.astype("M8[ns]").astype(np.int64))
            self.one = self._one_moment

    def many(self, values: RawColumn) -> Array:
        """Read n values: shape (n,) of 0 and 1.

        Raises:
            ValueError: pandas cannot compare them; AutoGluon raises too.
        """
        array, items, plain = values.array, values.items, self._plain
        if plain is not None and array is not None and array.dtype.kind in "iufb" and type(plain) is not str:
            return np.asarray(array == self._value)
        if plain is not None and items is not None and values.kinds <= _PLAIN and no_long_int(items, values.kinds):
            return np.array([one == plain for one in items], np.int8)
        return pandas_columns.equal(values.series(), self._value, len(values) < self._below)

    def _by_pandas(self, value: Any) -> float:
        return float(self.many(RawColumn(items=[value]))[0])

    def _one_plain(self, value: Any) -> float:
        kind = type(value)
        if kind in _PLAIN and (kind is not int or LEAST_INT <= value <= MOST_INT):
            return 1.0 if value == self._plain else 0.0
        return self._by_pandas(value)

    def _one_narrow(self, value: Any) -> float:
        if value is None or type(value) is str:
            return 0.0
        if type(value) is float or (type(value) is int and abs(value) < _EXACT):
            with np.errstate(all="ignore"):
                return 1.0 if value == self._narrow else 0.0
        return self._by_pandas(value)

    def _one_moment(self, value: Any) -> float:
        if value is None:
            return 0.0
        if type(value).__name__ == "Timestamp" and value.tzinfo is None:
            return 1.0 if value.value == self._moment else 0.0
        return self._by_pandas(value)
