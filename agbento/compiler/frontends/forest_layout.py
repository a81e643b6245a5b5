"""Where a tree's nodes lie: so that a walk touches few cache lines.

Two children lie side by side, a pair. A cache line holds four pairs: that of a node, and those of the nodes below it
that most training rows came by. Best-first growth, which is AutoGluon's, leaves a tree's nodes scattered all over.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from agbento.compiler.native.jit import array, kernel, output

LINE = 8  # nodes of 8 bytes
_PAIRS = LINE // 2

_int64, _out = array(types.int64), output(types.int64)


@kernel(types.int64(types.int64, types.int64, _int64, _int64, _int64, _out, _out))
def _group(top: Any, room: Any, left: Any, right: Any, weights: Any, members: Any, near: Any) -> Any:
    """Put ``top`` and the heaviest inner nodes below it into ``members``, up to ``room``; give how many are left over.

    ``members`` ends with -1 where there are fewer. Those left over, children of members, are in ``near``.
    """
    near[0], nearby = top, 1
    members[:] = -1
    for i in range(room):
        if nearby == 0:
            break
        heaviest = 0
        for k in range(1, nearby):
            if weights[near[k]] > weights[near[heaviest]]:
                heaviest = k
        node = near[heaviest]
        nearby -= 1
        near[heaviest] = near[nearby]
        members[i] = node
        for child in (left[node], right[node]):
            if left[child] >= 0:
                near[nearby] = child
                nearby += 1
    return nearby


@kernel(types.int64(_int64, _int64, _int64, _out))
def arrange(left: Any, right: Any, weights: Any, pairs: Any) -> Any:
    """Put into ``pairs`` where each inner node's children lie, in pairs from the tree's start; give the tree's lines.

    ``left`` and ``right`` are the children's numbers, -1 of a leaf. Pair 0 is the root's own.
    """
    waiting, members, near = np.empty(left.size, np.int64), np.empty(_PAIRS, np.int64), np.empty(LINE, np.int64)
    # holes[f] is the first free pair of the last line of which f pairs are free.
    holes: Any = np.full(_PAIRS, -1, np.int64)
    holes[_PAIRS - 1] = 1
    lines, count = 1, 1
    waiting[0] = 0
    while count:
        count -= 1
        top = waiting[count]
        nearby = _group(top, _PAIRS if top else _PAIRS - 1, left, right, weights, members, near)
        size = 0
        while size < _PAIRS and members[size] >= 0:
            size += 1
        free = size
        while free < _PAIRS and holes[free] < 0:
            free += 1
        if free < _PAIRS:
            place = holes[free]
            holes[free] = -1
        else:
            place = lines * _PAIRS
            lines += 1
        if free > size:
            holes[free - size] = place + size
        for i in range(size):
            pairs[members[i]] = place + i
        for i in range(nearby):
            waiting[count] = near[i]
            count += 1
    return lines


@kernel(types.void(_int64, _int64, _int64, array(types.float32), _int64, _int64, types.int64, _out))
def fill(left: Any, right: Any, split: Any, limits: Any, leaves: Any, pairs: Any, features: Any, nodes: Any) -> None:
    """Write a tree into ``nodes``, as ``plan.forest.Trees`` says; the others have an entry for each of its nodes."""
    numbers, words = nodes.view(np.float32), nodes.view(np.uint32)
    for parent in range(-1, left.size):
        if parent >= 0 and left[parent] < 0:
            continue
        for side in range(2):
            if parent < 0:
                node, place = 0, 0
            else:
                node = right[parent] if side else left[parent]
                place = 2 * pairs[parent] + side
            if left[node] < 0:
                nodes[place] = leaves[node]
                continue
            ends = (left[left[node]] < 0) + 2 * (left[right[node]] < 0)
            numbers[2 * place] = limits[node]
            words[2 * place + 1] = pairs[node] << (features + 2) | split[node] << 2 | ends
