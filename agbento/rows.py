"""Rows of a request → the columns that the predictor takes, or the faults that they have."""

from __future__ import annotations

import reprlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from agbento.errors import Fault, InvalidRows
from agbento.schema import Feature, Schema
from agbento.values.levels import Reader, key_of
from agbento.values.numbers import read_at_once
from agbento.values.policy import Policy
from agbento.values.reading import column, reader
from agbento.values.reasons import Action, Counts, Off, Reason

# More would be an answer of gigabytes for a request of megabytes.
MAX_FAULTS = 1000
MAX_CAUTIONS = 10_000
_SHOWN = 60  # characters of a received value that is repeated
_MISSING = object()
# What the readers gave for one column: values as ``agbento.values.reading`` has them, or an array of its dtype.
Column = list[Any] | npt.NDArray[Any]
_repr = reprlib.Repr()  # repr itself recurses into what is nested deeply
_repr.maxlevel, _repr.maxstring = 2, _SHOWN


@dataclass(frozen=True)
class Caution(Fault):
    """One thing that was off with a row that was answered all the same; ``taken_as`` says how."""

    taken_as: str


@dataclass(slots=True)
class Batch:
    """Rows that can be answered: ``rows`` of them, by column; what each is to be told, and what was counted.

    ``columns`` are those of ``features``, in their order.
    """

    features: Sequence[Feature]
    rows: int
    columns: dict[str, Column]
    cautions: dict[int, list[Caution]] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counter)

    def frame(self) -> pd.DataFrame:
        """Give the rows as AutoGluon takes them: each column of the training column's dtype."""
        held = {feature.name: column(feature, self.columns[feature.name]) for feature in self.features}
        return pd.DataFrame(held, index=pd.RangeIndex(self.rows))

    @classmethod
    def joined(cls, batches: Sequence[Batch]) -> Batch:
        """Give the rows of all batches of one reader, one batch after the other; cautions and counts stay with each."""
        if len(batches) == 1:
            return batches[0]
        features = batches[0].features
        columns = {
            feature.name: _joined(feature, [batch.columns[feature.name] for batch in batches]) for feature in features
        }
        return cls(features, sum(batch.rows for batch in batches), columns)


def _joined(feature: Feature, parts: Sequence[Column]) -> Column:
    if all(isinstance(part, list) for part in parts):
        return [value for part in parts for value in part]
    return np.concatenate([column(feature, part) for part in parts])


class RowReader:
    """Reads rows for one schema under one policy."""

    def __init__(self, schema: Schema, policy: Policy | None = None) -> None:
        self._policy = policy or Policy.default(schema)
        self._features = schema.features
        self._readers = [
            _FeatureReader(feature, reader(feature), self._policy.actions[feature.name]) for feature in schema.features
        ]
        self._reads = [(one.name, one.read, one) for one in self._readers]
        self._names = frozenset(feature.name for feature in schema.features)

    def batch(self, rows: Sequence[Any]) -> Batch:
        """Turn rows (objects as JSON gives them) into the schema's columns, in the schema's order.

        Raises:
            InvalidRows: with one fault for each thing that the policy rejects, over all rows and columns; MAX_FAULTS at
                the most.
        """
        sink = _Sink()
        columns: dict[str, Column] = {}
        if len(rows) == 1 and type(rows[0]) is dict:
            columns = self._one(rows[0], sink)
        else:
            sink.faults += _no_objects(rows)
            columns = self._many(rows, sink) if not sink.faults else {}
        if not sink.faults or (columns and self._policy.unused_column == "reject"):
            self._look_at_unused(rows, sink)
        if sink.faults:
            raise _invalid(sink.faults, len(rows))
        return Batch(self._features, len(rows), columns, sink.cautions, sink.counts)

    def _one(self, row: dict[str, Any], sink: _Sink) -> dict[str, Column]:
        columns: dict[str, Column] = {}
        for name, read, feature_reader in self._reads:
            value = row.get(name, _MISSING)
            try:
                columns[name] = [read(value)]
            except Off as off:
                columns[name] = [feature_reader.take(off, 0, row, value, sink)]
                if len(sink.faults) >= MAX_FAULTS:
                    break
        return columns

    def _many(self, rows: Sequence[Any], sink: _Sink) -> dict[str, Column]:
        columns: dict[str, Column] = {}
        for one in self._readers:
            columns[one.name] = one.column(rows, sink)
            if len(sink.faults) >= MAX_FAULTS:
                break
        return columns

    def _look_at_unused(self, rows: Sequence[Any], sink: _Sink) -> None:
        action = self._policy.unused_column
        if action == "accept":
            missing = sum(count for (_, reason, _), count in sink.counts.items() if reason == "missing_column")
            if unused := sum(map(len, rows)) + missing - len(self._names) * len(rows):
                sink.counts["", "unused_column", action] += unused
            return
        for i, row in enumerate(rows):
            for name in row:
                if name not in self._names and len(sink.faults) < MAX_FAULTS:
                    off = Off("unused_column", "a column that the model uses", None, "nothing")
                    sink.take(off, action, i, name[:_SHOWN], row[name], counted_as="")


class _Sink:
    """Where everything goes that is off with the rows of one request."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.counts: Counts = Counter()
        self.cautions: dict[int, list[Caution]] = {}
        self._listed = 0

    def take(self, off: Off, action: Action, row: int, name: str, value: Any, counted_as: str | None = None) -> None:
        """Note one thing."""
        if action == "reject":
            self.faults.append(Fault(row, name, off.reason, off.expected, _show(value)))
            return
        self.counts[name if counted_as is None else counted_as, off.reason, action] += 1
        if action == "warn":
            self._listed += 1
            listed = self.cautions.setdefault(row, [])
            if self._listed <= MAX_CAUTIONS:
                listed.append(Caution(row, name, off.reason, off.expected, _show(value), off.taken_as))
            elif not listed or listed[-1].reason != "more":
                expected = f"at most {MAX_CAUTIONS} warnings for a request"
                listed.append(Caution(row, None, "more", expected, "more than are listed", "as those that are listed"))


class _FeatureReader:
    """Reads the values of one feature, and notes what is off with them as the policy's ``actions`` say."""

    def __init__(self, feature: Feature, read: Reader, actions: Mapping[Reason, Action]) -> None:
        self.name, self.feature, self.read, self._actions = feature.name, feature, read, actions

    def take(self, off: Off, i: int, row: Mapping[str, Any], value: Any, sink: _Sink) -> Any:
        """Note what is off with the value of row ``i``, and give what the column holds."""
        if value is _MISSING:
            off, value = self._missing(), _Nearly(row, self.name)
        sink.take(off, self._actions[off.reason], i, self.name, value)
        return off.held

    def column(self, rows: Sequence[Mapping[str, Any]], sink: _Sink) -> Column:
        """Give the column of these rows."""
        name = self.name
        try:
            values = [row[name] for row in rows]
        except KeyError:
            values = [row.get(name, _MISSING) for row in rows]
        found = self._at_once(values, sink) if len(rows) > 1 else None
        if found is not None:
            return found
        reading = _remembering(self.read)
        held = []
        for i, value in enumerate(values):
            try:
                held.append(reading(value))
            except Off as off:
                held.append(self.take(off, i, rows[i], value, sink))
        return held

    def _at_once(self, values: list[Any], sink: _Sink) -> Column | None:
        """Give the column of many values of which none is off, or None: then each is looked at by itself."""
        feature = self.feature
        if feature.type in ("int", "float") and feature.two_valued is None:
            nulls = values.count(None) if self._actions["null"] == "accept" else 0
            found = read_at_once(feature, values, nulls)
            if found is not None and nulls:
                sink.counts[feature.name, "null", "accept"] += nulls
            return found
        kinds = set(map(type, values))
        if len(kinds) > 1 or not kinds <= {str, int, float, bool}:
            return None
        try:
            held = {value: self.read(value) for value in set(values)}
        except Off:
            return None
        return list(map(held.__getitem__, values))

    def _missing(self) -> Off:
        try:
            self.read(None)
        except Off as null:
            return Off("missing_column", f"a value of type {self.feature.type}", null.held, null.taken_as)
        raise AssertionError(self.feature)  # null is off in every column, whatever is done about it


def _remembering(read: Reader) -> Callable[[Any], Any]:
    """Read each distinct text or truth value once: dates and levels come again and again."""
    known: dict[Any, Any] = {}

    def reading(value: Any) -> Any:
        if not isinstance(value, (str, bool)):
            return read(value)
        key = key_of(value)
        if key not in known:
            try:
                known[key] = read(value)
            except Off as off:
                known[key] = off
        found = known[key]
        if isinstance(found, Off):
            raise found.with_traceback(None)  # else it grows with each raise
        return found

    return reading


def _no_objects(rows: Sequence[Any]) -> list[Fault]:
    return [
        Fault(i, None, "not_an_object", "an object with a value for each feature", _show(row))
        for i, row in enumerate(rows)
        if not isinstance(row, Mapping)
    ]


def _invalid(faults: list[Fault], rows: int) -> InvalidRows:
    more = f" (and {len(faults) - 1} more)" if 1 < len(faults) < MAX_FAULTS else ""
    if len(faults) >= MAX_FAULTS:
        del faults[MAX_FAULTS:]
        more = f" (and others; the first {MAX_FAULTS} are listed)"
    faults.sort(key=lambda fault: fault.row)
    first = faults[0]
    where = f"row {first.row}, " if rows > 1 or len(faults) > 1 or first.column is None else ""
    where += f"column {first.column!r}" if first.column is not None else ""
    told = f"{first.reason.replace('_', ' ')}: expected {first.expected}, received {first.received}"
    return InvalidRows(f"{where.removesuffix(', ')}: {told}{more}", faults)


class _Nearly:
    """A column that is not in a row, which may have another that is meant."""

    def __init__(self, row: Mapping[str, Any], name: str) -> None:
        self._row, self._name = row, name

    def shown(self) -> str:
        """Give what there is instead."""
        meant = self._name.strip().casefold()
        found = next((key for key in self._row if key.strip().casefold() == meant), None)
        return "nothing" if found is None else f"nothing, but {_repr.repr(found)}: names must be equal"


def _show(value: Any) -> str:
    if isinstance(value, _Nearly):
        return value.shown()
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = _repr.repr(value[:_SHOWN] if isinstance(value, str) else value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
