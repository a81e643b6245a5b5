"""Values of number columns: JSON numbers and texts that spell one → what the column holds."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from agbento.schema import Feature
from agbento.values import spellings
from agbento.values.reasons import Off, Reason

_NOT_FINITE = re.compile(spellings.NOT_FINITE)
_DECIMAL, _NUMBER = re.compile(spellings.DECIMAL), re.compile(spellings.NUMBER)


def number_dtype(feature: Feature) -> np.dtype[Any]:
    """Give the NumPy dtype of a number column: the training column's, or the widest one of its type."""
    kinds, otherwise = ("iu", "int64") if feature.type == "int" else ("f", "float64")
    try:
        dtype = np.dtype(feature.dtype)
    except TypeError:  # one of pandas' own
        return np.dtype(otherwise)
    return dtype if dtype.kind in kinds and dtype.itemsize <= 8 else np.dtype(otherwise)


def whole_bounds(feature: Feature) -> tuple[int, int]:
    """Give the least and the greatest number that an int column holds."""
    info = np.iinfo(number_dtype(feature))
    return int(info.min), int(info.max)


def size_limit(feature: Feature) -> float:
    """Give the greatest number that a float column holds and models take: most compute in 32 bits."""
    return float(min(np.finfo(number_dtype(feature)).max, np.finfo(np.float32).max))


class IntReader:
    """Reads the values of an int column; raises Off. Null is held as 0, as AutoGluon does it."""

    def __init__(self, feature: Feature) -> None:
        self._low, self._high = low, high = whole_bounds(feature)
        unit = " of nanoseconds" if feature.dtype.startswith("timedelta64") else ""
        self._expected = f"a whole number{unit} from {low} to {high}"
        self._whole, self._fraction = map(re.compile, (spellings.whole(low, high), spellings.fraction(low, high)))

    def __call__(self, value: Any) -> int:
        """Read one value, as JSON gives it."""
        if type(value) is int:
            return value if self._low <= value <= self._high else self._within(value)
        if isinstance(value, str):
            return self._read_text(value)
        if isinstance(value, float):
            return self._read_float(value)
        raise self._off("null" if value is None else "wrong_type")

    def _within(self, number: int) -> int:
        if self._low <= number <= self._high:
            return number
        raise self._off("out_of_range", self._low if number < self._low else self._high)

    def _read_float(self, number: float) -> int:
        if not math.isfinite(number):
            raise self._off("not_finite")
        cut = self._within(int(number))
        if cut != number:
            raise self._off("not_a_whole_number", cut)
        return cut

    def _read_text(self, text: str) -> int:
        if self._whole.fullmatch(text):
            return _cut(text)
        if not text:
            raise self._off("null")
        if self._fraction.fullmatch(text):
            raise self._off("not_a_whole_number", _cut(text))
        if _DECIMAL.fullmatch(text):
            raise self._off("out_of_range", self._low if text[0] == "-" else self._high)
        raise self._off("not_finite" if _NOT_FINITE.fullmatch(text) else "not_a_number")

    def _off(self, reason: Reason, held: int = 0) -> Off:
        expected = self._expected + (", in digits" if reason == "not_a_number" else "")
        return Off(reason, expected, held, str(held))


def _cut(text: str) -> int:
    """Cut a decimal to a whole number; of very many digits, be they zeros, Python makes none."""
    size = int(text.partition(".")[0].lstrip("+-0") or 0)
    return -size if text[0] == "-" else size


class FloatReader:
    """Reads the values of a float column; raises Off. Null is held as NaN: a missing value."""

    def __init__(self, feature: Feature) -> None:
        self._limit = limit = size_limit(feature)
        self._least = -limit
        self._expected = f"a finite number of a size up to {self._limit:g}"
        self._real = re.compile(spellings.real(self._limit))

    def __call__(self, value: Any) -> float:
        """Read one value, as JSON gives it."""
        if type(value) is float and self._least <= value <= self._limit:
            return value
        if isinstance(value, str):
            return self._read_text(value)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._off("null" if value is None else "wrong_type")
        if self._least <= value <= self._limit:
            return float(value)
        if isinstance(value, float) and not math.isfinite(value):
            raise self._off("not_finite")
        raise self._beyond(value)

    def _read_text(self, text: str) -> float:
        if self._real.fullmatch(text):
            return float(text)
        if not text:
            raise self._off("null")
        if _NUMBER.fullmatch(text):
            raise self._beyond(float(text))
        raise self._off("not_finite" if _NOT_FINITE.fullmatch(text) else "not_a_number")

    def _beyond(self, number: float) -> Off:
        # A text may be within the limit, only not seen to be by its pattern.
        held = float(min(max(number, -self._limit), self._limit))
        return Off("out_of_range", f"{self._expected}, as a text well below it", held, str(held))

    def _off(self, reason: Reason) -> Off:
        return Off(reason, self._expected, math.nan)


def read_at_once(feature: Feature, values: Sequence[Any], nulls: int) -> npt.NDArray[Any] | None:
    """Give the column of many JSON numbers, ``nulls`` of them null and to be missing values of a float column.

    Gives None where one of them needs to be looked at by itself.
    """
    is_int = feature.type == "int"
    if not set(map(type, values)) <= ({int} if is_int else {int, float, type(None)} if nulls else {int, float}):
        return None
    try:
        found = np.array(values, np.int64 if is_int else np.float64)
    except OverflowError:
        return None
    low, high = whole_bounds(feature) if is_int else (-size_limit(feature), size_limit(feature))
    # A number that is none is not within the bounds.
    fitting = np.count_nonzero((found >= low) & (found <= high))
    return found.astype(number_dtype(feature)) if fitting == len(values) - nulls else None
