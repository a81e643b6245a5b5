"""Which of AutoGluon's model classes is read by which front end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agbento.compiler.errors import NotNative
from agbento.compiler.frontends import (
    catboost,
    fastai_mlp,
    forest,
    lightgbm,
    torch_mlp,
    weighted,
    xgboost,
)
from agbento.compiler.frontends.context import Context
from agbento.compiler.plan.plan import Leaf
from agbento.text import exception_text

# By the class's own name, and exactly that class: a subclass may do anything else.
_FRONTENDS: dict[str, Callable[[Any, Context], Leaf]] = {
    "autogluon.tabular.models.lgb.lgb_model.LGBModel": lightgbm.read,
    "autogluon.tabular.models.catboost.catboost_model.CatBoostModel": catboost.read,
    "autogluon.tabular.models.xgboost.xgboost_model.XGBoostModel": xgboost.read,
    "autogluon.tabular.models.rf.rf_model.RFModel": forest.read,
    "autogluon.tabular.models.xt.xt_model.XTModel": forest.read,
    "autogluon.tabular.models.tabular_nn.torch.tabular_nn_torch.TabularNeuralNetTorchModel": torch_mlp.read,
    "autogluon.tabular.models.fastainn.tabular_nn_fastai.NNFastAiTabularModel": fastai_mlp.read,
    "autogluon.core.models.greedy_ensemble.greedy_weighted_ensemble_model.GreedyWeightedEnsembleModel": weighted.read,
    "autogluon.core.models.greedy_ensemble.greedy_weighted_ensemble_model.SimpleWeightedEnsembleModel": weighted.read,
}


def family_of(model: Any) -> str:
    """Give the name that a model's class is registered by."""
    return f"{type(model).__module__}.{type(model).__qualname__}"


def read(model: Any, context: Context) -> Leaf:
    """Read one fitted model.

    Raises:
        NotNative: it has no native form here.
    """
    frontend = _FRONTENDS.get(family_of(model))
    if frontend is None:
        raise NotNative(f"{type(model).__name__} has no native form")
    try:
        return frontend(model, context)
    except (AttributeError, KeyError) as error:
        # Another version of AutoGluon than the front ends know may keep its models otherwise.
        raise NotNative(f"{type(model).__name__} is not as it is known here: {exception_text(error)}") from error
