"""AutoGluon's weighted ensembles → plan."""

from __future__ import annotations

from typing import Any

import numpy as np

from agbento.compiler.errors import NotNative
from agbento.compiler.frontends.context import Context
from agbento.compiler.plan.ensembles import Weighted


def read(model: Any, context: Context) -> Weighted:
    """Read a ``GreedyWeightedEnsembleModel``: the weights of its base models."""
    weights = list(model.model.weights_)
    outputs = model.num_pred_cols_per_model
    if len(context.columns) != outputs * len(weights):
        raise NotNative(f"a weighted ensemble of {len(weights)} models over {len(context.columns)} columns")
    return Weighted(
        columns=context.slots(),
        outputs=outputs,
        weights=tuple(float(weight) for weight in weights),
        double=any(isinstance(weight, np.float64) for weight in weights),
    )
