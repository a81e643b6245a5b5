"""The values that are worth trying in a column."""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agbento.compiler.proof.date_pools import date_edges, odd_dates, odd_loose_dates, usual_dates
from agbento.compiler.proof.remembered import Column
from agbento.compiler.proof.text_pools import odd_texts, usual_texts

Thresholds = npt.NDArray[np.float64]

_LEVELS: Final = 4096  # of a category with more, so many are tried, evenly spread
_THRESHOLDS: Final = 16_384  # of a column with more, likewise
_USUAL: Final = 64  # typical numbers of a column
_UNSEEN: Final = "never seen: \u00e9"
_SINGLE, _DOUBLE = np.finfo(np.float32), np.finfo(np.float64)


@dataclass(frozen=True)
class Pool:
    """Values of one column.

    ``usual`` ones are as in training. ``edges`` are those at which something changes: at a threshold, and one ulp of
    float32 and of float64 beside it; levels. ``odd`` ones are none of those, but such as a column of the training dtype
    holds; ``loose`` ones are any other that JSON can hold, and that a row of Python values may bring.
    """

    column: Column
    usual: tuple[Any, ...]
    edges: Sequence[Any]
    odd: tuple[Any, ...]
    loose: tuple[Any, ...]

    @property
    def group(self) -> tuple[str, ...]:
        """What columns have in common for which AutoGluon raises, or not, on the same values."""
        column = self.column
        sample = column.levels[0] if column.levels else column.true
        return (column.kind, str(column.dtype), str(column.two_valued), type(sample).__name__)


def pool(column: Column, thresholds: Thresholds, rng: random.Random) -> Pool:
    """Gather the values of ``column``; ``thresholds`` are those of the models in it, sorted, finite."""
    if column.two_valued or column.kind in ("bool", "category"):
        return _levels_pool(column)
    if column.kind == "date":
        return Pool(
            column, usual_dates(column), date_edges(column, thresholds), odd_dates(column), odd_loose_dates(column)
        )
    if column.kind == "text":
        usual, odd = usual_texts(column, rng), odd_texts(column, rng)
        return Pool(column, usual, usual + column.levels, odd, (None, float("nan"), 7, 2.5, True, *odd[:20]))
    return _numbers_pool(column, thresholds)


def number_edges(thresholds: Thresholds, dtype: np.dtype[Any]) -> Thresholds:
    """Give the numbers of ``dtype`` (pandas' nullable ones as NumPy's) at, right below and right above ``thresholds``.

    Floats: one ulp of float32 and one of float64; whole numbers: the two beside it, and the next. All in float64.
    """
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        beside = np.concatenate([np.floor(thresholds) + step for step in (-1, 0, 1, 2)])
        whole: Thresholds = np.unique(beside[(beside >= float(limits.min)) & (beside < float(limits.max))])
        return whole
    with np.errstate(over="ignore", under="ignore"):
        single = thresholds.astype(np.float32)
        near = [np.nextafter(single, np.float32(end)) for end in (-np.inf, np.inf)]
        sides = [np.nextafter(thresholds, end) for end in (-np.inf, np.inf)]
        found = np.unique(np.concatenate([thresholds, *sides, *(one.astype(np.float64) for one in (single, *near))]))
    small: Thresholds = found[np.abs(found) <= float(_SINGLE.max)]
    return small


def thinned(values: Any, most: int) -> list[Any]:
    """Give at most ``most`` of ``values``, a sequence or an array, evenly spread, both ends among them."""
    if len(values) <= most:
        return list(values)
    return [values[i] for i in np.unique(np.linspace(0, len(values) - 1, most).astype(np.intp))]


def distinct(values: Iterable[Any]) -> tuple[Any, ...]:
    """Give ``values`` without those that are written alike: 1, 1.0 and True are three."""
    return tuple({(type(value).__name__, repr(value)): value for value in values}.values())


def _numbers_pool(column: Column, thresholds: Thresholds) -> Pool:
    dtype = np.dtype(getattr(column.dtype, "numpy_dtype", column.dtype))
    whole = dtype.kind in "iu"
    edges = number_edges(np.array(thinned(thresholds, _THRESHOLDS)), dtype)
    middles = (thresholds[:-1] + thresholds[1:]) / 2 if len(thresholds) > 1 else np.array([0.0, 1.0, 10.0, 50.0])
    usual: list[Any] = thinned(np.concatenate([middles, edges]) if len(edges) else middles, _USUAL)
    if whole:
        limits = np.iinfo(dtype)
        usual = [min(max(int(value), int(limits.min)), int(limits.max)) for value in usual]
        ends = (0, 1, limits.min, limits.min + 1, limits.max - 1, limits.max, -1 if limits.min else 2)
        # A column of pandas' nullable dtype holds nulls.
        odd: list[Any] = [*map(int, ends), *([] if isinstance(column.dtype, np.dtype) else [None])]
        every: list[Any] = [int(edge) for edge in edges]
    else:
        usual, every = [float(value) for value in usual], edges.tolist()
        odd = [float("nan"), 0.0, -0.0, 1.0, -1.0, float("inf"), float("-inf"), *_float_limits()]
    return Pool(column, distinct(usual), every or distinct(usual), distinct(odd), distinct(_loose_numbers(odd)))


def _float_limits() -> list[float]:
    found = []
    for info in (_SINGLE, _DOUBLE):
        # What does not fit float32 any more, and what rounds to 0 in it.
        for value in (info.max, info.tiny, info.smallest_subnormal, info.eps):
            found += [float(value), -float(value)]
    return [*found, float(np.nextafter(float(_SINGLE.max), np.inf)), 2.0**24 + 1, 1e30, -1e30]


def _loose_numbers(odd: list[Any]) -> list[Any]:
    whole = [3, -3, 300, 70_000, 2**31, 2**40 + 1, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 2**64 - 1]
    texts = ["7", "-7", "2.5", "1e3", " 7 ", "300", "nan", "inf", "", "x"]
    return [*odd, *whole, 2.7, -2.7, 0.5, None, float("nan"), float("inf"), 1e30, -1e30, True, False, *texts]


def _levels_pool(column: Column) -> Pool:
    """Give the values of a category, of a bool, and of a test for one value."""
    if column.two_valued:
        known = [plain_value(column.true), _other(column)]
    elif column.kind == "bool":
        known = [True, False]
    else:
        known = [plain_value(level) for level in thinned(column.levels, _LEVELS)] or [_UNSEEN]
    spelled = [form(value) for value in known[:8] if isinstance(value, str) for form in (str.upper, str.title, _spaced)]
    shown = [str(value) for value in known[:8] if not isinstance(value, str)]
    unseen = [_unlike(value) for value in known[:1]]
    loose = [*spelled, *shown, *unseen, *_read(known[:8]), None, float("nan"), True, False, 0, 1, 2, 0.0, 1.0, 0.5]
    loose = [*loose, "", "0", "1", "true", "True", _UNSEEN]
    odd = loose if column.is_object else [value for value in (*unseen, None) if _fits(value, column)]
    return Pool(column, distinct(known), distinct(known), distinct([*odd, *known]), distinct(loose))


def plain_value(value: Any) -> Any:
    """Give a NumPy number, bool or text as Python's; anything else, dates too, as it is."""
    return value.item() if isinstance(value, np.generic) and value.dtype.kind in "biufSU" else value


def _other(column: Column) -> Any:
    """Give some value that is not the one that counts as true; AutoGluon does not keep which it was."""
    value = plain_value(column.true)
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return type(value)(0 if value != 0 else 1)
    return _unlike(value)


def _unlike(value: Any) -> Any:
    """Give another value of the type of ``value``."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        return value + 1 if abs(value) < 100 else value / 2 if isinstance(value, float) else value // 2
    if isinstance(value, str):
        return _UNSEEN
    if isinstance(value, np.datetime64):
        return value + np.timedelta64(1, "D")
    if isinstance(value, datetime.date):
        return value + datetime.timedelta(days=1)
    return None


def _read(values: Sequence[Any]) -> list[Any]:
    """Give the numbers that texts among ``values`` spell, and whole numbers as floats."""
    found: list[Any] = []
    for value in values:
        if isinstance(value, int) and not isinstance(value, bool):
            found.append(float(value))
        elif isinstance(value, str):
            try:
                found.append(float(value))
            except ValueError:
                continue
            found += [int(found[-1])] if found[-1].is_integer() else []
    return found


def _spaced(text: str) -> str:
    return f" {text} "


def _fits(value: Any, column: Column) -> bool:
    """Tell whether a column of the training dtype holds ``value``, which is null or of the type of its levels."""
    dtype = np.dtype(object) if column.dtype.name == "category" else column.dtype
    is_number = isinstance(dtype, np.dtype) and dtype.kind in "iub"
    return not (value is None and is_number)
