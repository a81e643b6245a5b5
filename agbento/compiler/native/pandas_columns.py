"""Values that are none of the plain ones: what AutoGluon does to them, by pandas, one column at a time.

pandas decides by the dtype of a whole column what a value is, in ways that are its own. The encoders read what is plain
themselves, with the same results, and leave all else to these functions, which are slow and always right. pandas is
imported when the first such value is met.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

from agbento.compiler.arrays import Array, Arrays
from agbento.compiler.plan.features import Index
from agbento.compiler.plan.values import decode

P = ParamSpec("P")
R = TypeVar("R")


def _raises_value_error(function: Callable[P, R]) -> Callable[P, R]:
    """Let ``function`` raise ValueError for whatever pandas raises: of what it cannot read there is no list."""

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            raise ValueError(str(error)) from error

    return guarded


@_raises_value_error
def cast(series: Any, dtype: str, index: Any = None) -> Any:
    """Cast to the dtype of training, as AsTypeFeatureGenerator and FillNaFeatureGenerator do.

    ``index`` are the levels of a "category". Null becomes 0 in a column of ints and "" in one of objects or strings.

    Raises:
        ValueError: pandas cannot; AutoGluon raises too.
    """
    import pandas as pd

    if dtype == "category":
        return (
            series
            if series.dtype == "category" and series.dtype.categories.equals(index)
            else series.astype(pd.CategoricalDtype(index))
        )
    goal = pd.api.types.pandas_dtype(dtype)
    if series.dtype != goal:
        if getattr(goal, "kind", "") in ("i", "u") and series.isnull().any():
            series = _zeros_for_nulls(series)
        with np.errstate(all="ignore"):
            series = series.astype(goal)
    if pd.api.types.is_object_dtype(goal) or isinstance(goal, pd.StringDtype):
        nulls = series.isna()
        if nulls.any():
            series = series.copy()
            series[nulls] = ""
    return series


def _zeros_for_nulls(series: Any) -> Any:
    """Do what ``fillna(0)`` does, without its warning that a column of objects becomes one of numbers."""
    import pandas as pd

    if not pd.api.types.is_object_dtype(series.dtype):
        return series.fillna(0)
    filled = series.to_numpy(copy=True)
    filled[series.isnull().to_numpy()] = 0
    return pd.Series(filled).infer_objects()


def index_of(index: Index, arrays: Arrays) -> Any:
    """Give the pandas index of levels."""
    import pandas as pd

    if index.dtype == "interval":
        closed: Any = index.closed
        return pd.IntervalIndex.from_arrays(arrays.get(index.array), arrays.get(index.right), closed=closed)
    if index.dtype.startswith("datetime64"):
        return _dates(arrays.get(index.array), pd.api.types.pandas_dtype(index.dtype))
    if index.dtype == "object" or index.dtype.startswith("string"):
        return pd.Index(levels_of(index, arrays), dtype=index.dtype)
    return pd.Index(arrays.get(index.array), dtype=index.dtype)


def levels_of(index: Index, arrays: Arrays) -> list[Any]:
    """Give the levels of a numeric, bool, string or object index as Python values."""
    if index.dtype == "object" or index.dtype.startswith("string"):
        return [decode(told) for told in json.loads(arrays.get_bytes(index.array))]
    return arrays.get(index.array).tolist()  # type: ignore[no-any-return]


def _dates(moments: Array, dtype: Any) -> Any:
    import pandas as pd

    naive = pd.DatetimeIndex(moments.astype(f"M8[{_unit(dtype)}]"))
    zone = getattr(dtype, "tz", None)
    return naive if zone is None else naive.tz_localize("UTC").tz_convert(zone)


def _unit(dtype: Any) -> str:
    return str(np.datetime_data(dtype)[0]) if isinstance(dtype, np.dtype) else str(dtype.unit)


@_raises_value_error
def codes(series: Any, dtype: str, index: Any) -> Array:
    """Give the positions of the values' levels in ``index``, after a cast: -1 for none. Raises as ``cast``."""
    import pandas as pd

    typed = cast(series, dtype, index)
    return np.asarray(pd.Categorical(typed, categories=index).codes)


@_raises_value_error
def dates(series: Any, dtype: str, parts: list[str]) -> tuple[Array, list[Array]]:
    """Tell which dates are none, and give the parts of all in UTC, as DatetimeFeatureGenerator reads them after a cast.

    "time" is the number of the dtype's units since 1970. Parts of a missing date are any number. Raises as ``cast``.
    """
    import pandas as pd

    read = pd.to_datetime(cast(series, dtype), utc=True, errors="coerce", format="mixed")
    nulls = read.isna()
    known = read.where(~nulls, pd.Timestamp(0, tz="UTC").as_unit(read.dtype.unit))
    found = [known if part == "time" else getattr(known.dt, part) for part in parts]
    return nulls.to_numpy(), [part.astype(np.int64).to_numpy() for part in found]


@_raises_value_error
def texts(series: Any, dtype: str) -> list[str]:
    """Give the texts of values after a cast. Raises as ``cast``."""
    return cast(series, dtype).astype(str).tolist()  # type: ignore[no-any-return]


@_raises_value_error
def equal(series: Any, value: Any, by_objects: bool) -> Array:
    """Tell where values equal ``value``, in one of AsTypeFeatureGenerator's two ways: shape (n,) of int8.

    Raises:
        ValueError: pandas cannot tell; AutoGluon raises too.
    """
    if by_objects:
        found = series.to_frame().to_numpy(dtype="object") == np.array([value], dtype="object")
        return np.asarray(found)[:, 0].astype(np.int8)
    return np.asarray((series == value).astype(np.int8))
