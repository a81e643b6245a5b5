"""Kernels that walk rows down trees.

A walk waits for memory at almost every step. So hundreds go in step: each asks for its next node's cache line before
the others take their turn. Those that have come to a leaf drop out, by no branch that a processor could guess wrong.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from agbento.compiler.native.forest_prefetch import prefetch
from agbento.compiler.native.jit import array, kernel, output

# Walks in step: enough to hide memory, few enough for their places to stay in the first cache.
_TOGETHER = 512
_ONE, _TWO = np.uint64(1), np.uint64(2)

# A plan's nodes and starts, and the bits of a column's number.
TREES = (array(types.int64), array(types.uint64), types.int64)
_rows = array(types.float64, 2)


@kernel(types.int64(_rows, output(types.float32)))
def load(rows: Any, numbers: Any) -> Any:
    """Put ``rows`` one after another into ``numbers``, NaN as 0; give the place of the first infinite one, or -1."""
    place = 0
    for row in range(rows.shape[0]):
        for column in range(rows.shape[1]):
            number = np.float32(rows[row, column])
            if number != number:
                number = np.float32(0)
            elif np.isinf(number):
                return place
            numbers[place] = number
            place += 1
    return -1


@kernel(
    types.void(
        array(types.float32),
        types.int64,
        types.int64,
        types.int64,
        types.int64,
        types.int64,
        *TREES,
        output(types.uint64, 2),
        output(types.uint32),
    )
)
def walk(
    numbers: Any,
    columns: Any,
    row: Any,
    last_row: Any,
    tree: Any,
    last_tree: Any,
    nodes: Any,
    starts: Any,
    features: Any,
    places: Any,
    active: Any,
) -> None:
    """Walk rows from ``row`` to before ``last_row`` down trees likewise: ``places[0]`` gets the leaves, tree by tree.

    ``numbers`` are what ``load`` put there. ``places`` has 3 rows of a number a walk, ``active`` one.
    """
    limits, words = nodes.view(np.float32), nodes.view(np.uint32)
    at, first, offset = places[0], places[1], places[2]
    count = _ONE - _ONE
    for t in range(tree, last_tree):
        for i in range(row, last_row):
            at[count] = first[count] = starts[t]
            offset[count] = i * columns
            active[count] = count
            count += _ONE
    shift, mask = np.uint64(features + 2), np.uint64((1 << features) - 1)
    # Unsigned throughout: numba looks whether a signed index counts from the end.
    while count > 0:
        left = _ONE - _ONE
        for turn in range(count):
            item = np.uint64(active[turn])
            node = _TWO * at[item]
            word = np.uint64(words[node + _ONE])
            right = np.uint64(numbers[offset[item] + ((word >> _TWO) & mask)] > limits[node])
            node = first[item] + _TWO * (word >> shift) + right
            prefetch(words, _TWO * node)
            at[item] = node
            active[left] = item
            left += _ONE & ~(word >> right)
        count = left


@kernel(types.int64(_rows, *TREES, array(types.float64, 2), output(types.float64)))
def means(rows: Any, nodes: Any, starts: Any, features: Any, values: Any, out: Any) -> Any:
    """Put the mean over trees into ``out``, row by row, added in the order of the trees; gives what ``load`` gives.

    A leaf is its number where ``values`` is empty, else which row of it.
    """
    n, columns, trees, outputs = rows.shape[0], rows.shape[1], starts.size, values.shape[1]
    numbers = np.empty(rows.size, np.float32)
    bad = load(rows, numbers)
    if bad >= 0:
        return bad
    places, active = np.empty((3, _TOGETHER), np.uint64), np.empty(_TOGETHER, np.uint32)
    leaves = nodes.view(np.float64)
    out[:] = 0.0
    step = max(1, _TOGETHER // max(1, n))
    for tree in range(0, trees, step):
        end = min(trees, tree + step)
        for row in range(0, n, _TOGETHER):
            last = min(n, row + _TOGETHER)
            walk(numbers, columns, row, last, tree, end, nodes, starts, features, places, active)
            walked = 0
            for _ in range(tree, end):
                for i in range(row, last):
                    leaf = places[0, walked]
                    walked += 1
                    if outputs == 0:
                        out[i] += leaves[leaf]
                    for k in range(outputs):
                        out[i * outputs + k] += values[nodes[leaf], k]
    for i in range(out.size):
        out[i] /= trees
    return -1
