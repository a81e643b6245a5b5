"""The kernel over the trees of a LightGBM plan: equal to LightGBM's own ``Tree::Predict``, sums in its order."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import types

from agbento.compiler.native.jit import array, kernel, output
from agbento.compiler.native.lightgbm_layout import CATEGORY, NAN_IS_ZERO, NAN_LEFT, ZERO, ZERO_LEFT, ZERO_RIGHT

IDENTITY, SQUARE, EXP, SIGMOID, SOFTMAX = range(5)

_LEAST, _GREATEST = -(2**31), 2**31 - 1
_WALKS = 8  # walks down trees that wait for memory together
_ROWS = 64  # rows that go down a tree before the next one is looked at
_INPUT, _TREE = 4, 3

_ints, _numbers = array(types.int32), array(types.float64)


@kernel(types.int32(types.float64, _numbers, types.int64, types.int64))
def _rank(value: Any, thresholds: Any, first: Any, last: Any) -> Any:
    """Count the thresholds that are less than ``value``."""
    low, high = first, last
    while low < high:
        middle = (low + high) >> 1
        if thresholds[middle] < value:
            low = middle + 1
        else:
            high = middle
    return np.int32(low - first)


@kernel(
    types.void(array(types.float64, 2), types.int64, types.int64, _ints, _numbers, types.int64, output(types.int32))
)
def _fill(rows: Any, first: Any, count: Any, inputs: Any, thresholds: Any, places: Any, held: Any) -> None:
    """Make ``count`` rows from ``first`` on what the trees read."""
    for i in range(count):
        held[i * places] = _LEAST
        for k in range(1, places):
            entry = _INPUT * (k - 1)
            value, kind = rows[first + i, inputs[entry]], inputs[entry + 1]
            missing = math.isnan(value)
            if kind == CATEGORY:
                held[i * places + k] = -1 if missing else np.int32(value)
                continue
            if -ZERO <= value <= ZERO or (missing and kind == NAN_IS_ZERO):
                # LightGBM leaves so small numbers out of a row, whatever the kind: they are 0.
                value, missing = 0.0, False
            if kind in (ZERO_LEFT, ZERO_RIGHT):
                missing = missing or value == 0.0
            if missing:
                held[i * places + k] = _LEAST if kind in (NAN_LEFT, ZERO_LEFT) else _GREATEST
            else:
                held[i * places + k] = _rank(value, thresholds, inputs[entry + 2], inputs[entry + 3])


@kernel(
    types.void(
        _ints,
        _numbers,
        _ints,
        _ints,
        output(types.int32),
        types.int64,
        types.int64,
        types.int64,
        types.int64,
        output(types.float64),
        types.int64,
    )
)
def _walk(
    nodes: Any,
    leaves: Any,
    trees: Any,
    sets: Any,
    held: Any,
    count: Any,
    places: Any,
    shift: Any,
    outputs: Any,
    out: Any,
    start: Any,
) -> None:
    """Add all trees' leaves for ``count`` rows to ``out`` from ``start`` on, tree by tree, several walks in step."""
    at, rows, to = np.empty(_WALKS, np.int64), np.empty(_WALKS, np.int64), np.empty(_WALKS, np.int64)
    tree, row, end, mask = 0, np.int64(0), len(trees), (1 << shift) - 1
    while tree < end:
        levels, walks = np.int32(0), 0
        for k in range(_WALKS):
            # Behind the last walk, the one before goes once more, and is not added.
            if tree < end:
                at[k], rows[k], to[k] = trees[tree], row * places, start + row * outputs + trees[tree + 1]
                levels, walks = max(levels, trees[tree + 2]), walks + 1
                row += 1
                if row == count:
                    row, tree = np.int64(0), tree + _TREE
            else:
                at[k], rows[k] = at[0], rows[0]
        for _ in range(levels):
            for k in range(_WALKS):
                node = at[k]
                number, packed = nodes[2 * node], nodes[2 * node + 1]
                value = held[rows[k] + (packed & mask)]
                if packed >= 0:
                    at[k] = node + (packed >> shift) + (value >= number)
                else:
                    inside = 0
                    if 0 <= value < 32 * sets[number]:
                        inside = (sets[number + 1 + (value >> 5)] >> (value & 31)) & 1
                    at[k] = node + ((packed & _GREATEST) >> shift) + 1 - inside
        for k in range(walks):
            out[to[k]] += leaves[nodes[2 * at[k]]]


@kernel(types.void(types.int64, types.float64, types.int64, output(types.float64)))
def _transform(kind: Any, scale: Any, outputs: Any, out: Any) -> None:
    """Turn sums into answers as LightGBM's ``ConvertOutput`` and ``Common::Softmax`` do."""
    for first in range(0, len(out), outputs):
        most, total = out[first], 0.0
        for k in range(first, first + outputs):
            most = max(most, out[k])
        for k in range(first, first + outputs):
            if kind == SQUARE:
                out[k] = math.copysign(out[k] * out[k], out[k])
            elif kind == EXP:
                out[k] = math.exp(out[k])
            elif kind == SIGMOID:
                out[k] = 1.0 / (1.0 + math.exp(-scale * out[k]))
            elif kind == SOFTMAX:
                out[k] = math.exp(out[k] - most)
                total += out[k]
        if kind == SOFTMAX:
            for k in range(first, first + outputs):
                out[k] /= total


@kernel(types.void(array(types.float64, 2), _ints, _ints, _numbers, _ints, output(types.float64)))
def predict(rows: Any, header: Any, ints: Any, numbers: Any, nodes: Any, out: Any) -> None:
    """Answer ``rows`` (n, columns) into ``out`` (n · outputs), which holds zeros.

    ``header``: places, shift, outputs, transform; where in ``ints`` inputs, sets and trees begin, and in ``numbers``
    the leaves, behind the thresholds; ``numbers[0]`` is the scale.
    """
    places, shift, outputs, transform = header[0], header[1], header[2], header[3]
    inputs, sets, trees = ints[header[4] : header[5]], ints[header[5] : header[6]], ints[header[6] :]
    thresholds, leaves = numbers[1 : header[7]], numbers[header[7] :]
    count = len(rows)
    block = min(_ROWS, count)
    held = np.empty(block * places, np.int32)
    for first in range(0, count, block):
        size = min(block, count - first)
        _fill(rows, first, size, inputs, thresholds, places, held)
        _walk(nodes, leaves, trees, sets, held, size, places, shift, outputs, out, first * outputs)
    if transform != IDENTITY:
        _transform(transform, numbers[0], outputs, out)
