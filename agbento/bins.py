"""The bins of one feature: where its values fall, what the bins are called, and the reference's share of each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from agbento.schema import Scalar
from agbento.text import one_line

MAX_BINS: Final = 10  # of a feature, beyond those for what is beside them
OTHER, UNSEEN, MISSING = BESIDE = ("(other)", "(unseen)", "(missing)")
_LABEL = 60  # characters of a label
_MOVED = 0.01  # share of the rows that a rounder edge may move from one bin to its neighbour
_DIGITS = range(3, 18)
_DATE_UNITS = (86400, 3600, 60, 1)  # seconds
_EPOCH = datetime(1970, 1, 1)

_LEAST = 1e-290  # the span of a range that is none: below, steps lose their digits

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FeatureBins:
    """The bins of a feature, or of the prediction.

    ``edges`` are the upper ends of a numeric feature's bins, each within its bin; a last one is open. They are numbers,
    seconds since 1970 in UTC where the feature is a date, or characters where it is a text. ``levels`` are those of any
    other feature that have a bin of their own, ``others`` those without, where only the reference knows them.
    ``labels`` name the bins: the numbered ones, then of `BESIDE` "(other)" where there are levels without a bin, and
    always "(unseen)" and "(missing)". ``shares`` are those of the reference's rows, one a label, and sum to 1.
    ``importance`` is the feature's share of what all features do to the answer, None where that is not known.
    """

    name: str
    kind: Literal["numeric", "levels"]
    labels: tuple[str, ...]
    shares: tuple[float, ...] = ()
    edges: tuple[float, ...] = ()
    levels: tuple[Scalar, ...] = ()
    others: tuple[Scalar, ...] = ()
    importance: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Give it as ``drift.json`` holds it."""
        return {key: value for key, value in asdict(self).items() if value not in (None, ())}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FeatureBins:
        """Read what ``to_json`` gave; raises TypeError or ValueError where it is something else."""
        read: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
        found = cls(**read)
        if found.kind not in ("numeric", "levels") or len(found.labels) != len(found.shares):
            raise ValueError(f"bins of {found.name!r}: no kind of bins, or not a share for each")
        if not all(isinstance(text, str) for text in (found.name, *found.labels)):
            raise TypeError(f"bins of {found.name!r}: a name or a label that is no text")
        check_ascending(found.edges)
        check_ascending(sorted(set(found.shares)))
        return found


def check_ascending(numbers: Sequence[float]) -> None:
    """Raise ValueError or TypeError unless these are finite numbers, each above the one before."""
    before = -math.inf
    for number in numbers:
        if not math.isfinite(number) or not number > before:
            raise ValueError(f"{number!r} after {before!r}: expected finite numbers, each above the one before")
        before = number


def numeric_bins(
    name: str, numbers: Numbers, dtype: npt.DTypeLike = np.float64, *, is_date: bool = False
) -> FeatureBins:
    """Make bins of about equally many of ``numbers`` (none of them NaN); few distinct ones have a bin each.

    Edges are as round as they can be where that moves hardly a row; ``dtype`` is what they are compared in. Shares are
    not counted yet.
    """
    edges = _edges(numbers, dtype, is_date)
    write = _date_text if is_date else number_text
    texts = [f"<= {write(edge)}" for edge in edges] + ([f"> {write(edges[-1])}"] if edges else ["any"])
    return FeatureBins(name, "numeric", (*_numbered(texts), UNSEEN, MISSING), edges=edges)


def level_bins(
    name: str, counts: Mapping[Scalar, int], known: Sequence[Scalar], *, texts: Mapping[Scalar, str] | None = None
) -> FeatureBins:
    """Make a bin for each of the most frequent levels, up to `MAX_BINS`; ``known`` may hold some that do not occur.

    ``texts`` are names of levels where they are not themselves. Shares are not counted yet.
    """
    there = set(known)
    ranks = {level: i for i, level in enumerate([*known, *(level for level in counts if level not in there)])}
    levels = sorted(ranks, key=lambda level: (-counts.get(level, 0), ranks[level]))
    own, rest = levels[:MAX_BINS], levels[MAX_BINS:]
    labels = _numbered([(texts or {}).get(level) or level_text(level) for level in own])
    others = tuple(level for level in rest if level not in there)
    return FeatureBins(
        name, "levels", (*labels, *([OTHER] if rest else []), UNSEEN, MISSING), levels=tuple(own), others=others
    )


def number_text(number: float) -> str:
    """Write a number as shortly as it can be read back: ``4.5``, ``30``, ``1e-05``."""
    number = float(number) + 0.0  # no minus before zero
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def level_text(level: Scalar) -> str:
    """Write a level as a caller would: ``true``, ``3``, ``Oslo``."""
    if isinstance(level, bool):
        return "true" if level else "false"
    return number_text(level) if isinstance(level, float) else str(level)


def _numbered(texts: Sequence[str]) -> list[str]:
    return [one_line(f"{i:02}: {text}", _LABEL).strip() for i, text in enumerate(texts, 1)]


def _date_text(seconds: float) -> str:
    text = (_EPOCH + timedelta(seconds=seconds)).isoformat()
    return text.removesuffix("T00:00:00")


def as_compared(edges: Sequence[float], dtype: npt.DTypeLike) -> Numbers:
    """Give edges as values of the column are held: in its dtype, in which one beyond its largest number is infinite."""
    with np.errstate(over="ignore"):
        return np.asarray(edges, np.float64).astype(dtype).astype(np.float64)


def _edges(numbers: Numbers, dtype: npt.DTypeLike, is_date: bool) -> tuple[float, ...]:
    distinct = np.unique(numbers)
    if not distinct.size:
        return ()
    if distinct.size <= MAX_BINS:
        exact, moved = distinct[:-1] if distinct.size > 1 else distinct, 0.0
    else:
        cuts = np.arange(1, MAX_BINS) / MAX_BINS
        exact, moved = np.unique(np.quantile(numbers, cuts, method="inverted_cdf")), _MOVED * numbers.size
        exact = exact[exact < distinct[-1]]
    ordered = np.sort(numbers)

    def below(edges: Sequence[float]) -> npt.NDArray[np.intp]:
        return np.searchsorted(ordered, as_compared(edges, dtype), side="right")

    wanted = below(exact.tolist())
    for edges in (_rounder_dates if is_date else _rounder)(exact.tolist()):
        if len(set(edges)) == len(edges) and np.abs(below(edges) - wanted).max(initial=0) <= moved:
            return tuple(edges)
    return tuple(exact.tolist())


def _rounder(edges: list[float]) -> Iterator[list[float]]:
    for digits in _DIGITS:
        yield [float(f"{edge:.{digits}g}") + 0.0 for edge in edges]


def _rounder_dates(edges: list[float]) -> Iterator[list[float]]:
    for unit in _DATE_UNITS:
        yield [float(round(edge / unit) * unit) for edge in edges]


def rounded(low: float, high: float, most: int = 20) -> tuple[float, ...]:
    """Give round numbers from ``low`` or just below to ``high`` or just above, evenly apart, ``most`` at the most."""
    span = high - low
    if not np.isfinite(span) or span < _LEAST:
        span = max(abs(low), 1.0) if np.isfinite(low) else 1.0
        low = high = low if np.isfinite(low) else 0.0
    power = 10.0 ** np.floor(np.log10(span / most))

    def count(step: float) -> int:
        return int(np.ceil(high / step) - np.floor(low / step)) + 1

    step = next(power * size for size in (1, 2, 2.5, 5, 10, 20, 50, 100) if count(power * size) <= most)
    first = int(np.floor(low / step))
    found = (float(f"{(first + i) * step:.12g}") + 0.0 for i in range(max(count(step), 2)))
    return tuple(dict.fromkeys(found))
