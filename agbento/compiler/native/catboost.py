"""CatBoost models, by our own kernels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from agbento.compiler.arrays import Arrays
from agbento.compiler.native import catboost_kernels as kernels
from agbento.compiler.native.contract import Evaluate, Matrix
from agbento.compiler.plan.catboost import CatBoost
from agbento.compiler.plan.catboost_program import TEST, unpack

_LINKS = {
    "raw": kernels.RAW,
    "sigmoid": kernels.SIGMOID,
    "softmax": kernels.SOFTMAX,
    "exponent": kernels.EXPONENT,
}


def bind(leaf: CatBoost, arrays: Arrays, threads: int) -> Evaluate:  # noqa: ARG001 - one thread is enough
    """Give the function of a model: float64 of shape (n,), or (n, outputs) where it answers with several."""
    longs, ints, singles, leaves = (arrays.get(name) for name in (leaf.longs, leaf.ints, leaf.singles, leaf.leaves))
    link, outputs, chosen = _LINKS[leaf.link], leaf.outputs, leaf.chosen
    answer, empty = kernels.answer, np.empty

    def one(rows: Matrix, /) -> npt.NDArray[np.float64]:
        out = empty(len(rows))
        answer(rows, longs, ints, singles, leaves, out, link)
        return out

    def several(rows: Matrix, /) -> npt.NDArray[np.float64]:
        out = empty(len(rows) * outputs)
        answer(rows, longs, ints, singles, leaves, out, link)
        numbers = out.reshape(len(rows), outputs)
        return numbers if chosen is None else numbers[:, chosen]

    return one if outputs == 1 and chosen is None else several


def thresholds(leaf: CatBoost, arrays: Arrays) -> list[tuple[int, npt.NDArray[np.float64]]]:
    """Give the borders of each number column, of trees and of categories' combinations."""
    parts = unpack({kind: arrays.get(getattr(leaf, kind)) for kind in ("longs", "ints", "singles")})
    tested = np.concatenate([parts["tested"], parts["tests"][::TEST]])
    borders = np.concatenate([parts["borders"], parts["test_borders"]])
    return [
        (leaf.columns[column], np.unique(borders[(tested == value) & np.isfinite(borders)]).astype(np.float64))
        for value, column in enumerate(parts["columns"].tolist())
    ]
