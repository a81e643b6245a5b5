"""AutoGluon's CatBoost models → plan, from CatBoost's own JSON."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from agbento.compiler.errors import NotNative
from agbento.compiler.frontends.catboost_categories import levels_of
from agbento.compiler.frontends.catboost_trees import trees_of
from agbento.compiler.frontends.catboost_values import Values
from agbento.compiler.frontends.context import Context
from agbento.compiler.plan.catboost import CatBoost, Link
from agbento.compiler.plan.catboost_program import pack

_REGRESSIONS: dict[str, Link] = {"RawFormulaVal": "raw", "Exponent": "exponent"}
_CLASSIFICATIONS: dict[str, Link] = {"MultiClass": "softmax", "MultiClassOneVsAll": "sigmoid"}
_KNOWN = {"ctr_data", "features_info", "model_info", "oblivious_trees", "scale_and_bias", "trees"}
_FEATURES = {"categorical_features", "ctrs", "float_features"}


def read(model: Any, context: Context) -> CatBoost:
    """Read a ``CatBoostModel``: its trees, its tables of categories, and what its ``predict`` makes of the sums.

    Raises:
        NotNative: features of text or embeddings, or anything else that the JSON does not say unambiguously.
    """
    booster = model.model
    described = _described(booster)
    levels = levels_of(model, booster, context)
    scale, biases = described["scale_and_bias"]
    link, chosen = _answer(booster, described, len(biases), context)
    values = Values(described, levels)
    trees = trees_of(described, values, len(biases))
    packed = pack({**values.parts(), **trees.parts})
    names = {kind: context.arrays.put(f"{context.name}.{kind}", array) for kind, array in packed.items()}
    leaves = np.concatenate([[scale], biases, trees.leaves])
    return CatBoost(
        columns=context.slots(),
        longs=names["longs"],
        ints=names["ints"],
        singles=names["singles"],
        leaves=context.arrays.put(f"{context.name}.leaves", leaves),
        outputs=len(biases),
        link=link,
        chosen=chosen,
    )


def _described(booster: Any) -> dict[str, Any]:
    """Give CatBoost's JSON of a model; it has 17 digits a number, so doubles and floats come back as they were."""
    if not booster.is_fitted() or not booster.tree_count_:
        raise NotNative("CatBoost without trees")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        booster.save_model(str(path), format="json")
        described: dict[str, Any] = json.loads(path.read_text("utf-8"))
    unknown = {*described} - _KNOWN | {*described["features_info"]} - _FEATURES
    if unknown:
        raise NotNative(f"CatBoost with {', '.join(sorted(unknown))}")
    return described


def _answer(booster: Any, described: dict[str, Any], outputs: int, context: Context) -> tuple[Link, int | None]:
    """Give how sums become numbers, and which of these is AutoGluon's where it takes one of several."""
    from catboost import CatBoostClassifier, CatBoostRegressor

    if context.problem in ("regression", "quantile") and type(booster) is CatBoostRegressor:
        kind = booster._get_default_prediction_type()
        if kind not in _REGRESSIONS or outputs != (len(context.levels) if context.problem == "quantile" else 1):
            raise NotNative(f"CatBoost that predicts {kind} of {outputs} sums for {context.problem}")
        return _REGRESSIONS[kind], None
    if context.problem in ("binary", "multiclass") and type(booster) is CatBoostClassifier:
        if context.problem == "binary" and outputs == 1:
            return "sigmoid", None
        loss = booster._object._get_loss_function_name()
        if loss not in _CLASSIFICATIONS:
            raise NotNative(f"CatBoost with {loss} of {outputs} sums")
        _check_classes(described, outputs, context)
        return _CLASSIFICATIONS[loss], (1 if context.problem == "binary" else None)
    raise NotNative(f"{type(booster).__name__} for {context.problem}")


def _check_classes(described: dict[str, Any], outputs: int, context: Context) -> None:
    """Refuse a model that was told of classes that it did not see: its sums are those of the others."""
    told = described["model_info"].get("class_params", {})
    order, names = told.get("class_to_label"), told.get("class_names", [])
    expected = 2 if context.problem == "binary" else context.classes
    if order != list(range(outputs)) or len(names) != outputs or outputs != expected:
        raise NotNative(f"CatBoost with {outputs} sums for the classes {names}, expected {expected}")
