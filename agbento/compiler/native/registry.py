"""Which native family runs which part of a plan."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from agbento.compiler.arrays import Arrays
from agbento.compiler.native.contract import Evaluate
from agbento.compiler.plan.plan import Leaf

Thresholds = list[tuple[int, npt.NDArray[np.float64]]]

# Loaded when a plan needs one: each brings its library, or kernels that are compiled as it is loaded.
_FAMILIES = {
    "lightgbm": "lightgbm",
    "catboost": "catboost",
    "xgboost": "xgboost",
    "forest": "forest",
    "quantile_forest": "quantile_forest",
    "torch_mlp": "torch_mlp",
    "fastai_mlp": "fastai_mlp",
    "weighted": "weighted",
}


def _family(kind: str) -> Any:
    return import_module(f"agbento.compiler.native.{_FAMILIES[kind]}")


def bind(leaf: Leaf, arrays: Arrays, threads: int) -> Evaluate:
    """Give the function of a native leaf."""
    bound: Evaluate = _family(leaf.kind).bind(leaf, arrays, threads)
    return bound


def thresholds(leaf: Leaf, arrays: Arrays) -> Thresholds:
    """Give the numbers at which a native leaf changes, by slot; none of a foreign one."""
    if leaf.kind == "foreign":
        return []
    found: Thresholds = _family(leaf.kind).thresholds(leaf, arrays)
    return found
