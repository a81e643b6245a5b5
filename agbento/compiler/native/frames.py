"""Columns of the matrix → the DataFrame that AutoGluon's own objects take. The only place here that needs pandas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from agbento.compiler.native.contract import Matrix
from agbento.compiler.plan.slots import Slot


class Framer:
    """Makes DataFrames of some slots, with the dtypes that AutoGluon has in them."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        import pandas as pd

        self._slots = tuple(slots)
        self._categories = {
            slot.index: pd.CategoricalDtype(pd.Index(slot.levels, dtype=slot.levels_dtype))
            for slot in self._slots
            if slot.levels is not None
        }

    def frame(self, rows: Matrix) -> Any:
        """Give the DataFrame of ``rows``: shape (n, slots), columns in the order of the slots."""
        import pandas as pd

        return pd.DataFrame({slot.name: self._column(slot, rows[:, i]) for i, slot in enumerate(self._slots)})

    def _column(self, slot: Slot, values: Any) -> Any:
        import pandas as pd

        if slot.is_category:
            return pd.Categorical.from_codes(values.astype("int64"), dtype=self._categories[slot.index])
        dtype = np.dtype(slot.dtype)
        if dtype.kind in "iu" and dtype.itemsize == 8:
            # float64 has no number just below 2**63: the largest ints have become it, which no int64 is.
            most = np.iinfo(dtype).max
            return np.where(values >= float(most), most, np.where(values < float(most), values, 0).astype(dtype))
        return values.astype(dtype)
