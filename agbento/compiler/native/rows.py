"""Raw rows and columns → the matrix's first columns, equal to AutoGluon's ``transform_features``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from agbento.compiler.arrays import Arrays
from agbento.compiler.native.contract import Matrix
from agbento.compiler.native.encode_category import CategoryEncoder
from agbento.compiler.native.encode_date import DateEncoder
from agbento.compiler.native.encode_flag import FlagEncoder
from agbento.compiler.native.encode_null import NullEncoder
from agbento.compiler.native.encode_number import NumberEncoder
from agbento.compiler.native.encode_text import TextEncoder
from agbento.compiler.native.encode_words import WordsEncoder
from agbento.compiler.native.fast_row import FastRow, getter
from agbento.compiler.native.raw_columns import RawColumn, raw_column
from agbento.compiler.plan import features as plan

Encoder = NumberEncoder | FlagEncoder | CategoryEncoder | DateEncoder | NullEncoder | TextEncoder
_SHOWN = 60  # characters of a value in an error


class RowEncoder:
    """Turns raw rows into the matrix's first columns. Safe to call from any thread.

    A row is read as AutoGluon reads a DataFrame of that one row: a missing value is None (or NaN, or NaT). Values of
    the types that a column had in training, and of those that JSON has, are read here; others by pandas, much slower.
    """

    def __init__(self, features: plan.Features, arrays: Arrays) -> None:
        self._required, self._as_text = features.required, features.names_as_text
        self._width = len(features.slots)
        self._constants = [one for one in features.inputs if isinstance(one, plan.Constant)]
        self._words = [WordsEncoder(one, arrays) for one in features.inputs if isinstance(one, plan.Words)]
        self._encoders = [encoder for one in features.inputs if (encoder := _encoder(one, arrays)) is not None]
        self._fast, self._get = FastRow(self._encoders), getter(self._required)
        read = {encoder.columns[0] for encoder in self._encoders}
        self._unread = [name for name in self._required if name not in read]
        self._sparse = bool(self._words or self._constants)

    def row(self, row: Mapping[str, Any]) -> Matrix:
        """Read one row by column name: shape (1, slots).

        Raises:
            KeyError: columns are missing.
            ValueError: a value is none of its column; AutoGluon raises too.
        """
        if self._as_text:
            row = {str(name): value for name, value in row.items()}
        matrix = np.zeros((1, self._width)) if self._sparse else np.empty((1, self._width))
        try:
            self._fast.read(row, matrix)
            for name in self._unread:
                row[name]
            for words in self._words:
                words.count(words.text(row), matrix[0])
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            self._look_for_missing(row)
            raise self._fault({name: [row[name]] for name in self._required}) from error
        for constant in self._constants:
            matrix[:, constant.slot] = constant.value
        return matrix

    def rows(self, rows: Sequence[Mapping[str, Any]]) -> Matrix:
        """Read rows: shape (n, slots). Each must have all columns. Raises as ``row``."""
        if len(rows) == 1:
            return self.row(rows[0])
        named = [{str(name): value for name, value in row.items()} for row in rows] if self._as_text else rows
        try:
            columns = list(map(list, zip(*map(self._get, named), strict=True)))
        except KeyError:
            for row in named:
                self._look_for_missing(row)
            raise
        return self.columns(dict(zip(self._required, columns or [[] for _ in self._required], strict=True)))

    def columns(self, columns: Mapping[str, Any]) -> Matrix:
        """Read columns of equal lengths by name: shape (n, slots).

        Each is a list of Python values, a NumPy array, a pandas Series or an Arrow array, and is read as that column of
        a DataFrame.

        Raises:
            KeyError: columns are missing.
            ValueError: a value is none of its column, or columns have different lengths.
            TypeError: a column is something else.
        """
        if self._as_text:
            columns = {str(name): values for name, values in columns.items()}
        self._look_for_missing(columns)
        raw = {name: raw_column(columns[name]) for name in self._required}
        lengths = {len(column) for column in raw.values()}
        if len(lengths) > 1:
            raise ValueError(f"columns of different lengths: {sorted(lengths)}")
        matrix = np.zeros((lengths.pop() if lengths else 0, self._width))
        if not len(matrix):
            return matrix
        for encoder in self._encoders:
            name = encoder.columns[0]
            try:
                read = encoder.many(raw[name])
            except (ValueError, TypeError, OverflowError) as error:
                raise self._fault({name: columns[name]}) from error
            for i, slot in enumerate(encoder.slots):
                matrix[:, slot] = read if read.ndim == 1 else read[:, i]
        self._count(columns, raw, matrix)
        for constant in self._constants:
            matrix[:, constant.slot] = constant.value
        return matrix

    def _count(self, columns: Mapping[str, Any], raw: Mapping[str, RawColumn], matrix: Matrix) -> None:
        for words in self._words:
            try:
                texts = words.texts(raw)
            except ValueError as error:
                raise self._fault({name: columns[name] for name, _ in words.sources}) from error
            for text, cells in zip(texts, matrix, strict=True):
                words.count(text, cells)

    def _look_for_missing(self, given: Mapping[str, Any]) -> None:
        missing = [name for name in self._required if name not in given]
        if missing:
            raise KeyError(f"{len(missing)} required columns are missing: {missing}")

    def _fault(self, columns: Mapping[str, Any]) -> ValueError:
        """Find the value that is at fault, and tell."""
        ones: list[tuple[str, Callable[[Any], Any]]] = [(encoder.columns[0], encoder.one) for encoder in self._encoders]
        ones += [source for words in self._words for source in words.ones]
        for name, one in ones:
            for value in columns.get(name, ()):
                try:
                    one(value)
                except (ValueError, TypeError, OverflowError) as error:
                    return ValueError(f"column {name!r}: {repr(value)[:_SHOWN]} cannot be read: {error}")
        return ValueError(f"column {', '.join(map(repr, columns))}: values of these types cannot be read together")


def _encoder(one: plan.Input, arrays: Arrays) -> Encoder | None:
    match one:
        case plan.Number():
            return NumberEncoder(one)
        case plan.Flag():
            return FlagEncoder(one)
        case plan.Category():
            return CategoryEncoder(one, arrays)
        case plan.Date():
            return DateEncoder(one)
        case plan.Text():
            return TextEncoder(one, arrays)
        case plan.Null():
            return NullEncoder(one)
    return None
