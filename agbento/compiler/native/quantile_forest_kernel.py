"""The kernels of quantile forests: leaves → training rows → weighted quantiles of their targets."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from agbento.compiler.native.forest_prefetch import prefetch
from agbento.compiler.native.forest_walk import TREES, load, walk
from agbento.compiler.native.jit import array, kernel, output
from agbento.compiler.plan.forest import COUNT_BITS

SCRATCH = 3  # numbers of 4 bytes that a target has while a row is answered
_ROWS = 16  # that go down all trees together
_ONE, _TWO = np.uint64(1), np.uint64(2)
_COUNT = (1 << COUNT_BITS) - 1

_members = array(types.uint32)
_MARKS = (output(types.uint8), output(types.float32, 2))


@kernel(types.int64(array(types.uint64), types.int64, types.int64, array(types.int64), _members, *_MARKS))
def gather(places: Any, row: Any, rows: Any, nodes: Any, members: Any, marks: Any, scratch: Any) -> Any:
    """Add up the weights of the targets in a row's leaves, every ``rows``-th of ``places``; give how many targets.

    As pandas' sum of a group does: in float32, with Kahan's compensation, in order of trees and then of training rows.
    The sums are left in ``scratch[0]`` and the targets' ranks, ascending, as the bits of int32 in ``scratch[2]``;
    ``marks``, a byte a target and whole words, is all 0 before and after.
    """
    sums, errors, found = scratch[0], scratch[1], scratch[2].view(np.int32)
    for walked in range(row, places.size, rows):
        prefetch(members, 2 * (nodes[places[walked]] >> COUNT_BITS))
    weights = members.view(np.float32)
    for walked in range(row, places.size, rows):
        leaf = nodes[places[walked]]
        first = np.uint64(leaf >> COUNT_BITS)
        for member in range(first, first + np.uint64(leaf & _COUNT)):
            rank, weight = members[_TWO * member], weights[_TWO * member + _ONE]
            if marks[rank] == 0:
                marks[rank] = 1
                sums[rank] = weight
                errors[rank] = 0.0
            else:
                more = weight - errors[rank]
                total = sums[rank] + more
                errors[rank] = total - sums[rank] - more
                sums[rank] = total
    count = 0
    words = marks.view(np.uint64)
    for word in range(words.size):
        if words[word] == 0:
            continue
        for rank in range(8 * word, 8 * word + 8):
            if marks[rank]:
                # Never beyond what is still to be read: ranks ascend.
                sums[count], found[count] = sums[rank], rank
                count += 1
        words[word] = 0
    return count


@kernel(
    types.void(types.int64, array(types.float32), array(types.float32), output(types.float32, 2), output(types.float32))
)
def percentiles(count: Any, targets: Any, percents: Any, scratch: Any, out: Any) -> None:
    """Put percentiles of what ``gather`` left into ``out``: as AutoGluon's ``weighted_percentile`` does, in float32."""
    weights, middles, found = scratch[0], scratch[1], scratch[2].view(np.int32)
    total = np.float32(0)
    for i in range(count):
        total += weights[i]
        middles[i] = total
    scale = np.float32(100) / total
    for i in range(count):
        middles[i] = scale * (middles[i] - weights[i] / np.float32(2))
    for k in range(percents.size):
        percent = percents[k]
        low, high = 0, count
        # NumPy's own search: rounding may leave the middles out of order.
        while low < high:
            middle = (low + high) // 2
            if middles[middle] < percent:
                low = middle + 1
            else:
                high = middle
        if low in (0, count):
            out[k] = targets[found[max(0, low - 1)]]
            continue
        share = (percent - middles[low - 1]) / (middles[low] - middles[low - 1])
        below, above = targets[found[low - 1]], targets[found[low]]
        out[k] = below + share * (above - below)


@kernel(
    types.int64(
        array(types.float64, 2),
        *TREES,
        _members,
        array(types.float32),
        array(types.float32),
        *_MARKS,
        output(types.float32),
    )
)
def quantiles(
    rows: Any,
    nodes: Any,
    starts: Any,
    features: Any,
    members: Any,
    targets: Any,
    percents: Any,
    marks: Any,
    scratch: Any,
    out: Any,
) -> Any:
    """Put the percentiles into ``out``, row by row; gives what ``load`` gives."""
    n, columns, trees, levels = rows.shape[0], rows.shape[1], starts.size, percents.size
    numbers = np.empty(rows.size, np.float32)
    bad = load(rows, numbers)
    if bad >= 0:
        return bad
    together = max(1, min(_ROWS, n))
    places, active = np.empty((3, trees * together), np.uint64), np.empty(trees * together, np.uint32)
    for row in range(0, n, together):
        last = min(n, row + together)
        walk(numbers, columns, row, last, 0, trees, nodes, starts, features, places, active)
        walked = places[0, : trees * (last - row)]
        for i in range(last - row):
            count = gather(walked, i, last - row, nodes, members, marks, scratch)
            first = (row + i) * levels
            percentiles(count, targets, percents, scratch, out[first : first + levels])
    return -1
