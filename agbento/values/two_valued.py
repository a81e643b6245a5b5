"""Values of columns that had two values in training: AutoGluon keeps one, and asks whether a value equals it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable
from typing import Any

import pandas as pd

from agbento.schema import Feature, TwoValued
from agbento.values.levels import UNSEEN, Reader, key_of, spelled_levels
from agbento.values.numbers import number_dtype
from agbento.values.reasons import Off


class TwoValuedReader:
    """Reads the values of a two-valued column; raises Off.

    ``read`` reads a value of a column of that type. What is held is the value that AutoGluon keeps, in its own type, or
    one that does not equal it.
    """

    def __init__(self, feature: Feature, two: TwoValued, read: Reader) -> None:
        self._feature, self._two, self._read = feature, two, read
        self._canon = _canon(feature, two)
        # A date is compared as one; "" may be the value that is kept, and is null to the reader.
        true = _leniently(read, two.true) if feature.type == "datetime" else two.true
        # None: the year 9999 of a column of seconds; here it is out of range.
        self._true = true if feature.type == "datetime" and feature.holds_timestamps else two.true
        self._true_key = self._canon(true)
        self._false_key = None if two.false is None else self._canon(two.false)
        self._other = _another(feature, two, self._true)
        self._expected = repr(two.true) + (
            " or the other value of training" if two.false is None else f" or {two.false!r}"
        )
        self._not_true = f"not {two.true!r}" if two.false is None else repr(two.false)
        self._known = self._read_already(two.true, two.false)

    def __call__(self, value: Any) -> Any:
        """Read one value, as JSON gives it."""
        if (known := self._known.get(type(value))) is not None and (found := known.get(value, known)) is not known:
            return found
        return self._read_anew(value)

    def _read_already(self, *values: Any) -> dict[type, dict[Any, Any]]:
        """Give what is held for those of the values that are not off, by type: 1 is not true."""
        found: dict[type, dict[Any, Any]] = {}
        for value in values:
            with contextlib.suppress(Off):
                found.setdefault(type(value), {})[value] = self._read_anew(value)
        return found

    def _read_anew(self, value: Any) -> Any:
        is_scalar = isinstance(value, (str, int, float))
        if is_scalar and key_of(value) == key_of(self._two.true) and self._true is not None:
            return self._true  # it may be spelled in a way that is off
        try:
            held = self._read(value)
        except Off as off:
            if off.reason != "date_spelling":
                raise Off(off.reason, self._expected, self._other, self._not_true) from None
            raise Off(off.reason, off.expected, self._decide(off.held), off.taken_as) from None
        return self._decide(held)

    def _decide(self, held: Any) -> Any:
        key = self._canon(held)
        if key == self._true_key:
            return self._true
        if key == self._false_key:
            return self._other
        if self._false_key is not None or self._is_beyond(key):
            raise Off("unseen_value", self._expected, self._other, self._not_true)
        raise Off("unverified_value", self._expected, self._other, self._not_true)

    def _is_beyond(self, key: Any) -> bool:
        """Tell whether the value was certainly not in training: of two it can sort, AutoGluon keeps the greater."""
        true: Any = self._true_key
        if isinstance(key, tuple):
            return bool(key[:2] == true[:2] and key[2] > true[2])
        # It sorts dates that are texts as texts.
        are_texts = self._feature.type == "datetime" and not self._feature.holds_timestamps
        return not are_texts and bool(key > true)


def _canon(feature: Feature, two: TwoValued) -> Callable[[Any], Hashable]:
    """Give the function that makes equal what the column's dtype cannot tell apart."""
    if feature.type in ("int", "float"):
        return number_dtype(feature).type
    if feature.type == "datetime":
        return pd.Timestamp
    meant = spelled_levels([level for level in (two.true, two.false) if level is not None])
    return lambda value: key_of(meant.get(key_of(value), value))


def _leniently(read: Reader, value: Any) -> Any:
    """Read a value of training, in whatever spelling it has."""
    try:
        return read(value)
    except Off as off:
        return off.held


def _another(feature: Feature, two: TwoValued, true: Any) -> Any:
    """Give a value of the column that does not equal ``true``."""
    if true is None:
        return pd.Timestamp(0)
    if isinstance(true, pd.Timestamp):
        return true + pd.Timedelta(days=-1 if true.year > 2000 else 1)
    if feature.type in ("int", "float"):
        return 0 if true != 0 else 1
    return UNSEEN if two.false is None else two.false
