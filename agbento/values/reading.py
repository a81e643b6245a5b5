"""One value of a request → what the predictor's column holds, or what is off with it.

AutoGluon turns what it does not understand into something else without a word; here each such case has a name.
docs/values.md is the table of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from agbento.schema import Feature
from agbento.values.dates import DateReader
from agbento.values.levels import Reader, bool_reader, category_reader, scalar_reader, text_reader
from agbento.values.numbers import FloatReader, IntReader, number_dtype
from agbento.values.two_valued import TwoValuedReader


def reader(feature: Feature) -> Reader:
    """Give the function that reads one value, as JSON gives it, for ``feature``; it raises Off."""
    if feature.two_valued is None:
        return _reader(feature)
    return TwoValuedReader(
        feature, feature.two_valued, scalar_reader if feature.type == "category" else _reader(feature)
    )


def _reader(feature: Feature) -> Reader:
    match feature.type:
        case "int":
            return IntReader(feature)
        case "float":
            return FloatReader(feature)
        case "bool":
            return bool_reader()
        case "datetime":
            return DateReader(feature)
        case "category":
            return category_reader(feature)
        case "text":
            return text_reader(feature)


def _zone(dtype: str) -> Any:
    """Give the time zone of ``datetime64[ns, Europe/Paris]``."""
    try:
        zoned: Any = pd.api.types.pandas_dtype(dtype)
    except TypeError:  # pandas writes the names of some that it does not read, as "pytz.FixedOffset(60)"
        return "UTC"
    return zoned.tz


def column(feature: Feature, values: Sequence[Any] | npt.NDArray[Any]) -> Any:
    """Give the DataFrame column, of the training column's dtype, that holds what the reader gave."""
    match feature.type:
        case "int" | "float":
            return np.asarray(values, dtype=number_dtype(feature))
        case "bool":
            return np.asarray(values, dtype=bool)
        case "datetime" if feature.holds_timestamps:
            dates = pd.DatetimeIndex(list(values), dtype="datetime64[ns]")
            return dates.tz_localize("UTC").tz_convert(_zone(feature.dtype)) if "," in feature.dtype else dates
    held = np.empty(len(values), dtype=object)
    held[:] = values
    return held
