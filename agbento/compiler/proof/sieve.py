"""Which values AutoGluon answers: those at which it raises are taken out of the pools, in few calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from agbento.compiler.proof.pools import Pool
from agbento.compiler.proof.remembered import Column
from agbento.compiler.proof.stock import Stock, quiet

Row = dict[Any, Any]
_Key = tuple[tuple[str, ...], tuple[str, str]]  # what columns have in common, and how a value is written
_Part = TypeVar("_Part")


@dataclass(frozen=True)
class _Offer:
    """A row to try: by key, a column and its value."""

    values: dict[_Key, tuple[Any, Any]]

    def row(self, keys: Iterable[_Key] | None = None) -> Row:
        """Give the row, or that of some keys."""
        return dict(self.values[key] for key in (self.values if keys is None else keys))

    def without(self, keys: set[_Key]) -> _Offer:
        """Give the rest."""
        return _Offer({key: value for key, value in self.values.items() if key not in keys})

    def refused(self, works: Callable[[Row], bool]) -> set[_Key]:
        """Find the keys without which the row works."""
        return set(_search(list(self.values), lambda keys: works(self.row(keys))))


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
        odd = self._refused_typed(pools, typed)
        loose = odd | self._refused_spoken(pools, lambda row: pd.DataFrame([spoken(self._base | row)]), odd)

        def kept(one: Pool, values: Iterable[Any], refused: set[_Key]) -> tuple[Any, ...]:
            return tuple(value for value in values if (one.group, tag(value)) not in refused)

        return [replace(one, odd=kept(one, one.odd, odd), loose=kept(one, one.loose, loose)) for one in pools]

    def answered(self, batch: Mapping[Any, list[Any]], usual: Mapping[Any, list[Any]]) -> dict[Any, list[Any]]:
        """Give ``batch`` with ``usual`` columns for the lists that AutoGluon refuses, though none of their values."""
        refused = _search(list(batch), lambda names: self._has_features(dict(usual) | {n: batch[n] for n in names}))
        return {name: usual[name] if name in refused else values for name, values in batch.items()}

    def _refused_typed(self, pools: Sequence[Pool], typed: Callable[[list[Row]], pd.DataFrame]) -> set[_Key]:
        """Try the odd values of the training columns' dtypes: many rows a call; most often there is nothing to find."""
        offers, refused = self._offered(pools, lambda one: one.odd, set())

        def answers(rows: Iterable[Row]) -> bool:
            return _works(self._stock.try_answer, typed([self._base | row for row in rows]))

        for offer in _search(offers, lambda some: answers(one.row() for one in some)):
            refused |= offer.refused(lambda row: answers([row]))
        return refused

    def _refused_spoken(
        self, pools: Sequence[Pool], frame: Callable[[Row], pd.DataFrame], known: set[_Key]
    ) -> set[_Key]:
        """Try values of other types, in a DataFrame each row: beside others a value may be of another type."""
        offers, refused = self._offered(pools, lambda one: one.loose, known)

        def features(row: Row) -> pd.DataFrame:
            return self._stock.features(frame(row))

        kept: list[tuple[_Offer, pd.DataFrame]] = []
        for offer in offers:
            try:
                kept.append((offer, features(offer.row())))
            except Exception:  # noqa: BLE001 - whatever AutoGluon raises, it does not answer
                bad = offer.refused(lambda row: _works(features, row))
                refused |= bad
                rest = offer.without(bad)
                if _works(features, rest.row()):
                    kept.append((rest, features(rest.row())))
        for offer, _ in _search(kept, lambda some: _works(self._stock.try_features, [found for _, found in some])):
            refused |= offer.refused(lambda row: _works(self._stock.try_features, [features(row)]))
        return refused

    def _offered(
        self, pools: Sequence[Pool], values: Callable[[Pool], Sequence[Any]], known: set[_Key]
    ) -> tuple[list[_Offer], set[_Key]]:
        """Put the values into few rows, each value once a group; those that pandas cannot cast are refused at once."""
        met: set[_Key] = set(known)
        refused: set[_Key] = set()
        offers: list[_Offer] = []
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
                if place == len(offers):
                    offers.append(_Offer({}))
                offers[place].values[key] = (one.column.name, value)
                place += 1
        return offers, refused

    def _has_features(self, batch: Mapping[Any, list[Any]]) -> bool:
        return _works(lambda columns: self._stock.features(pd.DataFrame(columns)), batch)


def _search(parts: Sequence[_Part], works: Callable[[Sequence[_Part]], bool]) -> list[_Part]:
    """Find those of ``parts`` without which it works, by halves."""
    if not parts or works(parts):
        return []
    if len(parts) == 1:
        return list(parts)
    middle = len(parts) // 2
    return _search(parts[:middle], works) + _search(parts[middle:], works)


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
