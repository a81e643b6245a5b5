"""Rows to try a predictor with, drawn from what the predictor itself remembers: the same for the same predictor.

Kinds of rows:

    usual    every value as in training
    edges    every value where something changes: thresholds and one ulp beside them, levels, ends of months
    one      usual, but for one column, which holds something odd
    much     in every second column something odd

Values are those that JSON has, and those of the training columns' own types. A value at which AutoGluon itself raises
is not drawn. Each value of a pool is drawn at least once where there are as many rows of its kind, else as many as
there are rows, evenly spread; of a column with more than 16,384 thresholds as many are taken, likewise.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from agbento.compiler.arrays import Arrays
from agbento.compiler.native import registry
from agbento.compiler.plan.plan import Plan
from agbento.compiler.proof import date_pools
from agbento.compiler.proof.pools import Pool, pool, thinned
from agbento.compiler.proof.remembered import Column, columns
from agbento.compiler.proof.sieve import Sieve, tag
from agbento.compiler.proof.stock import Stock

RowKind = Literal["usual", "edges", "one", "much", "real"]

_ODD_SHARE: Final = 0.5  # of the columns of a row of kind "much"
_LIST: Final = 64  # rows of a batch of ``lists``
_LIST_ODD: Final = 0.15  # of its values


@dataclass(frozen=True)
class Drawn:
    """Rows by column: Python values, of which ``frame`` makes a DataFrame of the training columns' dtypes."""

    kinds: tuple[RowKind, ...]
    values: Mapping[Any, list[Any]]

    def __len__(self) -> int:
        return len(self.kinds)

    def part(self, begin: int, end: int) -> Drawn:
        """Give the rows from ``begin`` up to ``end``."""
        return Drawn(self.kinds[begin:end], {name: values[begin:end] for name, values in self.values.items()})

    def rows(self) -> list[dict[Any, Any]]:
        """Give one dict a row."""
        return [dict(zip(self.values, row, strict=True)) for row in zip(*self.values.values(), strict=True)]


class Draw:
    """Draws rows for one predictor.

    Raises, when made: whatever AutoGluon raises for a row of usual values.
    """

    def __init__(self, stock: Stock, thresholds: Mapping[Any, npt.NDArray[np.float64]], seed: int = 0) -> None:
        self._rng = random.Random(seed)  # noqa: S311 - rows to try are no secrets
        none = np.empty(0)
        pools = [pool(one, thresholds.get(one.name, none), self._rng) for one in columns(stock.predictor)]
        self.columns = {one.column.name: one.column for one in pools}
        self._base = {one.column.name: one.usual[len(one.usual) // 2] for one in pools}
        stock.answer(self.frame([self._base]))
        self._sieve = Sieve(stock, self._base)
        self.pools = self._sieve.sifted(pools, self.frame, self._spoken)

    def frame(self, rows: Drawn | Sequence[Mapping[Any, Any]]) -> pd.DataFrame:
        """Make a DataFrame of the training columns' dtypes."""
        values = (
            rows.values if isinstance(rows, Drawn) else {name: [row[name] for row in rows] for name in self.columns}
        )
        return pd.DataFrame({name: _series(column, values[name]) for name, column in self.columns.items()})

    def typed(self, count: int) -> list[Drawn]:
        """Draw ``count`` rows that fit the training columns' dtypes: first usual ones and edges, then odd ones."""
        plain = self._drawn("usual", count // 8) + self._drawn("edges", count // 2)
        odd = self._drawn("one", count // 8) + self._drawn("much", count - len(plain) - count // 8)
        return [self._gathered(plain), self._gathered(odd)]

    def loose(self, count: int) -> Drawn:
        """Draw ``count`` rows of Python values, of other types than the columns' too."""
        found = self._drawn("usual", count // 10) + self._drawn("edges", count // 5)
        found += self._drawn("one", count // 3, loose=True)
        found += self._drawn("much", count - len(found), loose=True)
        return self._gathered([(kind, self._spoken(row)) for kind, row in found])

    def lists(self, count: int) -> Iterator[Drawn]:
        """Draw batches of 64 rows, at most ``count``; in each, some values of a column are one and the same odd one.

        So the columns are lists as they come: of one type throughout, or of few.
        """
        deepest = max(len(one.loose) + len(one.odd) for one in self.pools)
        usual = {name: [value] * _LIST for name, value in self._spoken(self._base).items()}
        orders = {one.column.name: self._orders((*one.odd, *one.loose), deepest) for one in self.pools}
        for turn in range(min(deepest, -(-count // _LIST))):
            batch = {one.column.name: self._list(one, orders[one.column.name][turn]) for one in self.pools}
            yield Drawn(("much",) * _LIST, self._sieve.answered(batch, usual))

    def _drawn(self, kind: RowKind, count: int, *, loose: bool = False) -> list[tuple[RowKind, dict[Any, Any]]]:
        odds = {one.column.name: (*one.odd, *one.loose) if loose else one.odd for one in self.pools}
        usual = [self._orders(one.usual, count) for one in self.pools]
        if kind == "one":
            cells = thinned([(name, value) for name, values in odds.items() for value in values], count)
            rows = [dict(zip(odds, row, strict=True)) for row in zip(*usual, strict=True)]
            return [(kind, row | {name: value}) for row, (name, value) in zip(rows, cells, strict=False)]
        chosen = usual
        if kind == "edges":
            chosen = [self._orders(one.edges, count) for one in self.pools]
        if kind == "much":
            odd = [
                self._orders(values or one.usual, count) for one, values in zip(self.pools, odds.values(), strict=True)
            ]
            edges = [self._orders(one.edges, count) for one in self.pools]
            chosen = [self._either(*two) for two in zip(odd, edges, strict=True)]
        return [(kind, dict(zip(odds, row, strict=True))) for row in zip(*chosen, strict=True)]

    def _orders(self, values: Sequence[Any], count: int) -> list[Any]:
        """Give ``count`` of ``values``: all of them in some order, then in another, and so on."""
        few, found = thinned(values, max(count, 1)), list[Any]()
        while len(found) < count:
            found += self._rng.sample(few, len(few))
        return found[:count]

    def _either(self, odd: list[Any], other: list[Any]) -> list[Any]:
        return [a if self._rng.random() < _ODD_SHARE else b for a, b in zip(odd, other, strict=True)]

    def _list(self, one: Pool, odd: Any) -> list[Any]:
        usual = [self._said(one.column, value) for value in self._orders(one.usual, _LIST)]
        odd = self._said(one.column, odd)
        return [odd if self._rng.random() < _LIST_ODD else value for value in usual]

    def _gathered(self, rows: list[tuple[RowKind, dict[Any, Any]]]) -> Drawn:
        """Put rows into one order that mixes their kinds: where time ends early, some of each were tried."""
        self._rng.shuffle(rows)
        return Drawn(tuple(kind for kind, _ in rows), {name: [row[name] for _, row in rows] for name in self.columns})

    def _spoken(self, row: Mapping[Any, Any]) -> dict[Any, Any]:
        return {name: self._said(self.columns[name], value) for name, value in row.items()}

    @staticmethod
    def _said(column: Column, value: Any) -> Any:
        return date_pools.moment(value, column) if column.kind == "date" or column.dtype.kind == "M" else value


def thresholds(plan: Plan, arrays: Arrays) -> dict[str, npt.NDArray[np.float64]]:
    """Give the finite numbers at which any native model changes, sorted, by the name of the feature's slot."""
    found: dict[int, list[npt.NDArray[np.float64]]] = {}
    for model in plan.models:
        for child in model.children:
            for slot, numbers in registry.thresholds(child.leaf, arrays):
                found.setdefault(slot, []).append(numbers)
    return {
        slot.name: (merged := np.unique(np.concatenate(found[slot.index])))[np.isfinite(merged)]
        for slot in plan.features.slots
        if slot.index in found and not slot.is_category
    }


def _series(column: Column, values: list[Any]) -> pd.Series[Any]:
    """Make one column of the training dtype; categories are widened by what is no level."""
    if column.dtype.kind == "M":
        return date_pools.series(column, values)
    if column.dtype.name != "category":
        with np.errstate(over="ignore"):
            return pd.Series(values, dtype=column.dtype)
    known = set(map(tag, column.levels))
    unseen = {tag(value): value for value in values if tag(value) not in known and not pd.isna(value)}
    if column.levels and not unseen:
        return pd.Series(pd.Categorical(values, dtype=column.dtype))
    return pd.Series(pd.Categorical(values, categories=[*column.levels, *unseen.values()]))
