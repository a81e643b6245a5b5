"""The kernel over the trees of an ``XGBoost`` plan, and the layout of the array that it takes beside the nodes.

That array, of int32: a header of ``HEADER`` numbers, then ``INPUT`` numbers for each column, then what these and the
header point at: tables of levels, base margins (bits of float32), sets of codes, and trees.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import types

from agbento.compiler.native.jit import array, kernel, output

# Places in the header. BASES, SETS and TREES hold where these begin.
PLACES, SHIFT, ZERO_IS_MISSING, TRANSFORM, OUTPUTS, BASES, SETS, TREES, TREE_COUNT, HEADER = range(10)
# A column's entry: its kind, and two numbers of that kind: left and right; nothing and table; place and table.
NUMBER, ONE_HOT, CODE = range(3)
INPUT = 3
# A tree's entry: first node, output, levels below it.
TREE = 3
IDENTITY, SIGMOID, EXP, SOFTMAX = range(4)

_LEAST, _GREATEST = -(2**31), 2**31 - 1
_WALKS = 8  # walks down trees that wait for memory together
_ROWS = 64  # rows that go down a tree before the next one is looked at
_HELD = 8192  # and at most as many int32 of them

_float64s, _int32s = array(types.float64, 2), array(types.int32)


@kernel(types.void(_float64s, types.int64, types.int64, _int32s, output(types.int32), output(types.float32)))
def _fill(rows: Any, first: Any, count: Any, rest: Any, held: Any, floats: Any) -> None:
    """Make ``count`` rows from ``first`` on what the trees read, into ``held``; ``floats`` is the same memory."""
    places, zero_is_missing = rest[PLACES], rest[ZERO_IS_MISSING] != 0
    for i in range(count * places):
        held[i] = 0
    for i in range(count):
        row = i * places
        for j in range(rows.shape[1]):
            value, entry = rows[first + i, j], HEADER + INPUT * j
            a, b = rest[entry + 1], rest[entry + 2]
            if rest[entry] == NUMBER:
                if math.isnan(value) or (zero_is_missing and value == 0.0):
                    held[row + a] = _LEAST
                    held[row + b] = _GREATEST
                else:
                    # + 0: -0.0 is 0.0
                    floats[row] = np.float32(value) + np.float32(0.0)
                    ordered = held[row] ^ ((held[row] >> 31) & _GREATEST)
                    held[row + a] = ordered
                    held[row + b] = ordered
            else:
                found = rest[b + np.int64(value) + 1]
                held[row + (a if rest[entry] == CODE else found)] = found if rest[entry] == CODE else 1
        held[row] = _LEAST


@kernel(types.int64(types.int64, _int32s, _int32s, output(types.int32), types.int64, types.int64, types.int64))
def _next(node: Any, nodes: Any, rest: Any, held: Any, row: Any, shift: Any, sets: Any) -> Any:
    """Give the node after ``node`` for the row that begins at ``row`` of ``held``."""
    number, packed = nodes[2 * node], nodes[2 * node + 1]
    value = held[row + (packed & ((1 << shift) - 1))]
    if packed < 0:
        word = rest[sets + number + (value >> 5)]
        return node + ((packed & _GREATEST) >> shift) + ((word >> (value & 31)) & 1)
    return node + (packed >> shift) + (value >= number)


@kernel(
    types.void(
        _int32s, array(types.float32), _int32s, output(types.int32), types.int64, output(types.float32), types.int64
    )
)
def _walk(nodes: Any, leaves: Any, rest: Any, held: Any, count: Any, out: Any, start: Any) -> None:
    """Add all trees' leaves for ``count`` rows to ``out`` from ``start`` on, tree by tree, several walks in step."""
    shift, sets, places, outputs = rest[SHIFT], rest[SETS], rest[PLACES], rest[OUTPUTS]
    at, rows, to = np.empty(_WALKS, np.int64), np.empty(_WALKS, np.int64), np.empty(_WALKS, np.int64)
    tree, row, end = np.int64(rest[TREES]), np.int64(0), rest[TREES] + TREE * rest[TREE_COUNT]
    while tree < end:
        levels, walks = np.int32(0), 0
        for k in range(_WALKS):
            # Behind the last walk, the one before goes once more, and is not added.
            if tree < end:
                at[k], rows[k], to[k] = rest[tree], row * places, start + row * outputs + rest[tree + 1]
                levels, walks = max(levels, rest[tree + 2]), walks + 1
                row += 1
                if row == count:
                    row, tree = np.int64(0), tree + TREE
            else:
                at[k], rows[k] = at[0], rows[0]
        for _ in range(levels):
            for k in range(_WALKS):
                at[k] = _next(at[k], nodes, rest, held, rows[k], shift, sets)
        for k in range(walks):
            out[to[k]] += leaves[2 * at[k]]


@kernel(types.void(types.int64, types.int64, output(types.float32)))
def _transform(kind: Any, outputs: Any, out: Any) -> None:
    """Turn margins into answers, as XGBoost's ``src/common/math.h`` and objectives do: in float32."""
    for row in range(0, len(out), outputs):
        most, total = out[row], 0.0
        for k in range(row, row + outputs):
            most = max(most, out[k])
        for k in range(row, row + outputs):
            margin = out[k]
            if kind == SIGMOID:
                margin = np.float32(88.7) if np.float32(88.7) < -margin else -margin
            elif kind == SOFTMAX:
                margin -= most
            out[k] = math.exp(margin)
            total += out[k]
        for k in range(row, row + outputs):
            if kind == SIGMOID:
                out[k] = np.float32(1.0) / (out[k] + np.float32(1.0) + np.float32(1e-16))
            elif kind == SOFTMAX:
                out[k] /= np.float32(total)


@kernel(types.void(_float64s, _int32s, _int32s, output(types.float32)))
def predict(rows: Any, nodes: Any, rest: Any, out: Any) -> None:
    """Answer ``rows`` (n, columns) into ``out`` (n · outputs)."""
    count, places, outputs, leaves, bases = (
        len(rows),
        rest[PLACES],
        rest[OUTPUTS],
        nodes.view(np.float32),
        rest.view(np.float32),
    )
    for i in range(count):
        for k in range(outputs):
            out[i * outputs + k] = bases[rest[BASES] + k]
    block = max(1, min(_ROWS, _HELD // places, count))
    held = np.empty(block * places, np.int32)
    floats = held.view(np.float32)
    for first in range(0, count, block):
        size = min(block, count - first)
        _fill(rows, first, size, rest, held, floats)
        _walk(nodes, leaves, rest, held, size, out, first * outputs)
    if rest[TRANSFORM] != IDENTITY:
        _transform(rest[TRANSFORM], outputs, out)
