"""The matrix's columns as the DataFrame that AutoGluon's own objects take."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from agbento.compiler.native.frames import Framer
from agbento.compiler.plan.slots import Slot


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.sampled_from([2**63 - 1, -(2**63), 2**53, 0]), min_size=1))
def test_ints_are_as_near_as_float64_is(numbers: list[int]) -> None:
    column = Framer([Slot(3, "a", "int64")]).frame(np.array(numbers, float)[:, None])["a"]
    assert column.dtype == "int64"
    for found, number in zip(column.tolist(), numbers, strict=True):
        assert abs(found - number) <= abs(number) * 2.0**-52


def test_every_dtype_comes_back() -> None:
    slots = [
        Slot(0, "small", "int8"),
        Slot(1, "float", "float32"),
        Slot(2, "level", "category", ("a", "b"), "object"),
        Slot(3, "number", "category", (10, 20), "int64"),
        Slot(4, "large", "uint64"),
    ]
    frame = Framer(slots).frame(np.array([[1, 0.5, 1, 0, 2.0**64], [-2, np.nan, -1, -1, 7]]))
    assert frame["small"].tolist() == [1, -2]
    assert frame["float"].dtype == "float32"
    assert frame["level"].astype(object).where(frame["level"].notna(), None).tolist() == ["b", None]
    assert frame["number"].cat.categories.dtype == "int64"
    assert frame["number"].cat.codes.tolist() == [0, -1]
    assert frame["large"].tolist() == [2**64 - 1, 7]
    assert isinstance(frame, pd.DataFrame)
