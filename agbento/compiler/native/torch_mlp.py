"""AutoGluon's own neural network (NN_TORCH), without torch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from agbento.compiler.arrays import Arrays
from agbento.compiler.native.contract import Evaluate
from agbento.compiler.plan.torch_mlp import TorchMlp

# Kernels are imported where they are needed: compiling those of networks takes seconds where there is no cache.


def bind(leaf: TorchMlp, arrays: Arrays, threads: int) -> Evaluate:  # noqa: ARG001 - BLAS reads the environment
    """Give the function of a network.

    It raises ValueError for an infinite number in a column that is scaled or ranked, as scikit-learn does before torch.
    """
    from agbento.compiler.native.mlp_inputs import bind_inputs
    from agbento.compiler.native.mlp_network import bind_network

    fill = bind_inputs(leaf.inputs, arrays)
    run = bind_network(leaf.network, leaf.head, arrays)
    if leaf.answers == "all":
        return lambda rows, /: run(fill(rows))
    if leaf.answers == "ordered":
        return lambda rows, /: np.sort(run(fill(rows)), axis=1)
    one = {"first": 0, "second": 1}[leaf.answers]
    return lambda rows, /: run(fill(rows))[:, one]


def thresholds(leaf: TorchMlp, arrays: Arrays) -> list[tuple[int, npt.NDArray[np.float64]]]:
    """Give the quantiles that columns are ranked among, and the numbers that have an input of their own."""
    from agbento.compiler.native.mlp_inputs import input_thresholds

    return input_thresholds(leaf.inputs, leaf.columns, arrays)
