"""Columns that tell whether another one is null."""

from __future__ import annotations

from typing import Any

import numpy as np

from agbento.compiler.arrays import Array
from agbento.compiler.native import pandas_columns
from agbento.compiler.native.raw_columns import RawColumn
from agbento.compiler.plan.features import Null


class NullEncoder:
    """Reads the values of one column."""

    def __init__(self, null: Null) -> None:
        self.columns, self.slots = (null.column,), (null.slot,)
        self._dtype = null.dtype
        self._texts = null.dtype == "object" or null.dtype.startswith("string")

    def one(self, value: Any) -> float:
        """Read one value: 1 where it is null. Raises as ``many``."""
        if self._texts and type(value) is str:
            return 0.0 if value else 1.0
        return float(self.many(RawColumn(items=[value]))[0])

    def many(self, values: RawColumn) -> Array:
        """Read n values: shape (n,) of 0 and 1.

        Raises:
            ValueError, TypeError, OverflowError: pandas cannot cast a value; AutoGluon raises too.
        """
        typed = pandas_columns.cast(values.series(), self._dtype)
        return np.asarray((typed == "") if self._texts else typed.isnull())
