"""Let a compiled predictor and AutoGluon answer the same rows, and compare.

Rows are given in the ways in which they go through the code differently:

    frame     a DataFrame of the training columns' dtypes
    records   a list of dicts
    columns   lists of Python values by column
    row       one dict after the other; AutoGluon's features of each row alone, its models over many of them at once
    alone     one dict; AutoGluon's own answer to a DataFrame of one row
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from agbento.compiler.compiled import CompiledPredictor
from agbento.compiler.proof.agreement import Judge, spread, usual_size
from agbento.compiler.proof.draw import Draw, Drawn, thresholds
from agbento.compiler.proof.findings import Proof
from agbento.compiler.proof.stock import Numbers, Stock, joined, persisted, quiet
from agbento.compiler.proof.tally import Tally
from agbento.compiler.proof.unsteady import forgiven, has_networks

ROWS: Final = 20_000  # of the training columns' dtypes
_RECORDS, _COLUMNS, _ROWS = 1000, 1536, 300  # at most so many rows of the other ways
_BATCH: Final = 1000
_PART: Final = 16  # rows of a part that is not made smaller where AutoGluon raises
_REAL_SINGLES: Final = 100  # of the caller's rows, as dicts
_SINGLES: Final = 40  # rows that are tried one by one before the clock is looked at
_ALONE: Final = 6  # rows that AutoGluon answers alone, which may take it a second each


@dataclass(frozen=True)
class _Task:
    """Some rows, given in one way; both functions answer those from one place up to another."""

    way: str
    kinds: Sequence[str]
    row: Callable[[int], Mapping[Any, Any]]
    expected: Callable[[int, int], Numbers]
    received: Callable[[int, int], Numbers]

    def part(self, begin: int, end: int) -> _Task:
        """Give some of the rows."""
        return _Task(
            self.way,
            self.kinds[begin:end],
            lambda place: self.row(begin + place),
            lambda first, last: self.expected(begin + first, begin + last),
            lambda first, last: self.received(begin + first, begin + last),
        )


def verify(
    predictor: Any,
    compiled: CompiledPredictor,
    *,
    real: pd.DataFrame | None = None,
    rows: int = ROWS,
    seconds: float = 120,
    digest: str | None = None,
    seed: int = 0,
) -> Proof:
    """Compare ``compiled`` with the ``TabularPredictor`` that it was compiled from.

    All rows of ``real`` are tried. Others are drawn from the predictor (`agbento.compiler.proof.draw`): ``rows`` of
    the training columns' dtypes, and fewer of other Python values. When ``seconds`` are over, what is left of these is
    left out, except the first batch of each way. ``digest`` is the caller's, of what the predictor was read from.

    Raises:
        KeyError: ``real`` lacks columns that the predictor needs.
        Exception: AutoGluon does not answer a row of usual values; whatever it raises.
    """
    began = time.monotonic()
    tally = Tally()
    with persisted(predictor):
        stock = Stock(predictor)
        draw = Draw(stock, thresholds(compiled.plan, compiled.arrays), seed)
        tasks = _Tasks(stock, compiled, draw, tally)
        ways = [tasks.frames(rows), tasks.records(min(rows // 4, _RECORDS))]
        ways += [tasks.columns(min(rows // 4, _COLUMNS)), tasks.rows(min(rows // 10, _ROWS)), tasks.alone()]
        comparer = _Comparer(predictor, tally, steady=not has_networks(compiled.plan))
        for task in tasks.reals(real):
            comparer.compare(task)
        for task in _in_time(ways, time.monotonic() + seconds, tally):
            comparer.compare(task)
    return tally.proof(time.monotonic() - began, digest)


def _in_time(ways: list[Iterator[_Task]], end: float, tally: Tally) -> Iterator[_Task]:
    """Give the tasks of all ways in turn, and count those that come too late; the first of each never does."""
    first = True
    while ways:
        going = []
        for way in ways:
            if (task := next(way, None)) is None:
                continue
            going.append(way)
            if first or time.monotonic() < end:
                yield task
            else:
                tally.left_out(len(task.kinds))
        ways, first = going, False


class _Comparer:
    """Compares tasks. The first answers of AutoGluon's give the scale of the numbers.

    ``steady``: AutoGluon's answer to a row does not depend on the other rows of a call.
    """

    def __init__(self, predictor: Any, tally: Tally, steady: bool) -> None:
        self._predictor, self._tally, self._steady = predictor, tally, steady
        self._judge: Judge | None = None

    def compare(self, task: _Task) -> None:
        """Compare a task; of one at which AutoGluon raises, the parts that it answers."""
        count = len(task.kinds)
        try:
            expected = task.expected(0, count)
        except Exception:  # noqa: BLE001 - where AutoGluon does not answer there is nothing to compare
            if count <= _PART:
                self._tally.unanswered(task.way, count)
                return
            self.compare(task.part(0, count // 2))
            self.compare(task.part(count // 2, count))
            return
        self._judge = self._judge or Judge(self._predictor, spread(expected), usual_size(expected))
        try:
            with quiet():
                received = task.received(0, count)
            found = self._judge.compare(expected, received)
        except Exception as error:  # noqa: BLE001 - whatever it raises, AutoGluon answered
            if self._steady:
                self._tally.raised(task.way, task.kinds, _raising(task), error, task.row)
            elif count > 1:
                self.compare(task.part(0, count // 2))
                self.compare(task.part(count // 2, count))
            elif self._judge.beyond(expected)[0]:
                self._tally.unsteady(1)
            else:
                self._tally.raised(task.way, task.kinds, 0, error, task.row)
        else:
            if not self._steady:
                found = forgiven(found, expected, task.expected, self._judge)
            self._tally.compared(task.way, task.kinds, found, (expected, received), task.row)


def _raising(task: _Task) -> int:
    """Give the place of a row at which the compiled predictor raises, by halves; of a part where no half raises."""
    begin, end = 0, len(task.kinds)
    while end - begin > 1:
        middle = (begin + end) // 2
        for part in ((begin, middle), (middle, end)):
            try:
                with quiet():
                    task.received(*part)
            except Exception:  # noqa: BLE001 - likewise
                begin, end = part
                break
        else:
            break
    return begin


class _Tasks:
    """Makes the tasks of each way."""

    def __init__(self, stock: Stock, compiled: CompiledPredictor, draw: Draw, tally: Tally) -> None:
        self._stock, self._compiled, self._draw, self._tally = stock, compiled, draw, tally

    def frames(self, count: int) -> Iterator[_Task]:
        """Rows of the training columns' dtypes."""
        for drawn in self._draw.typed(count):
            yield from self._framed(drawn.kinds, self._draw.frame(drawn))

    def reals(self, real: pd.DataFrame | None) -> Iterator[_Task]:
        """The caller's own rows: as they are, and as dicts."""
        if real is None or real.empty:
            return
        if missing := [str(name) for name in self._draw.columns if name not in real.columns]:
            raise KeyError(f"the rows lack columns that the predictor needs: {', '.join(missing)}")
        frame = real[list(self._draw.columns)].reset_index(drop=True)
        yield from self._framed(("real",) * len(frame), frame)
        some = frame.iloc[np.unique(np.linspace(0, len(frame) - 1, min(len(frame), _REAL_SINGLES)).astype(int))]
        yield self._single(("real",) * len(some), some.to_dict("records"))

    def records(self, count: int) -> Iterator[_Task]:
        """Lists of dicts."""
        for drawn in self._draw.typed(count):
            yield self._listed(drawn.kinds, self._draw.frame(drawn).to_dict("records"))

    def columns(self, count: int) -> Iterator[_Task]:
        """Columns of Python values."""
        yield from map(self._by_column, self._draw.lists(count))

    def rows(self, count: int) -> Iterator[_Task]:
        """Single rows, whose features AutoGluon makes one by one."""
        drawn = self._draw.loose(count)
        rows = drawn.rows()
        for begin in range(0, len(drawn), _SINGLES):
            end = begin + _SINGLES
            yield self._single(drawn.kinds[begin:end], rows[begin:end])

    def alone(self) -> Iterator[_Task]:
        """Single rows that AutoGluon answers alone."""
        drawn = self._draw.loose(_ALONE)
        for kind, row in zip(drawn.kinds, drawn.rows(), strict=True):
            yield replace(self._listed((kind,), [row]), way="alone", received=partial(self._alone, row))

    def _framed(self, kinds: Sequence[str], frame: pd.DataFrame) -> Iterator[_Task]:
        for begin in range(0, len(frame), _BATCH):
            end = begin + _BATCH
            yield self._table(kinds[begin:end], _cut(frame, begin, end))

    def _table(self, kinds: Sequence[str], frame: pd.DataFrame) -> _Task:
        return _Task(
            "frame",
            kinds,
            lambda place: frame.iloc[[place]].to_dict("records")[0],
            lambda begin, end: self._stock.answer(_cut(frame, begin, end)),
            lambda begin, end: self._asked(_cut(frame, begin, end)),
        )

    def _listed(self, kinds: Sequence[str], rows: list[dict[Any, Any]]) -> _Task:
        return _Task(
            "records",
            kinds,
            rows.__getitem__,
            lambda begin, end: self._stock.answer(pd.DataFrame(rows[begin:end])),
            lambda begin, end: self._asked(rows[begin:end]),
        )

    def _by_column(self, drawn: Drawn) -> _Task:
        return _Task(
            "columns",
            drawn.kinds,
            drawn.rows().__getitem__,
            lambda begin, end: self._stock.answer(pd.DataFrame(drawn.part(begin, end).values)),
            lambda begin, end: Numbers(*self._compiled.predict_columns(drawn.part(begin, end).values)),
        )

    def _single(self, kinds: Sequence[str], rows: Sequence[dict[Any, Any]]) -> _Task:
        found = []
        for kind, row in zip(kinds, rows, strict=True):
            try:
                found.append((kind, row, self._stock.features(pd.DataFrame([row]))))
            except Exception:  # noqa: BLE001 - AutoGluon does not answer it
                self._tally.unanswered("row", 1)
        return _Task(
            "row",
            [kind for kind, *_ in found],
            lambda place: found[place][1],
            lambda begin, end: self._stock.answer_features([features for *_, features in found[begin:end]]),
            lambda begin, end: joined([self._one(row) for _, row, _ in found[begin:end]]),
        )

    def _one(self, row: dict[Any, Any]) -> Numbers:
        """Ask for one row; both ways to do so give the same."""
        both = Numbers(*self._compiled.predict_row(row))
        values = self._compiled.predict(row)
        if not _same(both.values, values):
            raise ValueError(f"predict gives {values}, predict_row {both.values}")
        return both

    def _alone(self, row: dict[Any, Any], _begin: int, _end: int) -> Numbers:
        return self._one(row)

    def _asked(self, data: Any) -> Numbers:
        values = self._compiled.predict(data)
        return Numbers(values, self._compiled.predict_proba(data) if self._stock.classifies else None)


def _cut(frame: pd.DataFrame, begin: int, end: int) -> pd.DataFrame:
    return frame.iloc[begin:end].reset_index(drop=True)


def _same(a: Any, b: Any) -> bool:
    return a.shape == b.shape and all(x == y or (x != x and y != y) for x, y in zip(a.flat, b.flat, strict=True))
