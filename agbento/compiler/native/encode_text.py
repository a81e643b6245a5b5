"""Text columns: what TextSpecialFeatureGenerator counts in a text."""

from __future__ import annotations

import re
import string
import struct
from bisect import bisect_left
from collections.abc import Callable
from typing import Any

import numpy as np

from agbento.compiler.arrays import Array, Arrays
from agbento.compiler.native import pandas_columns
from agbento.compiler.native.raw_columns import TEXTS, RawColumn
from agbento.compiler.plan.features import Statistic, Text

_SPELLED: frozenset[type] = frozenset({int, bool})
_SINGLE = struct.Struct("=f")
_NO_WORD = re.compile(r"[^\w]")
_CAPITALS, _SMALL, _DIGITS = (part.encode() for part in (string.ascii_uppercase, string.ascii_lowercase, string.digits))
_WORDS = _CAPITALS + _SMALL + _DIGITS + b"_"


class TextEncoder:
    """Reads the values of one text column into the statistics that are left of it."""

    def __init__(self, text: Text, arrays: Arrays) -> None:
        self.columns, self.slots = (text.column,), tuple(statistic.slot for statistic in text.statistics)
        self._dtype = text.dtype
        self._counts = [_count(statistic, arrays) for statistic in text.statistics]

    def one(self, value: Any) -> tuple[float, ...]:
        """Read one value: its statistics. Raises as ``many``."""
        text = text_of(value, self._dtype)
        solid = text.replace(" ", "")
        return tuple(count(text, solid) for count in self._counts)

    def many(self, values: RawColumn) -> Array:
        """Read n values: float64 of shape (n, statistics).

        Raises:
            ValueError, TypeError: pandas cannot cast a value; AutoGluon raises too.
        """
        found = [self.one(text) for text in texts_of(values, self._dtype)]
        return np.array(found, np.float64).reshape(len(found), len(self.slots))


def text_of(value: Any, dtype: str) -> str:
    """Give the text that AutoGluon makes of one raw value of a column of ``dtype``."""
    kind = type(value)
    if kind is str:
        return str(value)
    if value is None:
        return ""
    if kind in _SPELLED and dtype == "object" and -(2**63) <= value < 2**63:
        return str(value)
    return pandas_columns.texts(RawColumn(items=[value]).series(), dtype)[0]


def texts_of(values: RawColumn, dtype: str) -> list[str]:
    """Give the texts that AutoGluon makes of a column. Raises as ``pandas_columns.cast``."""
    if values.items is not None and values.kinds <= TEXTS:
        return [text or "" for text in values.items]
    return pandas_columns.texts(values.series(), dtype)


Count = Callable[[str, str], float]  # of a text and of the same without spaces


def _count(statistic: Statistic, arrays: Arrays) -> Count:
    measure = _measure(statistic)
    single = statistic.measure.endswith("ratio")
    bins = arrays.get(statistic.bins).tolist() if statistic.bins else None

    def count(text: str, solid: str) -> float:
        number = measure(text, solid)
        if single:
            number = _single(number)
        return number if bins is None else float(bisect_left(bins, number))

    return count


def _measure(statistic: Statistic) -> Count:
    symbol, measure = statistic.symbol, statistic.measure
    among = {"capital_ratio": _CAPITALS, "lower_ratio": _SMALL, "digit_ratio": _DIGITS}
    match measure:
        case "char_count":
            return lambda text, _: len(text)
        case "word_count":
            return lambda text, _: len(text.split())
        case "symbol_count":
            return lambda text, _: text.count(symbol)
        case "symbol_ratio":
            return lambda text, _: text.count(symbol) / (len(text) or 1)
        case "special_ratio":
            return lambda _, solid: _special(solid) / (len(solid) or 1)
    counted = among[measure]
    return lambda _, solid: _ascii(solid, counted) / (len(solid) or 1)


def _single(number: float) -> float:
    """Round to a float32: ratios are at most 1, which struct takes."""
    return _SINGLE.unpack(_SINGLE.pack(number))[0]  # type: ignore[no-any-return]


def _ascii(text: str, among: bytes) -> int:
    """Count the characters that are ``among`` those of ASCII."""
    data = text.encode("utf-8", "surrogatepass")
    return len(data) - len(data.translate(None, among))


def _special(text: str) -> int:
    if text.isascii():
        return len(text.encode().translate(None, _WORDS))
    return len(_NO_WORD.findall(text))
