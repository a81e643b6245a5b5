"""The features of a plan, bound: rows in, the matrix's first columns out."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from agbento.compiler.arrays import Arrays
from agbento.compiler.native.contract import Matrix
from agbento.compiler.native.rows import RowEncoder
from agbento.compiler.plan.features import Features
from agbento.compiler.plan.plan import ForeignFeatures


class Encoder(Protocol):
    """What turns rows into the matrix."""

    def row(self, row: Mapping[str, Any]) -> Matrix:
        """Give shape (1, slots)."""
        ...

    def rows(self, rows: Sequence[Mapping[str, Any]]) -> Matrix:
        """Give shape (n, slots)."""
        ...

    def columns(self, columns: Mapping[str, Any]) -> Matrix:
        """Give shape (n, slots)."""
        ...


class ForeignEncoder:
    """AutoGluon's own feature generators, inside a plan."""

    def __init__(self, features: ForeignFeatures, generators: Sequence[Any]) -> None:
        self._names, self._slots = list(features.names), features.slots
        self._generators, self._lock = list(generators), threading.Lock()

    def row(self, row: Mapping[str, Any]) -> Matrix:
        """Give shape (1, slots)."""
        return self.rows([row])

    def rows(self, rows: Sequence[Mapping[str, Any]]) -> Matrix:
        """Give shape (n, slots)."""
        if missing := [name for name in self._names if any(name not in row for row in rows)]:
            raise KeyError(f"{len(missing)} required columns are missing: {missing}")
        return self.columns({name: [row[name] for row in rows] for name in self._names})

    def columns(self, columns: Mapping[str, Any]) -> Matrix:
        """Give shape (n, slots)."""
        import pandas as pd

        if missing := [name for name in self._names if name not in columns]:
            raise KeyError(f"{len(missing)} required columns are missing: {missing}")
        frame = pd.DataFrame({name: columns[name] for name in self._names})
        if frame.empty:
            return np.empty((0, len(self._slots)))
        with self._lock:
            for generator in self._generators:
                frame = generator.transform(frame)
        # A category's codes are what the matrix holds of it: -1 where it is missing.
        read = [
            (frame[slot.name].cat.codes if slot.is_category else frame[slot.name]).to_numpy("float64", na_value=np.nan)
            for slot in self._slots
        ]
        return np.column_stack(read) if read else np.empty((len(frame), 0))


def bind_features(features: Features | ForeignFeatures, arrays: Arrays, foreign: Mapping[str, Any]) -> Encoder:
    """Give the encoder of a plan's features."""
    if isinstance(features, ForeignFeatures):
        return ForeignEncoder(features, foreign["features"])
    return RowEncoder(features, arrays)
