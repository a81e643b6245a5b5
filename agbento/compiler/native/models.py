"""A plan's models, bound to their arrays: slots in, slots out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from agbento.compiler.arrays import Arrays
from agbento.compiler.native import foreign, registry
from agbento.compiler.native.calibration import Numbers, normalized, tempered
from agbento.compiler.native.contract import Matrix
from agbento.compiler.plan.ensembles import Foreign
from agbento.compiler.plan.plan import Child, Model, Plan

_Step = Callable[[Matrix], Numbers]


class BoundModels:
    """All models of a plan. Safe to call from any thread."""

    def __init__(self, plan: Plan, arrays: Arrays, foreigns: Mapping[str, Any], threads: int) -> None:
        self._binder = _Binder(plan, arrays, foreigns, threads)
        self._slots, self._features = plan.slots, len(plan.features.slots)
        *before, last = plan.models
        self._none = np.empty((0, last.outputs) if last.outputs > 1 or plan.answer.problem == "quantile" else 0)
        self._before = [(self._binder.model(m), slice(m.first, m.first + m.outputs)) for m in before]
        self._last = self._binder.model(last)

    def answer(self, features: Matrix) -> Numbers:
        """Give the last model's numbers for ``features``, of shape (n, feature slots): (n,) or (n, outputs)."""
        if not len(features):
            return self._none
        if not self._before:
            return self._last(features)
        matrix = np.empty((len(features), self._slots))
        matrix[:, : self._features] = features
        for step, slots in self._before:
            numbers = step(matrix)
            matrix[:, slots] = numbers if numbers.ndim > 1 else numbers[:, None]
        return self._last(matrix)


class _Binder:
    """Makes functions of models and their children."""

    def __init__(self, plan: Plan, arrays: Arrays, foreigns: Mapping[str, Any], threads: int) -> None:
        self._arrays, self._foreigns, self._threads = arrays, foreigns, threads
        self._problem = plan.answer.internal

    def model(self, model: Model) -> _Step:
        steps = [self._child(child) for child in model.children]
        if not model.bagged:
            return steps[0]
        return _calibrated(steps[0] if len(steps) == 1 else _mean(steps), model.temperature, model.offsets)

    def _child(self, child: Child) -> _Step:
        leaf = child.leaf
        columns = _columns(leaf.columns)
        if isinstance(leaf, Foreign):
            evaluate = foreign.bind(self._foreigns[leaf.model], leaf.slots)
        else:
            evaluate = registry.bind(leaf, self._arrays, self._threads)
        problem = self._problem if child.normalize else None

        def step(matrix: Matrix) -> Numbers:
            numbers = evaluate(columns(matrix))
            if problem is not None:
                numbers = normalized(numbers, problem)
            return numbers.astype(np.float32)

        return _calibrated(step, child.temperature, child.offsets)


def _columns(slots: tuple[int, ...]) -> Callable[[Matrix], Matrix]:
    """Give the function that takes a leaf's columns out of the matrix, without copying where it can."""
    indices = np.array(slots, np.intp)
    if len(slots) and slots == tuple(range(slots[0], slots[0] + len(slots))):
        first, last = slots[0], slots[0] + len(slots)
        return lambda matrix: np.ascontiguousarray(matrix[:, first:last])
    return lambda matrix: matrix.take(indices, axis=1)


def _mean(steps: list[_Step]) -> _Step:
    def step(matrix: Matrix) -> Numbers:
        total = steps[0](matrix)
        for other in steps[1:]:
            total = total + other(matrix)
        return total / len(steps)

    return step


def _calibrated(step: _Step, temperature: float | None, offsets: tuple[float, ...] | None) -> _Step:
    if temperature is not None:
        scale = temperature
        return lambda matrix: tempered(step(matrix), scale)
    if offsets is not None:
        shift: npt.NDArray[np.float64] = np.array(offsets)
        # In place in AutoGluon, so that float32 stays float32.
        return lambda matrix: np.add(numbers := step(matrix), shift, dtype=numbers.dtype, casting="same_kind")
    return step
