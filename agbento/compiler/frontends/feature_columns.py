"""Columns on their way through AutoGluon's feature generators: what each is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Raw:
    """A column as the caller gives it; ``dtype`` is that of training, "" where it is not known."""

    name: str
    dtype: str


@dataclass(frozen=True)
class Typed:
    """A raw column, cast to the dtype of training; ``filled`` once "" stands for null."""

    name: str
    dtype: Any
    filled: bool = False

    @property
    def is_text(self) -> bool:
        """Whether nulls must be filled before anything else reads it: an object or string column."""
        return pd.api.types.is_object_dtype(self.dtype) or isinstance(self.dtype, pd.StringDtype)

    @property
    def spelled(self) -> str:
        """The dtype as plans have it."""
        if isinstance(self.dtype, pd.StringDtype):
            return f"string[{self.dtype.storage}]"
        return "category" if isinstance(self.dtype, pd.CategoricalDtype) else str(self.dtype)

    @property
    def unit(self) -> str:
        """The unit of its dates, once they are read."""
        if isinstance(self.dtype, pd.DatetimeTZDtype):
            return self.dtype.unit
        return np.datetime_data(self.dtype)[0] if getattr(self.dtype, "kind", "") == "M" else "ns"


@dataclass(frozen=True)
class Flag:
    """Whether a raw column equals a value; fewer than ``objects_below`` rows are compared as Python objects."""

    name: str
    value: Any
    objects_below: int


@dataclass(frozen=True)
class Leveled:
    """A column turned into a category of ``levels`` (a pandas index); ``missing`` stands for the others.

    ``numbered``: AutoGluon has put 0, 1, 2 … in place of the levels.
    """

    source: Typed
    levels: Any
    missing: int = -1
    numbered: bool = False


@dataclass(frozen=True)
class DatePart:
    """One of the columns that AutoGluon makes of a date; ``missing`` is what it is where there is none."""

    source: Typed
    part: str
    missing: int


@dataclass(frozen=True)
class Statistic:
    """One number of a text, as it is or put into bins."""

    source: Typed
    measure: str
    symbol: str
    dtype: str
    bins: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Vocabulary:
    """The n-grams that one vectorizer (scikit-learn's) counts in some texts."""

    sources: tuple[Typed, ...]
    vectorizer: Any = field(hash=False)


@dataclass(frozen=True)
class Gram:
    """How often one n-gram of a vocabulary is there, or (position -1) how many n-grams are."""

    vocabulary: Vocabulary
    position: int
    dtype: str


@dataclass(frozen=True)
class IsNull:
    """Whether a column is null."""

    source: Typed


@dataclass(frozen=True)
class Constant:
    """The 0 that AutoGluon makes where no column is of use."""


Column = Raw | Typed | Flag | Leveled | DatePart | Statistic | Gram | IsNull | Constant
Columns = dict[str, Column]
