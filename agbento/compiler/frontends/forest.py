"""AutoGluon's forests (RandomForest, ExtraTrees) → plan."""

from __future__ import annotations

from typing import Any

import numpy as np

from agbento.compiler.errors import NotNative
from agbento.compiler.frontends.context import Context
from agbento.compiler.plan.forest import Forest, QuantileForest

# AutoGluon's problem → the classes of scikit-learn, or of AutoGluon's own, that it is answered by.
_CLASSIFIERS = ("sklearn.ensemble._forest.RandomForestClassifier", "sklearn.ensemble._forest.ExtraTreesClassifier")
_QUANTILES = "autogluon.tabular.models.rf.rf_quantile."
_CLASSES = {
    "regression": ("sklearn.ensemble._forest.RandomForestRegressor", "sklearn.ensemble._forest.ExtraTreesRegressor"),
    "binary": _CLASSIFIERS,
    "multiclass": _CLASSIFIERS,
    "quantile": (_QUANTILES + "RandomForestQuantileRegressor", _QUANTILES + "ExtraTreesQuantileRegressor"),
}
_TREES = (
    *(
        f"sklearn.tree._classes.{name}{kind}"
        for name in ("DecisionTree", "ExtraTree")
        for kind in ("Classifier", "Regressor")
    ),
    *(f"{_QUANTILES}{name}QuantileRegressor" for name in ("DecisionTree", "ExtraTree")),
)


def read(model: Any, context: Context) -> Forest | QuantileForest:
    """Read an ``RFModel`` or ``XTModel``: label-encoded categories, 0 for missing numbers, float32, a forest.

    Raises:
        NotNative: another forest than those that AutoGluon trains by itself.
    """
    # Kernels that are compiled as they are loaded.
    from agbento.compiler.frontends.forest_trees import read_leaves, read_numbers
    from agbento.compiler.frontends.quantile_forest import read_quantiles

    forest = model.model
    _check(model, forest, context)
    categories = _categories(model, context)
    trees = [estimator.tree_ for estimator in forest.estimators_]
    if context.problem == "quantile":
        return read_quantiles(model, forest, categories, context)
    if context.problem == "multiclass":
        read_in, values = read_leaves(trees, context)
        return Forest(context.slots(), categories, read_in, context.classes, values)
    # Of two classes, the second's share is answered.
    number = 1 if context.problem == "binary" else 0
    return Forest(context.slots(), categories, read_numbers(trees, number, context), 1, "")


def _check(model: Any, forest: Any, context: Context) -> None:
    """Refuse what is not exactly as expected."""
    problem = context.problem
    if problem not in _CLASSES or model.problem_type != problem:
        raise NotNative(f"a forest for {model.problem_type}")
    if _name(forest) not in _CLASSES[problem]:
        raise NotNative(f"a forest of class {_name(forest)}")
    others = {_name(tree) for tree in forest.estimators_} - set(_TREES)
    if others or not forest.estimators_:
        raise NotNative(f"a forest of {', '.join(sorted(others)) or 'no trees'}")
    if forest.n_outputs_ != 1:
        raise NotNative(f"a forest of {forest.n_outputs_} outputs")
    if forest.n_features_in_ != len(context.columns):
        raise NotNative(f"a forest of {forest.n_features_in_} columns, given {len(context.columns)}")
    classes = {"binary": 2, "multiclass": context.classes}.get(problem)
    if classes is not None and not np.array_equal(forest.classes_, np.arange(classes)):
        raise NotNative(f"a forest of classes other than 0 to {classes - 1}")


def _categories(model: Any, context: Context) -> tuple[int, ...]:
    """Give the places of the columns that the model's label encoder makes codes of: those of the levels' positions."""
    encoder = model._label_encoder
    if encoder is None or _name(encoder) != "autogluon.features.generators.label_encoder.LabelEncoderFeatureGenerator":
        raise NotNative("a forest without AutoGluon's label encoder")
    if encoder._pre_astype_generator or encoder._post_generators or encoder.passthrough:
        raise NotNative("a forest whose label encoder has generators of its own")
    places = tuple(place for place, slot in enumerate(context.columns) if slot.is_category)
    if sorted(encoder.features_in) != sorted(context.columns[place].name for place in places):
        raise NotNative("a forest with other categories than it is given")
    return places


def _name(thing: Any) -> str:
    return f"{type(thing).__module__}.{type(thing).__qualname__}"
