"""AutoGluon's quantile forests by a kernel of ours: the same sums in float32, in the same order."""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt

from agbento.compiler.arrays import Arrays
from agbento.compiler.native.contract import Evaluate, Matrix
from agbento.compiler.native.forest import refuse, trees_of
from agbento.compiler.native.forest_slices import sliced
from agbento.compiler.native.forest_thresholds import thresholds_of
from agbento.compiler.native.quantile_forest_kernel import SCRATCH, quantiles
from agbento.compiler.plan.forest import QuantileForest


class _Scratch(threading.local):
    """A thread's own numbers, one a target: fresh memory for each row would take longer than the row."""

    def __init__(self, targets: int) -> None:
        # Whole words of 8 marks.
        self.marks = np.zeros(-(-targets // 8) * 8, np.uint8)
        self.numbers = np.empty((SCRATCH, targets), np.float32)


def bind(leaf: QuantileForest, arrays: Arrays, threads: int) -> Evaluate:
    """Give the kernel, bound to nodes and training rows, which stay where they are.

    What it gives raises ValueError for rows with numbers that float32 cannot hold, as scikit-learn does.
    """
    nodes, starts, features = trees_of(leaf.trees, arrays)
    members, targets = arrays.get(leaf.members).reshape(-1), arrays.get(leaf.targets)
    percents = np.array(leaf.percents, np.float32)
    scratch = _Scratch(len(targets))

    def fill(rows: Matrix, out: npt.NDArray[np.float32]) -> None:
        bad = quantiles(rows, nodes, starts, features, members, targets, percents, scratch.marks, scratch.numbers, out)
        refuse(bad, rows)

    run = sliced(fill, threads)

    def evaluate(rows: Matrix, /) -> npt.NDArray[np.float32]:
        out = np.empty(len(rows) * len(percents), np.float32)
        run(rows, out)
        return out.reshape(len(rows), -1)

    return evaluate


def thresholds(leaf: QuantileForest, arrays: Arrays) -> list[tuple[int, npt.NDArray[np.float64]]]:
    """Give the numbers at which a number column changes something."""
    return thresholds_of(leaf.columns, leaf.categories, *trees_of(leaf.trees, arrays))
