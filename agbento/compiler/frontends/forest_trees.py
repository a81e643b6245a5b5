"""scikit-learn's trees → nodes of a plan.

A tree's fields: https://scikit-learn.org/stable/auto_examples/tree/plot_unveil_tree_structure.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from agbento.compiler.arrays import Array
from agbento.compiler.errors import NotNative
from agbento.compiler.frontends.context import Context
from agbento.compiler.frontends.forest_layout import LINE, arrange, fill
from agbento.compiler.plan.forest import Trees


def read_numbers(trees: Sequence[Any], number: int, context: Context) -> Trees:
    """Read trees whose leaves are the ``number``-th of their values, as the bits of a float64."""
    return read_trees(trees, (np.ascontiguousarray(tree.value[:, 0, number]).view(np.int64) for tree in trees), context)


def read_leaves(trees: Sequence[Any], context: Context) -> tuple[Trees, str]:
    """Read trees whose leaves are places in an array of values: most leaves of a forest hold one of a few."""
    kept, places, total = [], [], 0
    for tree in trees:
        ends = tree.children_left < 0
        values, inverse = distinct(np.ascontiguousarray(tree.value[ends, 0, :]))
        kept.append(values)
        places.append((ends, inverse + total))
        total += len(values)
    values, again = distinct(np.concatenate(kept))
    read = read_trees(trees, (_spread(ends, again[place]) for ends, place in places), context)
    return read, context.arrays.put(f"{context.name}.values", values)


def _spread(ends: npt.NDArray[np.bool_], leaves: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Give an entry for each node: those of leaves, which are where ``ends`` is true, and 0."""
    nodes = np.zeros(len(ends), np.int64)
    nodes[ends] = leaves
    return nodes


def distinct(rows: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Give rows without those that are there already, bit by bit, and for each row its place among them."""
    bits = rows.view(np.uint64)
    # A sum of odd multiples, wrapped around: sorted far sooner than rows are. Whether it told all apart is seen below.
    odd = np.random.default_rng(0).integers(1 << 63, size=bits.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    mixed = bits ^ (bits >> np.uint64(32))
    _, first, inverse = np.unique((mixed * odd).sum(axis=1, dtype=np.uint64), return_index=True, return_inverse=True)
    if not np.array_equal(bits[first][inverse], bits):
        return rows, np.arange(len(rows))
    return rows[first], inverse.astype(np.int64)


def read_trees(trees: Sequence[Any], leaves: Iterable[npt.NDArray[np.int64]], context: Context) -> Trees:
    """Lay trees out; ``leaves`` are, for each tree, what each of its nodes would hold as a leaf.

    Raises:
        NotNative: a tree is too large for its nodes' words.
    """
    features = max(1, int(len(context.columns) - 1).bit_length())
    pieces, starts, total = [], [], 0
    for tree, leaf in zip(trees, leaves, strict=True):
        piece = _piece(tree, leaf, features)
        pieces.append(piece)
        starts.append(total)
        total += len(piece)
    nodes, arrays = np.concatenate(pieces), context.arrays
    return Trees(
        nodes=arrays.put(f"{context.name}.nodes", nodes),
        starts=arrays.put(f"{context.name}.starts", np.array(starts, np.uint64)),
        features=features,
    )


def _piece(tree: Any, leaves: npt.NDArray[np.int64], features: int) -> Array:
    left, right = (np.ascontiguousarray(side, np.int64) for side in (tree.children_left, tree.children_right))
    if len(left) == 1:
        # All go to the left: no float32 is above infinity.
        left, right = np.array([1, -1, -1]), np.array([2, -1, -1])
        split, limits, weights, leaves = (
            np.zeros(3, np.int64),
            np.full(3, np.inf),
            np.ones(3, np.int64),
            leaves.repeat(3),
        )
    else:
        split, weights = tree.feature.astype(np.int64), tree.n_node_samples.astype(np.int64)
        limits = np.asarray(tree.threshold, np.float64)
    pairs = np.empty(len(left), np.int64)
    lines = arrange(left, right, weights, pairs)
    if lines * LINE // 2 >= 1 << (30 - features):
        raise NotNative(f"a forest with a tree of {len(left)} nodes")
    nodes = np.zeros(lines * LINE, np.int64)
    fill(left, right, split, rounded_down(limits), leaves, pairs, features, nodes)
    return nodes


def rounded_down(numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Give the greatest float32 that are not above ``numbers``."""
    with np.errstate(over="ignore"):
        near = numbers.astype(np.float32)
        return np.where(near > numbers, np.nextafter(near, np.float32(-np.inf)), near)
