"""Weighted sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from agbento.compiler.arrays import Arrays
from agbento.compiler.native.contract import Evaluate, Matrix
from agbento.compiler.plan.ensembles import Weighted


def bind(leaf: Weighted, arrays: Arrays, threads: int) -> Evaluate:
    """Give the function that adds."""
    del arrays, threads
    kept = [i for i, weight in enumerate(leaf.weights) if weight != 0]
    dtype = np.dtype(np.float64 if leaf.double else np.float32)
    weights: npt.NDArray[Any] = np.array([leaf.weights[i] for i in kept], dtype)
    all_kept = len(kept) == len(leaf.weights)

    def evaluate_one(rows: Matrix, /) -> npt.NDArray[Any]:
        terms: npt.NDArray[Any] = (rows if all_kept else rows[:, kept]).astype(dtype, copy=False) * weights
        # By rows of terms, as AutoGluon adds: one model after another.
        total: npt.NDArray[Any] = np.add.reduce(terms.T, axis=0)
        return total

    def evaluate(rows: Matrix, /) -> npt.NDArray[Any]:
        groups: npt.NDArray[Any] = rows.reshape(len(rows), -1, leaf.outputs)[:, kept].astype(dtype, copy=False)
        total: npt.NDArray[Any] = np.add.reduce(groups * weights[:, None], axis=1)
        return total

    return evaluate_one if leaf.outputs == 1 else evaluate


def thresholds(leaf: Weighted, arrays: Arrays) -> list[tuple[int, npt.NDArray[np.float64]]]:
    """Give none: a sum changes nowhere at once."""
    del leaf, arrays
    return []
