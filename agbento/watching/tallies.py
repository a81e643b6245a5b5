"""Held values of one column → how many of them are in each bin."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from agbento.bins import MISSING, OTHER, UNSEEN, FeatureBins, Numbers, as_compared
from agbento.schema import Feature, plain
from agbento.values import levels
from agbento.values.numbers import number_dtype
from agbento.values.reading import reader
from agbento.values.reasons import Off

Tally = npt.NDArray[np.int64]  # one number a bin
Values = Sequence[Any] | npt.NDArray[Any]
Tallier = Callable[[Values], Tally]
Measure = Callable[[Values], Numbers]
_NO_NUMBER = (TypeError, ValueError, OverflowError, AttributeError)


def tallier(bins: FeatureBins, feature: Feature) -> Tallier:
    """Give what counts the held values of a feature."""
    if bins.kind == "numeric":
        return NumberTallier(bins, *measure(feature))
    return LevelTallier(bins, _codes(bins, feature), None if feature.two_valued is None else 1)


def prediction_tallier(bins: FeatureBins) -> Tallier:
    """Give what counts answers."""
    if bins.kind == "numeric":
        return NumberTallier(bins, np.dtype(np.float64), _numbers)
    return LevelTallier(bins, {level: i for i, level in enumerate(bins.levels)}, None)


def measure(feature: Feature) -> tuple[np.dtype[Any], Measure]:
    """Give the dtype that a numeric feature's values are compared in, and what makes numbers of held ones.

    Missing ones are NaN. Raises TypeError or ValueError where one is something else.
    """
    match feature.type:
        case "int" | "float":
            dtype = number_dtype(feature)
            is_narrow = dtype.kind == "f" and dtype.itemsize < 8
            return (dtype, _narrowed(dtype)) if is_narrow else (np.dtype(np.float64), _numbers)
        case "datetime":
            return np.dtype(np.float64), _stamps if feature.holds_timestamps else _date_texts
        case _:
            return np.dtype(np.float64), _lengths


class NumberTallier:
    """Counts numbers by edges."""

    def __init__(self, bins: FeatureBins, dtype: np.dtype[Any], numbers: Measure) -> None:
        self._edges = as_compared(bins.edges, dtype)
        self._numbers, self._size = numbers, len(bins.labels)
        self._missing, self._unseen = bins.labels.index(MISSING), bins.labels.index(UNSEEN)

    def __call__(self, values: Values) -> Tally:
        """Count values."""
        try:
            numbers = self._numbers(values)
        except _NO_NUMBER:
            return self._one_by_one(values)
        # A bin has its edge: the first whose edge is not below the number.
        found = np.searchsorted(self._edges, numbers)
        found[np.isnan(numbers)] = self._missing
        return np.bincount(found, minlength=self._size)

    def _one_by_one(self, values: Values) -> Tally:
        found = np.zeros(self._size, np.int64)
        for value in values:
            try:
                number = float(self._numbers([value])[0])
            except _NO_NUMBER:
                found[self._missing if value is None or value is pd.NaT else self._unseen] += 1
                continue
            found[self._missing if math.isnan(number) else int(np.searchsorted(self._edges, number))] += 1
        return found


class LevelTallier:
    """Counts levels by their codes; ``otherwise`` is the bin of what has none, "(unseen)" where it is None."""

    def __init__(self, bins: FeatureBins, codes: Mapping[Any, int], otherwise: int | None) -> None:
        self._size, self._missing = len(bins.labels), bins.labels.index(MISSING)
        self._codes = {None: self._missing, **codes}
        self._otherwise = bins.labels.index(UNSEEN) if otherwise is None else otherwise

    def __call__(self, values: Values) -> Tally:
        """Count values."""
        found = [0] * self._size
        for value, count in _counted(values).items():
            found[self._code(value)] += count
        return np.array(found, np.int64)

    def _code(self, value: Any) -> int:
        code = self._codes.get(value)
        if code is None:
            code = self._missing if _is_nan(value) else self._codes.get(plain(value), self._otherwise)
        return code


def _counted(values: Values) -> Mapping[Any, int]:
    values = values.tolist() if isinstance(values, np.ndarray) else values
    try:
        return Counter(values)
    except TypeError:
        # What is no scalar is no level either.
        return Counter(
            value if value is None or isinstance(value, (str, int, float)) else levels.UNSEEN for value in values
        )


def _is_nan(value: Any) -> bool:
    return value is pd.NaT or (isinstance(value, float) and math.isnan(value))


def _codes(bins: FeatureBins, feature: Feature) -> dict[Any, int]:
    """Give the bin of each value that a column of levels may hold."""
    if feature.two_valued is not None:
        # What a column of two values holds is one of them, or what does not equal it.
        return {held_as(feature, feature.two_valued.true): 0}
    codes = {level: i for i, level in enumerate(bins.levels)}
    if feature.type == "bool" or feature.categories is not None:
        others: Iterable[Any] = (level for level in feature.categories or () if level not in codes)
    else:
        # Nobody knows how its levels are spelled: 1 may come as "1".
        codes = {text: i for level, i in codes.items() for text in levels.spellings_of(level)} | codes
        others = (text for level in bins.others for text in levels.spellings_of(level) if text not in codes)
    other = bins.labels.index(OTHER) if OTHER in bins.labels else bins.labels.index(UNSEEN)
    return dict.fromkeys(others, other) | codes


def held_as(feature: Feature, value: Any) -> Any:
    """Give what a column of the feature holds for a value."""
    try:
        return reader(feature)(value)
    except Off as off:
        return off.held


def _numbers(values: Values) -> Numbers:
    return np.asarray(values, np.float64)


def _narrowed(dtype: np.dtype[Any]) -> Measure:
    return lambda values: np.asarray(values, dtype).astype(np.float64)


def _stamps(values: Values) -> Numbers:
    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        return _date_texts(values)
    # By way of NumPy, pandas' timestamps take fifty times as long.
    nanoseconds = [math.nan if value is None or value is pd.NaT else value.value for value in values]
    return np.array(nanoseconds) / 1e9


def _date_texts(values: Values) -> Numbers:
    stamps = np.asarray(values, "datetime64[ns]")
    return np.where(np.isnat(stamps), math.nan, stamps.astype(np.int64) / 1e9)


def _lengths(values: Values) -> Numbers:
    found = np.fromiter(map(len, values), np.float64, len(values))
    found[found == 0] = math.nan
    return found
