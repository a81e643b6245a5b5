"""Which values AutoGluon answers: those at which it raises are taken out of the pools, in few calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from agbento.compiler.proof.pools import Pool
from agbento.compiler.proof.remembered import Column
from agbento.compiler.proof.stock import Stock, quiet

Row = dict[Any, Any]
_Key = tuple[tuple[str, ...], tuple[str, str]]  # what columns have in common, and how a value is written


class Sieve:
    """Tries values in rows that are usual else; ``base`` is such a row.

    What AutoGluon does with a value is taken to be the same in all columns of one dtype and kind.
    """

    def __init__(self, stock: Stock, base: Mapping[Any, Any]) -> None:
        self._stock, self._base = stock, dict(base)

    def sifted(
        self, pools: Sequence[Pool], typed: Callable[[list[Row]], pd.DataFrame], spoken: Callable[[Row], Row]
    ) -> list[Pool]:
        """Give ``pools`` without the values at which AutoGluon raises.

        ``typed`` makes the DataFrame of the training columns' dtypes, ``spoken`` a row of Python values.
        """
        odd = set() if self._all_answered(pools, typed) else self._refused(pools, lambda one: one.odd, typed)
        loose = self._refused(pools, lambda one: one.loose, lambda rows: pd.DataFrame([spoken(row) for row in rows]))

        def kept(one: Pool, values: Iterable[Any], refused: set[_Key]) -> tuple[Any, ...]:
            return tuple(value for value in values if (one.group, tag(value)) not in refused)

        return [replace(one, odd=kept(one, one.odd, odd), loose=kept(one, one.loose, loose)) for one in pools]

    def answered(self, batch: Mapping[Any, list[Any]], usual: Mapping[Any, list[Any]]) -> dict[Any, list[Any]]:
        """Give ``batch`` with ``usual`` columns for the lists that AutoGluon refuses, though none of their values."""
        refused = self._search(
            list(batch), lambda names: self._has_features(dict(usual) | {n: batch[n] for n in names})
        )
        return {name: usual[name] if name in refused else values for name, values in batch.items()}

    def _all_answered(self, pools: Sequence[Pool], typed: Callable[[list[Row]], pd.DataFrame]) -> bool:
        """Try all odd values of the training columns' dtypes in one DataFrame; most often there is nothing to find."""
        count = max((len(one.odd) for one in pools), default=0)
        rows = [{p.column.name: p.odd[i] for p in pools if i < len(p.odd)} for i in range(count)]
        return _works(lambda rows: self._stock.answer(typed(rows)), [self._base | row for row in rows])

    def _refused(
        self,
        pools: Sequence[Pool],
        values: Callable[[Pool], Sequence[Any]],
        frame: Callable[[list[Row]], pd.DataFrame],
    ) -> set[_Key]:
        rows, refused = self._offered(pools, values)
        groups = {one.column.name: one.group for one in pools}

        def features(row: Row) -> pd.DataFrame:
            return self._stock.features(frame([self._base | row]))

        kept, found = [], []
        for row in rows:
            kept.append(self._without_refused(row, features))
            refused |= {(groups[name], tag(value)) for name, value in row.items() if name not in kept[-1]}
            found.append(features(kept[-1]))
        return refused | self._refused_by_models(kept, found, groups, features)

    def _offered(self, pools: Sequence[Pool], values: Callable[[Pool], Sequence[Any]]) -> tuple[list[Row], set[_Key]]:
        """Put the values into few rows, each value once a group; those that pandas cannot cast are refused at once."""
        met: set[_Key] = set()
        refused: set[_Key] = set()
        rows: list[Row] = []
        for one in pools:
            place = 0
            for value in values(one):
                key = (one.group, tag(value))
                if key in met or _is_plain(one.column, value):
                    continue
                met.add(key)
                if not _is_cast(one.column, value):
                    refused.add(key)
                    continue
                if place == len(rows):
                    rows.append({})
                rows[place][one.column.name] = value
                place += 1
        return rows, refused

    def _refused_by_models(
        self,
        rows: list[Row],
        found: list[pd.DataFrame],
        groups: Mapping[Any, tuple[str, ...]],
        features: Callable[[Row], pd.DataFrame],
    ) -> set[_Key]:
        """Find the values at which a model raises: all rows at once, then by row, then by value."""
        if not found or _works(self._stock.answer_features, found):
            return set()
        refused: set[_Key] = set()
        for row, one in zip(rows, found, strict=True):
            if _works(self._stock.answer_features, [one]):
                continue
            for written in {tag(value) for value in row.values()}:
                alike = {name: value for name, value in row.items() if tag(value) == written}
                if not _works(self._stock.answer_features, [features(alike)]):
                    refused |= {(groups[name], written) for name in alike}
        return refused

    def _without_refused(self, row: Row, features: Callable[[Row], pd.DataFrame]) -> Row:
        bad = self._search(list(row), lambda names: _works(features, {name: row[name] for name in names}))
        return {name: value for name, value in row.items() if name not in bad}

    def _search(self, names: list[Any], works: Callable[[list[Any]], bool]) -> set[Any]:
        """Find those of ``names`` without which it works, by halves."""
        if not names or works(names):
            return set()
        if len(names) == 1:
            return set(names)
        middle = len(names) // 2
        return self._search(names[:middle], works) | self._search(names[middle:], works)

    def _has_features(self, batch: Mapping[Any, list[Any]]) -> bool:
        return _works(lambda columns: self._stock.features(pd.DataFrame(columns)), batch)


def tag(value: Any) -> tuple[str, str]:
    """Tell values apart: 1, 1.0 and True are three."""
    plain = value.item() if isinstance(value, np.generic) and value.dtype.kind in "biuf" else value
    return type(plain).__name__, repr(plain)


def _works(function: Callable[[Any], Any], argument: Any) -> bool:
    try:
        function(argument)
    except Exception:  # noqa: BLE001 - whatever AutoGluon raises, it does not answer
        return False
    return True


def _is_plain(column: Column, value: Any) -> bool:
    """Tell whether ``value`` needs no try: a text where there were texts, or in a category."""
    return isinstance(value, str) and not column.two_valued and column.kind in ("category", "text")


def _is_cast(column: Column, value: Any) -> bool:
    """Tell whether pandas casts a column of ``value`` as AutoGluon asks it to; what it cannot, AutoGluon refuses."""
    if column.two_valued or not isinstance(column.dtype, np.dtype) or column.dtype.kind not in "biufM":
        return True
    with quiet():
        one = pd.Series([value]).fillna(0) if column.dtype.kind in "iu" else pd.Series([value])
        return _works(one.astype, column.dtype)
