"""One column as a caller gives it: Python values or a NumPy array where that is all there is to it, else a Series."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from agbento.compiler.arrays import Array

TEXTS: frozenset[type] = frozenset({str, type(None)})
LEAST_INT, MOST_INT = -(2**63), 2**63 - 1  # ints beyond are something else to pandas


def no_long_int(items: list[Any], kinds: frozenset[type]) -> bool:
    """Tell whether all ints among ``items``, of the types ``kinds``, have 64 bits at the most."""
    return int not in kinds or all(LEAST_INT <= one <= MOST_INT for one in items if type(one) is int)


class RawColumn:
    """A column of n values in one of three forms; the other two are None.

    ``items`` are Python values in a list, of the types ``kinds``, whose dtype pandas has yet to find out; ``array`` is
    a NumPy array of bools, numbers or datetime64; ``series`` is a pandas Series of any other dtype.
    """

    __slots__ = ("_series", "array", "items", "kinds")

    def __init__(self, items: list[Any] | None = None, array: Array | None = None, series: Any = None) -> None:
        self.items, self.array, self._series = items, array, series
        self.kinds = frozenset(map(type, items)) if items is not None else frozenset()

    def __len__(self) -> int:
        held = self.items if self.items is not None else self.array if self.array is not None else self._series
        return len(held)

    def series(self) -> Any:
        """Give the pandas Series that a DataFrame would have of this column.

        Raises:
            ValueError: pandas makes none of such values.
        """
        if self._series is not None:
            return self._series
        import pandas as pd

        try:
            # A DataFrame, because a Series is made of some values in another way.
            return pd.DataFrame({0: self.items if self.items is not None else self.array})[0]
        except OverflowError as error:
            raise ValueError(str(error)) from error


def raw_column(values: Any) -> RawColumn:
    """Read a list or tuple of Python values, a NumPy array, a pandas Series or Index, or an Arrow array.

    Raises:
        ValueError: an array of more than one dimension.
        TypeError: something else.
    """
    if isinstance(values, (list, tuple)):
        return RawColumn(items=list(values))
    if isinstance(values, np.ndarray):
        return _of_array(values)
    if hasattr(values, "to_pandas"):
        return _of_arrow(values)
    if hasattr(values, "reset_index") and hasattr(values, "dtype"):
        return _of_series(values)
    if isinstance(values, Sequence) and not isinstance(values, (str, bytes)):
        return RawColumn(items=list(values))
    raise TypeError(f"a column of type {type(values).__name__}")


def _of_array(values: Array) -> RawColumn:
    if values.ndim != 1:
        raise ValueError(f"a column of {values.ndim} dimensions")
    if values.dtype.kind in "iufbM" and values.dtype.itemsize <= 8:
        return RawColumn(array=values)
    if values.dtype.kind == "U":
        return RawColumn(items=values.tolist())
    if values.dtype.kind == "O":
        column = RawColumn(items=values.tolist())
        if column.kinds <= TEXTS:
            return column
    import pandas as pd

    return RawColumn(series=pd.DataFrame({0: values})[0])


def _of_series(series: Any) -> RawColumn:
    if isinstance(series.dtype, np.dtype):
        kind = series.dtype.kind
        if kind in "iufbM" and series.dtype.itemsize <= 8:
            return RawColumn(array=series.to_numpy())
        if kind == "O":
            column = RawColumn(items=series.tolist())
            if column.kinds <= TEXTS:
                return column
    return RawColumn(series=series.reset_index(drop=True))


def _of_arrow(values: Any) -> RawColumn:
    types = sys.modules["pyarrow"].types
    if (types.is_integer(values.type) or types.is_floating(values.type)) and values.null_count == 0:
        return _of_array(values.to_numpy())
    if types.is_string(values.type) or types.is_large_string(values.type):
        return RawColumn(items=values.to_pylist())
    return _of_series(values.to_pandas())
