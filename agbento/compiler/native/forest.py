"""scikit-learn's forests by a kernel of ours: the same comparisons and numbers, added in the order of the trees."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from agbento.compiler.arrays import Arrays
from agbento.compiler.native.contract import Evaluate, Matrix
from agbento.compiler.native.forest_slices import sliced
from agbento.compiler.native.forest_thresholds import thresholds_of
from agbento.compiler.native.forest_walk import means
from agbento.compiler.plan.forest import Forest, Trees


def bind(leaf: Forest, arrays: Arrays, threads: int) -> Evaluate:
    """Give the kernel, bound to the nodes, which stay where they are.

    What it gives raises ValueError for rows with numbers that float32 cannot hold, as scikit-learn does.
    """
    nodes, starts, features, outputs = *trees_of(leaf.trees, arrays), leaf.outputs
    values = arrays.get(leaf.values) if leaf.values else np.empty((0, 0))

    def fill(rows: Matrix, out: npt.NDArray[np.float64]) -> None:
        refuse(means(rows, nodes, starts, features, values, out), rows)

    def one(rows: Matrix, /) -> npt.NDArray[np.float64]:
        out = np.empty(len(rows))
        run(rows, out)
        return out

    def several(rows: Matrix, /) -> npt.NDArray[np.float64]:
        out = np.empty(len(rows) * outputs)
        run(rows, out)
        return out.reshape(-1, outputs)

    run = sliced(fill, threads)
    return several if leaf.values else one


def trees_of(trees: Trees, arrays: Arrays) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64], int]:
    """Give what kernels take of trees."""
    return arrays.get(trees.nodes), arrays.get(trees.starts), trees.features


def refuse(place: int, rows: Matrix) -> None:
    """Raise ValueError where ``load`` found a number that float32 cannot hold."""
    if place >= 0:
        row, column = divmod(place, rows.shape[1])
        raise ValueError(f"a forest cannot tell {rows[row, column]} in column {column}: it is infinite as a float32")


def thresholds(leaf: Forest, arrays: Arrays) -> list[tuple[int, npt.NDArray[np.float64]]]:
    """Give the numbers at which a number column changes something."""
    return thresholds_of(leaf.columns, leaf.categories, *trees_of(leaf.trees, arrays))
