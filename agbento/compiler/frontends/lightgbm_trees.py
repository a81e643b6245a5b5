"""LightGBM's trees → the arrays that the kernel walks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from agbento.compiler.arrays import Array, Arrays
from agbento.compiler.frontends.lightgbm_text import Text, Tree, Unusual
from agbento.compiler.native.lightgbm_layout import CATEGORY, NAN_IS_ZERO, kind_of
from agbento.compiler.plan.lightgbm import Trees

_CATEGORICAL, _DEFAULT_LEFT = 1, 2  # bits of a decision type; bits 2 and 3 are how missing numbers are told
_BITS = 31  # of a packed node, beside the sign


@dataclass
class _Layout:
    """The arrays as they grow."""

    places: dict[tuple[int, int], int] = field(default_factory=dict)
    thresholds: dict[int, Array] = field(default_factory=dict)
    nodes: list[tuple[int, int, int, bool]] = field(default_factory=list)  # number, step, place, by category
    sets: list[int] = field(default_factory=list)
    leaves: list[float] = field(default_factory=list)
    trees: list[tuple[int, int, int]] = field(default_factory=list)

    def place(self, column: int, kind: int) -> int:
        """Give the place of a column that is read as ``kind``; 0 is taken."""
        return self.places.setdefault((column, kind), len(self.places) + 1)


def layout(text: Text, arrays: Arrays, name: str) -> Trees:
    """Lay out a booster; raises Unusual where only LightGBM's library can."""
    transform, scale = text.transform()
    trees = text.trees()
    made = _Layout(thresholds=_thresholds(trees))
    for i, tree in enumerate(trees):
        _add(tree, i % text.outputs, made)
    shift = max(1, len(made.places).bit_length())
    if max(step for _, step, _, _ in made.nodes) >> (_BITS - shift):
        raise Unusual("a tree of too many leaves for so many columns")
    packed = [
        (number, (step << shift | place) - (by_category << _BITS)) for number, step, place, by_category in made.nodes
    ]
    bounds = np.cumsum([0, *(len(made.thresholds.get(column, ())) for column, _ in made.places)])
    inputs = [(*key, *bounds[i : i + 2]) for i, key in enumerate(made.places)]
    held = [made.thresholds.get(column, np.empty(0)) for column, _ in made.places]
    return Trees(
        places=len(made.places) + 1,
        shift=shift,
        inputs=arrays.put(f"{name}.inputs", np.array(inputs, np.int32).reshape(-1, 4)),
        thresholds=arrays.put(f"{name}.thresholds", np.concatenate(held) if held else np.empty(0)),
        nodes=arrays.put(f"{name}.nodes", np.array(packed, np.int32)),
        sets=arrays.put(f"{name}.sets", np.array(made.sets, np.uint32).view(np.int32)),
        leaves=arrays.put(f"{name}.leaves", np.array(made.leaves)),
        trees=arrays.put(f"{name}.trees", np.array(made.trees, np.int32)),
        outputs=text.outputs,
        transform=transform,
        scale=scale,
    )


def _thresholds(trees: list[Tree]) -> dict[int, Array]:
    """Give each number column's thresholds, sorted and distinct."""
    numeric = [(tree.decisions & _CATEGORICAL) == 0 for tree in trees]
    columns = np.concatenate([tree.columns[mask] for tree, mask in zip(trees, numeric, strict=True)])
    numbers = np.concatenate([tree.thresholds[mask] for tree, mask in zip(trees, numeric, strict=True)])
    return {int(column): np.unique(numbers[columns == column]) for column in np.unique(columns)}


def _add(tree: Tree, output: int, made: _Layout) -> None:
    """Add a tree: the two children of a node lie side by side, the left one first."""
    first, levels = len(made.nodes), 0
    made.nodes.append((0, 0, 0, False))
    root = 0 if len(tree.columns) else ~0
    waiting = [(root, first, 0)]
    while waiting:
        node, at, level = waiting.pop()
        levels = max(levels, level)
        if node < 0:
            made.nodes[at] = (len(made.leaves), 0, 0, False)
            made.leaves.append(float(tree.leaves[~node]))
            continue
        below = len(made.nodes)
        made.nodes += [(0, 0, 0, False)] * 2
        number, place, by_category = _test(tree, node, made)
        made.nodes[at] = (number, below - at, place, by_category)
        waiting += [(int(tree.right[node]), below + 1, level + 1), (int(tree.left[node]), below, level + 1)]
    made.trees.append((first, output, levels))


def _test(tree: Tree, node: int, made: _Layout) -> tuple[int, int, bool]:
    """Give a node's number, place, and whether it splits by category."""
    column, decision = int(tree.columns[node]), int(tree.decisions[node])
    if decision & _CATEGORICAL:
        chosen = int(tree.thresholds[node])
        words = tree.words[tree.bounds[chosen] : tree.bounds[chosen + 1]]
        number = len(made.sets)
        made.sets += [len(words), *map(int, words)]
        return number, made.place(column, CATEGORY), True
    kind = kind_of(decision >> 2 & 3, bool(decision & _DEFAULT_LEFT))
    rank = int(np.searchsorted(made.thresholds[column], tree.thresholds[node]))
    return rank + 1, made.place(column, kind if kind is not None else NAN_IS_ZERO), False
