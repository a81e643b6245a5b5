"""AutoGluon's fastai network (FASTAI), without fastai and torch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from agbento.compiler.arrays import Arrays
from agbento.compiler.native.contract import Evaluate, Matrix
from agbento.compiler.plan.fastai_mlp import FastaiMlp

# Kernels are imported where they are needed: compiling those of networks takes seconds where there is no cache.


def bind(leaf: FastaiMlp, arrays: Arrays, threads: int) -> Evaluate:  # noqa: ARG001 - BLAS reads the environment
    """Give the function of a network.

    It raises ValueError for quantiles that are infinite or no numbers, as scikit-learn does. A single prediction that
    overflows is bounded, where AutoGluon answers so too or raises, by where on the way it overflows.
    """
    from agbento.compiler.native.mlp_inputs import bind_inputs
    from agbento.compiler.native.mlp_network import bind_network

    fill = bind_inputs(leaf.inputs, arrays)
    run = bind_network(leaf.network, leaf.head, arrays)
    if leaf.answers == "all":
        return lambda rows, /: run(fill(rows))
    if leaf.answers == "second":
        return lambda rows, /: run(fill(rows))[:, 1]

    from agbento.compiler.native.mlp_answers import settle

    clip, rising = leaf.clip, leaf.answers == "isotonic"
    lower, upper = (clip.lower, clip.upper) if clip else (-math.inf, math.inf)
    dtype = np.dtype(np.float64 if rising or (clip and clip.double) else np.float32)

    def evaluate(rows: Matrix, /) -> npt.NDArray[Any]:
        numbers = run(fill(rows))
        out = np.empty(numbers.shape)
        if not settle(numbers, rising, lower, upper, out):
            raise ValueError("an output of the network is infinite or no number")
        return out if rising else out[:, 0].astype(dtype, copy=False)

    return evaluate


def thresholds(leaf: FastaiMlp, arrays: Arrays) -> list[tuple[int, npt.NDArray[np.float64]]]:  # noqa: ARG001
    """Give none: all that it does with numbers is even."""
    return []
