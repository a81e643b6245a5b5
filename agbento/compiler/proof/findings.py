"""What was found when a compiled predictor and AutoGluon answered the same rows."""

from __future__ import annotations

import math
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

# What the libraries are called, by the module that is loaded where they had a part in the answers.
_LIBRARIES: Final = {
    "autogluon.tabular": "autogluon.tabular",
    "lightgbm": "lightgbm",
    "catboost": "catboost",
    "xgboost": "xgboost",
    "sklearn": "scikit-learn",
    "torch": "torch",
    "fastai": "fastai",
    "numpy": "numpy",
    "pandas": "pandas",
    "numba": "numba",
}
Plain = str | int | float | bool | None


@dataclass(frozen=True)
class Found:
    """One row and one column of its answer: what AutoGluon answers, and what the compiled predictor.

    ``way`` is how the row was given, ``difference`` relative (infinite: no number, or another class).
    """

    way: str
    kind: str
    row: Mapping[str, Plain]
    column: str
    expected: Plain
    received: Plain
    difference: float


@dataclass(frozen=True)
class Proof:
    """Whether a compiled predictor answers as AutoGluon, over the rows that were tried.

    ``rows`` are counts by way and kind. ``exact`` is the share of rows answered bit for bit the same, ``ties`` how many
    were answered with another class that is as probable. ``unanswered`` rows are those at which AutoGluon raised,
    ``left_out`` those for which there was no time, and ``unsteady`` those that AutoGluon itself answers differently
    from call to call. ``missed`` rows do not agree; ``misses`` are the first of them.
    """

    equal: bool
    rows: Mapping[str, int]
    exact: float
    largest: Found | None
    missed: int
    misses: tuple[Found, ...]
    ties: int
    unanswered: int
    left_out: int
    unsteady: int
    seconds: float
    versions: Mapping[str, str]
    digest: str | None

    @property
    def tried(self) -> int:
        """Number of rows that both answered."""
        return sum(self.rows.values())

    def to_json(self) -> dict[str, Any]:
        """Give the proof as an object that JSON can hold: an infinite difference is the text "inf"."""
        found: dict[str, Any] = _json(asdict(self))
        return found

    def __str__(self) -> str:
        lines = [self.verdict]
        lines += [f"  {way}: {count:,}" for way, count in self.rows.items()]
        lines.append(f"  bit for bit the same: {self.exact:.2%}; ties: {self.ties:,}")
        if self.largest is not None:
            lines.append(f"  largest difference: {self.largest.difference:.3g} relative, in {self.largest.column!r}")
        if self.unanswered:
            lines.append(f"  not answered by AutoGluon: {self.unanswered:,}")
        if self.unsteady:
            lines.append(f"  not steady in AutoGluon itself: {self.unsteady:,}")
        lines += [_told(miss) for miss in self.misses]
        lines.append("  " + ", ".join(f"{name} {version}" for name, version in self.versions.items()))
        return "\n".join(lines)

    @property
    def verdict(self) -> str:
        """Say in a line what came of it."""
        rows = f"{self.tried:,} rows"
        if given := self.rows.get("frame: real"):
            rows += f" ({given:,} of them given)"
        found = "equal to AutoGluon in" if self.equal else f"not equal to AutoGluon in {self.missed:,} of"
        left = f"; {self.left_out:,} more not tried for want of time" if self.left_out else ""
        return f"{found} {rows}, in {self.seconds:.1f} s{left}"


def versions() -> dict[str, str]:
    """Give the versions of Python and of the libraries that are loaded in this process."""
    loaded = {name: sys.modules[module] for module, name in _LIBRARIES.items() if module in sys.modules}
    return {"python": platform.python_version(), **{name: module.__version__ for name, module in loaded.items()}}


def plain(value: Any) -> Plain:
    """Give a value as JSON can hold it: NumPy's as Python's, and what JSON has no form for as its text."""
    value = value.item() if isinstance(value, np.generic) and value.dtype.kind not in "mM" else value
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _told(miss: Found) -> str:
    row = ", ".join(f"{name}: {value!r}" for name, value in miss.row.items())
    return f"  {miss.way}, {miss.kind}: {miss.column!r} is {miss.received!r}, expected {miss.expected!r}, of {{{row}}}"


def _json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _json(one) for key, one in value.items()}
    return [_json(one) for one in value] if isinstance(value, (list, tuple)) else plain(value)
