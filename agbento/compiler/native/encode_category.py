"""Categories: raw values → positions of their levels."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from agbento.compiler.arrays import Array, Arrays
from agbento.compiler.native import pandas_columns
from agbento.compiler.native.raw_columns import LEAST_INT, MOST_INT, RawColumn, no_long_int
from agbento.compiler.plan.features import Category

_EXACT = 2**53
_KEPT, _SHORT = 4096, 64  # texts that pandas has read once, of so many characters at most
_MANY: frozenset[type] = frozenset({str, int, float, type(None)})


class CategoryEncoder:
    """Reads the values of one category column.

    A value's level is the one that equals it in Python, as in pandas' hash tables, for values and levels of Python's
    own scalar types; bools are no numbers to an index of numbers. Everything else goes through pandas.
    """

    def __init__(self, category: Category, arrays: Arrays) -> None:
        self.columns, self.slots = (category.column,), (category.slot,)
        self._category, self._arrays, self._missing = category, arrays, float(category.missing)
        self._positions = arrays.get(category.positions) if category.positions else None
        self._filled = category.dtype == "object" or category.dtype.startswith("string")
        self._found: dict[Any, float] = {}
        self._plain: frozenset[type] = frozenset(self._plain_kinds())
        if self._plain:
            levels = pandas_columns.levels_of(category.index, arrays)
            at = range(len(levels)) if self._positions is None else self._positions.tolist()
            self._found = {level: float(i) for level, i in zip(levels, at, strict=True) if i >= 0}
            null = self._found.get("", self._missing) if self._filled else self._missing
            self._found[None] = null
        self._numeric = bool(self._plain) and category.index.dtype not in ("object", "bool")
        self._remembered = functools.lru_cache(_KEPT)(self._by_pandas)

    def one(self, value: Any) -> float:
        """Read one value: the position of its level. Raises as ``many``."""
        kind = type(value)
        if kind in self._plain:
            if kind is float and value != value:
                return self._found[None]
            if kind is not int or LEAST_INT <= value <= MOST_INT:
                return self._found.get(value, self._missing)
        if kind is bool and self._numeric:
            return self._missing  # to pandas no bool is in an index of numbers
        return self._remembered(value) if kind is str and len(value) <= _SHORT else self._by_pandas(value)

    def many(self, values: RawColumn) -> Array:
        """Read n values: shape (n,) of positions of levels.

        Raises:
            ValueError, TypeError: a value that pandas cannot look for; AutoGluon raises too.
        """
        items, kinds = values.items, values.kinds
        if values.array is not None and values.array.dtype.kind in "if" and values.array.dtype != np.float16:
            items = values.array.tolist()
            kinds = frozenset({float if values.array.dtype.kind == "f" else int})
        if items is not None and kinds <= self._plain and kinds <= _MANY and no_long_int(items, kinds):
            find, missing, null = self._found.get, self._missing, self._found[None]
            if float in kinds:
                return np.array([find(one, missing) if one == one else null for one in items])
            return np.array([find(one, missing) for one in items])
        found = pandas_columns.codes(values.series(), self._category.dtype, self._index)
        codes = found.astype(np.float64)
        if self._positions is not None:
            codes = np.append(self._positions, -1)[found].astype(np.float64)
        return np.where(codes < 0, self._missing, codes)

    @functools.cached_property
    def _index(self) -> Any:
        return pandas_columns.index_of(self._category.index, self._arrays)

    def _by_pandas(self, value: Any) -> float:
        return float(self.many(RawColumn(items=[value]))[0])

    def _plain_kinds(self) -> tuple[type, ...]:
        """Give the types of values that a dictionary finds as pandas does."""
        index, cast = self._category.index, self._category.dtype
        if index.dtype == "interval" or index.dtype.startswith("datetime64"):
            return ()
        levels = pandas_columns.levels_of(index, self._arrays)
        kinds = {type(level) for level in levels}
        if not kinds <= {str, int, float, bool} or cast == "bool":
            return ()
        # Beyond 2**53 an int equals a float to pandas that it is not equal to in Python.
        exact = all(isinstance(level, str) or abs(level) <= _EXACT for level in levels)
        if cast.startswith("string") or index.dtype == "bool" or not exact:
            return str, type(None)
        if index.dtype != "object":
            return str, int, float, type(None)
        if cast == "category" and bool in kinds:
            return str, bool, type(None)
        return str, int, float, bool, type(None)
