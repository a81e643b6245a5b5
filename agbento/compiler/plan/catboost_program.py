"""A CatBoost model as few arrays, since each that a kernel is given costs a tenth of a microsecond.

A row becomes float32 *values*: first one for each number that is read, then those of the *groups*. A group is what
CatBoost computes from one combination of categories and tests: a key, and by it a line of small integers, each a value.
The key is the sum, modulo 2**64, of weight * lookups[first + position] over the group's categories, and of the weights
of its tests that hold. Without a mask the key is a place in ``ids``; with one, the place is that of the key in the
group's open-addressing table of ``keys``, and a key that is not there has the group's line 0.

A symmetric tree has ``depths`` splits, the last one first, and 2**depth leaves. Another tree has nodes that are at most
``depths`` below its root, each with two ``children``; a leaf is a node whose split never holds, whose left child it is
itself, and whose right child is the leaf's number.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from agbento.compiler.arrays import Array

LONGS = (
    # a group: end in cats, end in tests, first in ids, first in keys, mask or -1, first in lines, values
    "groups",
    "cats",  # a category of a group: column, where position 0 is in lookups, weight
    "tests",  # a test of a group: value, weight
    "keys",
)
INTS = (
    "columns",  # a number: the column that it is in
    "lookups",  # by position of level; that of a missing one lies before the others
    "ids",  # by place: which line; -1: a free place
    "lines",
    "depths",
    "roots",  # a tree that is not symmetric: its first node
    "tested",  # a split, or a node: the value that is tested
    "children",  # a node: left and right
)
SINGLES = (
    "fills",  # a number: what stands for NaN
    "test_borders",  # a test holds where the value is greater
    "borders",  # a split sets its bit, or a node takes its right child, where the value is greater
)
GROUP, CAT, TEST = 7, 3, 2  # entries of one in groups, cats, tests

# ``longs`` begins with each part's first place in its array and its end; then the number of a row's values.
_KINDS = (("longs", LONGS, "<i8"), ("ints", INTS, "<i4"), ("singles", SINGLES, "<f4"))
PLACES = {name: 2 * i for i, name in enumerate([*LONGS, *INTS, *SINGLES])}
WIDTH = 2 * len(PLACES)
_HEAD = WIDTH + 1


def mixed(key: Array) -> Array:
    """Give where to begin to look for ``key`` (int64), before the mask; the kernel does the same."""
    found: Array = key ^ (key >> 29)
    return found


def pack(parts: Mapping[str, Array]) -> dict[str, Array]:
    """Put all parts into ``longs``, ``ints`` and ``singles``; places in groups and cats become places in these."""
    starts, head = {}, []
    for kind, names, _ in _KINDS:
        offset = _HEAD if kind == "longs" else 0
        for name in names:
            starts[name] = offset
            offset += parts[name].size
            head += [starts[name], offset]
    apart: Array = np.array([starts[name] for name in ("cats", "tests", "ids", "keys")] + [0, starts["lines"], 0])
    groups = parts["groups"].reshape(-1, GROUP) + apart
    cats = parts["cats"].reshape(-1, CAT) + np.array([0, starts["lookups"] + 1, 0])
    moved = {**parts, "groups": groups, "cats": cats}
    packed = {
        kind: np.concatenate([np.asarray(moved[name], dtype).ravel() for name in names])
        for kind, names, dtype in _KINDS
    }
    width = parts["columns"].size + int(groups[:, -1].sum())
    return {**packed, "longs": np.concatenate([np.array([*head, width], "<i8"), packed["longs"]])}


def unpack(packed: Mapping[str, Array]) -> dict[str, Array]:
    """Give all parts of what ``pack`` gave, in place."""
    head = packed["longs"][:_HEAD].tolist()
    return {
        name: packed[kind][head[PLACES[name]] : head[PLACES[name] + 1]] for kind, names, _ in _KINDS for name in names
    }
