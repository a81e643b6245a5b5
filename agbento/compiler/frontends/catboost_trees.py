"""The trees of CatBoost's JSON → arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from agbento.compiler.arrays import Array
from agbento.compiler.errors import NotNative
from agbento.compiler.frontends.catboost_values import Values

_NONE: Array = np.empty(0, np.int32)


@dataclass(frozen=True)
class Trees:
    """Parts of the program, and the leaves' numbers."""

    parts: dict[str, Array]
    leaves: npt.NDArray[np.float64]


def trees_of(described: dict[str, Any], values: Values, outputs: int) -> Trees:
    """Read all trees; splits are looked up in ``values``.

    Raises:
        NotNative: a tree has other leaves than its form says.
    """
    if "oblivious_trees" in described:
        return _symmetric(described["oblivious_trees"], values, outputs)
    return _others(described["trees"], values, outputs)


def _symmetric(trees: list[dict[str, Any]], values: Values, outputs: int) -> Trees:
    splits: list[tuple[int, float]] = []
    depths: list[int] = []
    leaves: list[float] = []
    for tree in trees:
        found = [values.split(split) for split in tree["splits"] or ()]
        if len(tree["leaf_values"]) != outputs << len(found):
            raise NotNative(f"a CatBoost tree of {len(found)} splits with {len(tree['leaf_values'])} numbers")
        depths.append(len(found))
        # The first split is the lowest bit of the leaf's number; the kernel reads the highest first.
        splits += reversed(found)
        leaves += tree["leaf_values"]
    return _trees(splits, leaves, depths=np.array(depths))


def _others(trees: list[dict[str, Any]], values: Values, outputs: int) -> Trees:
    """Number the nodes of all trees; a leaf is one whose left child is itself, and its right one the leaf's number."""
    splits: list[tuple[int, float]] = []
    children: list[list[int]] = []
    leaves: list[float] = []
    roots: list[int] = []
    depths: list[int] = []
    for tree in trees:
        roots.append(len(splits))
        depths.append(0)
        waiting = [(tree, 0, [0], 0)]  # node, its depth, its parent's children, and which of these it is
        while waiting:
            node, depth, siblings, side = waiting.pop()
            number = siblings[side] = len(splits)
            depths[-1] = max(depths[-1], depth)
            if "split" in node:
                splits.append(values.split(node["split"]))
                children.append([0, 0])
                waiting += [(node[name], depth + 1, children[-1], i) for i, name in enumerate(("left", "right"))]
                continue
            numbers = node["value"] if isinstance(node["value"], list) else [node["value"]]
            if len(numbers) != outputs:
                raise NotNative(f"a CatBoost leaf with {len(numbers)} numbers, expected {outputs}")
            splits.append((0, np.inf))
            children.append([number, len(leaves) // outputs])
            leaves += numbers
    return _trees(
        splits, leaves, roots=np.array(roots), depths=np.array(depths), children=np.array(children).reshape(-1)
    )


def _trees(splits: list[tuple[int, float]], leaves: list[float], **parts: Array) -> Trees:
    tested: Array = np.array([value for value, _ in splits], np.int32)
    borders: Array = np.array([border for _, border in splits], np.float32)
    given: dict[str, Array] = {"depths": _NONE, "roots": _NONE, "children": _NONE}
    return Trees({**given, **parts, "tested": tested, "borders": borders}, np.array(leaves, np.float64))
