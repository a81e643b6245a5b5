"""Columns → the float32 inputs of a multilayer perceptron."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import types

from agbento.compiler.arrays import Arrays
from agbento.compiler.native.contract import Matrix
from agbento.compiler.native.jit import array, kernel, output
from agbento.compiler.plan.mlp_inputs import Embedded, Inputs, OneHot, Ranked, Scaled, Step

Singles = npt.NDArray[np.float32]

_KINDS = {"copied": 0, "scaled": 1, "ranked": 2, "one_hot": 3, "embedded": 4}
# scikit-learn's QuantileTransformer: numbers so near to the least or greatest quantile are beyond it, and ranks so near
# to 0 or 1 are moved inwards.
_NEAR = 1e-7
_LEAST = _NEAR - np.spacing(1)
_MOST = 1 - _LEAST


@kernel(types.float64(types.float64, array(types.float64), array(types.float64)))
def _interpolate(x: Any, known: Any, references: Any) -> Any:
    """Give the rank of ``x`` within ``known``: in proportion between two of them, the mean of equal ones."""
    low, high = 0, known.shape[0]
    while low < high:
        middle = (low + high) >> 1
        if known[middle] < x:
            low = middle + 1
        else:
            high = middle
    if known[low] == x:
        last = low
        while last + 1 < known.shape[0] and known[last + 1] == x:
            last += 1
        return 0.5 * (references[last] + references[low])
    # NumPy's interpolation from below, and from above with all signs turned.
    slope = (references[low] - references[low - 1]) / (known[low] - known[low - 1])
    upward = slope * (x - known[low - 1]) + references[low - 1]
    downward = slope * (known[low] - x) - references[low]
    return 0.5 * (upward - downward)


@kernel(types.float64(types.float64, array(types.float64), array(types.float64), types.int64))
def _rank(x: Any, known: Any, references: Any, single: Any) -> Any:
    """Give the rank of ``x`` among ``known``, from 0 to 1; ``single``: AutoGluon has the column in float32."""
    below, above = x - _NEAR, x + _NEAR
    if single:
        near = np.float64(np.float32(_NEAR))
        below, above = np.float64(np.float32(x - near)), np.float64(np.float32(x + near))
    if below < known[0]:
        return _LEAST
    if above > known[-1]:
        return _MOST
    rank = _interpolate(x, known, references)
    if single:
        rank = np.float64(np.float32(rank))
    return min(max(rank, _LEAST), _MOST)


@kernel(types.int64(types.float64, array(types.int64), array(types.float64), array(types.int32)))
def _place(x: Any, step: Any, numbers: Any, codes: Any) -> Any:
    """Give the input that is 1, or the table's row, for a category or a number that stands for one; -1 for none."""
    if step[3] < 0:
        return np.int64(x) + 1
    if step[0] == 4 or step[5] < 0:
        return np.int64(codes[step[3] + 1 + np.int64(x)])
    for i in range(step[5]):
        if x == numbers[i]:
            return np.int64(codes[step[3] + i])
    return -1


@kernel(types.boolean(array(types.float64, 2), array(types.int64, 2), array(types.float64, 2), array(types.int32),
                      array(types.float32), array(types.float64, 2), array(types.float64),
                      output(types.float64, 2), output(types.float32, 2)))  # fmt: skip
def _fill(
    rows: Any, steps: Any, numbers: Any, codes: Any, tables: Any, quantiles: Any, references: Any, ranks: Any, out: Any
) -> bool:
    """Fill ``out`` (n, inputs) and ``ranks`` (n, ranked columns); tells whether all numbers are finite that must be.

    ``steps`` and ``numbers`` are what ``_numbered`` makes of each step.
    """
    fine = True
    for s in range(steps.shape[0]):
        kind, column, at, first, second = steps[s, 0], steps[s, 1], steps[s, 2], steps[s, 4], steps[s, 5]
        fill, center, scale = numbers[s, 0], numbers[s, 1], numbers[s, 2]
        for row in range(rows.shape[0]):
            x = rows[row, column]
            if kind > 2:
                place = _place(x, steps[s], numbers[s], codes)
                for j in range(first):
                    out[row, at + j] = tables[second + place * first + j] if kind == 4 else j == place
                continue
            if kind > 0:
                fine &= not (math.isinf(x) and (kind == 2 or second != 0))
                x = fill if math.isnan(x) else x
            if kind == 2:
                ranks[row, first] = _rank(x, quantiles[first], references, second)
            elif kind == 1:
                x -= center
                out[row, at] = (np.float64(np.float32(x)) if first else x) / scale
            else:
                out[row, at] = x
    return fine


def bind_inputs(inputs: Inputs, arrays: Arrays) -> Callable[[Matrix], Singles]:
    """Give a function from a leaf's columns (n, columns) to the inputs (n, inputs).

    The function raises ValueError where AutoGluon does: an infinite number in a column that is scaled or ranked.
    """
    codes: list[npt.NDArray[np.int32]] = []
    numbered = [_numbered(step, arrays, codes) for step in inputs.steps]
    steps = np.array([whole for whole, _ in numbered], np.int64)
    numbers = np.array([real for _, real in numbered], np.float64)
    all_codes = np.concatenate(codes) if codes else np.empty(0, np.int32)
    tables = arrays.get(inputs.tables) if inputs.tables else np.empty(0, np.float32)
    quantiles = arrays.get(inputs.quantiles) if inputs.quantiles else np.empty((0, 0))
    references = arrays.get(inputs.references) if inputs.references else np.empty(0)
    ranked = [step.at for step in inputs.steps if isinstance(step, Ranked)]
    width, many = inputs.width, len(ranked)
    no_ranks = np.empty((0, 0))

    def fill(rows: Matrix) -> Singles:
        out = np.empty((len(rows), width), np.float32)
        ranks = np.empty((len(rows), many)) if many else no_ranks
        if not _fill(rows, steps, numbers, all_codes, tables, quantiles, references, ranks, out):
            raise ValueError("Input X contains infinity")
        return out

    if not many:
        return fill
    # SciPy's own function, as scikit-learn has it; only networks of skewed columns need SciPy.
    from scipy.special import ndtri  # type: ignore[import-untyped]

    begin, end = ranked[0], ranked[0] + many

    def fill_ranked(rows: Matrix) -> Singles:
        out = np.empty((len(rows), width), np.float32)
        ranks = np.empty((len(rows), many))
        if not _fill(rows, steps, numbers, all_codes, tables, quantiles, references, ranks, out):
            raise ValueError("Input X contains infinity")
        out[:, begin:end] = ndtri(ranks, ranks)
        return out

    return fill_ranked


def _numbered(
    step: Step, arrays: Arrays, codes: list[npt.NDArray[np.int32]]
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Give a step as whole numbers (kind, column, at, where in the codes, two of its own) and three real ones."""
    head = (_KINDS[step.kind], step.column, step.at)
    begin = sum(map(len, codes))
    if isinstance(step, Scaled):
        fill = math.nan if step.fill is None else step.fill
        return (*head, -1, step.single, step.finite), (fill, step.center, step.scale)
    if isinstance(step, Ranked):
        return (*head, -1, step.index, step.single), (step.fill, 0.0, 0.0)
    if isinstance(step, OneHot):
        codes.append(arrays.get(step.places))
        if step.numbers is None:
            return (*head, begin, step.width, -1), (0.0, 0.0, 0.0)
        return (*head, begin, step.width, len(step.numbers)), (*step.numbers, *[0.0] * (3 - len(step.numbers)))
    if isinstance(step, Embedded):
        if step.rows:
            codes.append(arrays.get(step.rows))
        return (*head, begin if step.rows else -1, step.width, step.offset), (0.0, 0.0, 0.0)
    return (*head, -1, 0, 0), (0.0, 0.0, 0.0)


def input_thresholds(inputs: Inputs, columns: tuple[int, ...], arrays: Arrays) -> list[tuple[int, Matrix]]:
    """Give the numbers at which a slot's inputs change: quantiles, and numbers that have an input of their own."""
    found = []
    for step in inputs.steps:
        if isinstance(step, Ranked):
            found.append((columns[step.column], np.unique(arrays.get(inputs.quantiles)[step.index])))
        elif isinstance(step, OneHot) and step.numbers is not None:
            found.append((columns[step.column], np.array(step.numbers)))
    return found
