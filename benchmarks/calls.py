"""In process: one row, and 1,000, by the compiled predictor and by AutoGluon's own, whose models are persisted.

Both answer the same rows, which vary from call to call, and take turns, so that what else the machine does hits both.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from typing import Any

import numpy as np
import pandas as pd

from agbento.compiler import CompiledPredictor
from benchmarks import models
from benchmarks.machine import cores
from benchmarks.models import MEDIUM, STACK, Recipe
from benchmarks.options import Options
from benchmarks.results import Call, Calls
from sample.rows import rows

MANY = 1000
DIFFERENT = 2000
TOLERANCE = 1e-6  # relative; what the two may differ by
_BURST = 100  # compiled calls of one row a turn: one takes microseconds

Rows = list[dict[str, Any]]


def measure(options: Options) -> Calls:
    """Measure the medium predictor and the stack. Raises ValueError where compiled and stock do not answer the same."""
    turns = 3 if options.quick else 20
    found: list[Call] = []
    native: dict[str, bool] = {}
    for recipe in options.of(MEDIUM, STACK):
        compiled, stock = _open(recipe)
        native[recipe.name] = compiled.native
        frame = rows(DIFFERENT, seed=1)
        _check(compiled, stock, frame)
        found += _one_row(recipe.name, compiled, stock, frame, turns)
        found += _many_rows(recipe.name, compiled, stock, frame[:MANY], turns)
    return Calls(tuple(found), native)


def _open(recipe: Recipe) -> tuple[CompiledPredictor, Any]:
    from autogluon.tabular import TabularPredictor

    compiled = CompiledPredictor.load(models.compiled(recipe), threads=cores())
    stock = TabularPredictor.load(str(models.trained(recipe)), verbosity=0)
    stock.persist(max_memory=None)
    return compiled, stock


def _check(compiled: CompiledPredictor, stock: Any, frame: pd.DataFrame) -> None:
    """Stop before measuring what does not answer the same."""
    expected = stock.predict(frame, as_pandas=False)
    one_by_one = np.concatenate([compiled.predict(row) for row in frame.to_dict("records")])
    for way, got in (("rows", one_by_one), ("a frame", compiled.predict(frame))):
        if not np.allclose(got, expected, rtol=TOLERANCE, atol=0):
            worst = int(np.argmax(np.abs(got - expected)))
            raise ValueError(f"compiled, of {way}: row {worst} is {got[worst]!r}, expected {expected[worst]!r}")


def _one_row(model: str, compiled: CompiledPredictor, stock: Any, frame: pd.DataFrame, turns: int) -> list[Call]:
    dicts: Rows = [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
    frames = [pd.DataFrame([row]) for row in dicts[: 100 * turns]]
    ours, theirs = cycle(dicts), cycle(frames)
    times: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(turns):
        times[True] += _timed(compiled.predict, islice(ours, _BURST))
        times[False] += _timed(stock.predict, islice(theirs, 3))
    return [_call(model, kind, 1, taken) for kind, taken in times.items()]


def _many_rows(model: str, compiled: CompiledPredictor, stock: Any, frame: pd.DataFrame, turns: int) -> list[Call]:
    times: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(turns):
        # another order each turn: no cache of an answer could help
        mixed = frame.sample(frac=1.0, random_state=turn).reset_index(drop=True)
        times[True] += _timed(compiled.predict, [mixed])
        times[False] += _timed(stock.predict, [mixed])
    return [_call(model, kind, MANY, taken) for kind, taken in times.items()]


def _timed(predict: Callable[[Any], Any], data: Any) -> list[float]:
    taken = []
    for one in data:
        began = time.perf_counter()
        predict(one)
        taken.append(time.perf_counter() - began)
    return taken


def _call(model: str, compiled: bool, n: int, taken: Sequence[float]) -> Call:
    p99 = sorted(taken)[min(int(0.99 * len(taken)), len(taken) - 1)]
    return Call(model, compiled, n, len(taken), 1000 * statistics.median(taken), 1000 * p99)
