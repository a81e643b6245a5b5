"""AutoGluon's XGBoost models → plan."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from agbento.compiler.errors import NotNative
from agbento.compiler.frontends.context import Context
from agbento.compiler.frontends.xgboost_features import read_features
from agbento.compiler.frontends.xgboost_trees import Layout
from agbento.compiler.plan.xgboost import Transform, XGBoost

_PROBLEMS = ("regression", "binary", "multiclass")

# What each objective does to a margin: PredTransform in XGBoost's src/objective/.
_TRANSFORMS: dict[str, Transform] = {
    "reg:squarederror": "identity",
    "reg:squaredlogerror": "identity",
    "reg:pseudohubererror": "identity",
    "reg:absoluteerror": "identity",
    "reg:quantileerror": "identity",
    "binary:logitraw": "identity",
    "reg:logistic": "sigmoid",
    "binary:logistic": "sigmoid",
    "count:poisson": "exp",
    "reg:gamma": "exp",
    "reg:tweedie": "exp",
    "survival:cox": "exp",
    "multi:softprob": "softmax",
    # AutoGluon asks for probabilities all the same.
    "multi:softmax": "softmax",
}


def read(model: Any, context: Context) -> XGBoost:
    """Read an ``XGBoostModel``: its trees up to the best iteration, and how columns become its features.

    Raises:
        NotNative: a booster other than trees with one number a leaf, an objective that is not known here or is Python
            code, or columns that do not match.
    """
    if context.problem not in _PROBLEMS:
        raise NotNative(f"XGBoost for {context.problem}")
    wrapper = model.model
    if not math.isnan(wrapper.missing):
        raise NotNative(f"XGBoost with {wrapper.missing} as missing")
    booster = wrapper.get_booster()
    # XGBoost writes float32 so that the same is read again: include/xgboost/json.h, by Ryu.
    document = json.loads(bytes(booster.save_raw("json")))
    learner = document["learner"]
    if learner["gradient_booster"]["name"] != "gbtree":
        raise NotNative(f"XGBoost with the booster {learner['gradient_booster']['name']}")
    transform = _transform(learner, wrapper, context)
    base = _base(document)
    if len(base) != (context.classes if context.problem == "multiclass" else 1):
        raise NotNative(f"XGBoost with {len(base)} outputs for {context.problem}")
    features = read_features(model, context)
    if len(features) != int(learner["learner_model_param"]["num_feature"]):
        raise NotNative(f"XGBoost of other features than the {len(features)} that it is given")
    layout = Layout(features)
    for tree, output in _trees(learner, booster):
        layout.add(tree, output)
    return layout.plan(context, tuple(base), transform, zero_is_missing=bool(model._ohe))


def _transform(learner: dict[str, Any], wrapper: Any, context: Context) -> Transform:
    stored, asked = learner["objective"]["name"], wrapper.objective
    if stored != asked and not {stored, asked} <= {"multi:softprob", "multi:softmax"}:
        raise NotNative(f"XGBoost with the objective {asked}, stored as {stored}")
    transform = _TRANSFORMS.get(stored)
    if transform is None or (transform == "softmax") != (context.problem == "multiclass"):
        raise NotNative(f"XGBoost with the objective {stored} for {context.problem}")
    return transform


def _base(document: dict[str, Any]) -> list[float]:
    """Give the margins that trees are added to: what XGBoost itself says without any tree."""
    import xgboost

    trunk = document["learner"]["gradient_booster"]
    bare = trunk["model"] | {"trees": [], "tree_info": [], "iteration_indptr": [0]}
    bare["gbtree_model_param"] = bare["gbtree_model_param"] | {"num_trees": "0"}
    learner = document["learner"] | {"gradient_booster": trunk | {"model": bare}}
    # Without it, XGBoost would take the base score to be still unknown, and not make a margin of it.
    learner["learner_model_param"] = learner["learner_model_param"] | {"boost_from_average": "0"}
    booster = xgboost.Booster()
    booster.load_model(bytearray(json.dumps(document | {"learner": learner}).encode()))
    row = np.zeros((1, int(learner["learner_model_param"]["num_feature"])), np.float32)
    margins = booster.inplace_predict(row, predict_type="margin", validate_features=False)
    return [float(margin) for margin in margins.reshape(-1)]


def _trees(learner: dict[str, Any], booster: Any) -> list[tuple[dict[str, Any], int]]:
    """Give the trees that are used, each with its output."""
    model = learner["gradient_booster"]["model"]
    starts, best = model["iteration_indptr"], booster.attr("best_iteration")
    rounds = len(starts) - 1 if best is None else int(best) + 1
    if not 0 < rounds < len(starts):
        raise NotNative(f"XGBoost with {rounds} of {len(starts) - 1} rounds")
    end = starts[rounds]
    return list(zip(model["trees"][:end], model["tree_info"][:end], strict=True))
