"""A trained ``TabularPredictor`` → plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from agbento.compiler.arrays import Arrays
from agbento.compiler.errors import NotCompilable, NotNative
from agbento.compiler.frontends import foreign, registry
from agbento.compiler.frontends.context import Context
from agbento.compiler.frontends.features import read_features
from agbento.compiler.parts import Parts
from agbento.compiler.plan.features import Features
from agbento.compiler.plan.plan import Answer, Child, ForeignFeatures, Model, Plan
from agbento.compiler.plan.slots import Level, Slot
from agbento.text import exception_text

# Those whose _preprocess_nonadaptive does no more than choose and rename columns.
_KNOWN_NONADAPTIVE = frozenset({"AbstractModel", "LGBModel", "GreedyWeightedEnsembleModel"})


def read(predictor: Any, model: str | None = None) -> Parts:
    """Read a ``TabularPredictor``: features, the models that ``model`` (None: its best) needs, and its answer.

    Raises:
        NotCompilable: its answer or its ensembles are of a kind that is not known here.
    """
    arrays, foreigns = Arrays(), dict[str, Any]()
    features: Features | ForeignFeatures
    try:
        features = read_features(predictor, arrays)
    except NotNative as error:
        features = _foreign_features(predictor, str(error))
        foreigns["features"] = predictor._learner.feature_generators
    reader = _Models(predictor._trainer, features.slots, arrays, foreigns)
    models = reader.read(model or predictor._trainer._get_best())
    return Parts(Plan(features, models, _answer(predictor)), arrays, foreigns)


class _Models:
    """Reads a trainer's models in order of their dependency."""

    def __init__(self, trainer: Any, slots: Sequence[Slot], arrays: Arrays, foreigns: dict[str, Any]) -> None:
        self._trainer, self._features, self._arrays, self._foreigns = trainer, tuple(slots), arrays, foreigns
        self._outputs: dict[str, tuple[int, ...]] = {}
        self._next = len(self._features)

    def read(self, best: str) -> tuple[Model, ...]:
        return tuple(self._model(name) for name in self._trainer._construct_model_pred_order([best]))

    def _model(self, name: str) -> Model:
        model = self._trainer.load_model(name)
        bagged = hasattr(model, "load_child")
        children = [model.load_child(child) for child in model.models] if bagged else [model]
        space = self._space(model)
        read = tuple(self._child(child, space, f"{name}/{i}" if bagged else name) for i, child in enumerate(children))
        width = self._width()
        first, self._next = self._next, self._next + width
        self._outputs[name] = tuple(range(first, first + width))
        own = _calibration(model) if bagged else (None, None)
        return Model(name, read, bagged, first, width, *own)

    def _space(self, model: Any) -> dict[str, Slot]:
        """Give the columns that ``model`` may use by name: its base models' numbers, then the features."""
        space: dict[str, Slot] = {}
        for prefix in getattr(model, "stack_column_prefix_lst", None) or ():
            # A refitted base model goes by the name of the one that it replaces.
            for place in self._outputs[model.stack_column_prefix_to_model_map[prefix]]:
                name = model.stack_columns[len(space)]
                space[name] = Slot(place, name, "float32")
        return space | {slot.name: slot for slot in self._features if slot.name not in space}

    def _width(self) -> int:
        match self._trainer.problem_type:
            case "multiclass":
                return int(self._trainer.num_classes)
            case "quantile":
                return len(self._trainer.quantile_levels)
            case "binary" | "regression":
                return 1
        raise NotCompilable(f"a predictor for {self._trainer.problem_type}")

    def _child(self, model: Any, space: dict[str, Slot], name: str) -> Child:
        try:
            context = self._context(name, _columns(model, space))
            temperature, offsets = _calibration(model)
            return Child(registry.read(model, context), bool(model.normalize_pred_probas), temperature, offsets)
        except NotNative as error:
            self._foreigns[name] = model
            columns = tuple(space[column] for column in model.features)
            return Child(foreign.read(model, self._context(name, columns), str(error)))

    def _context(self, name: str, columns: tuple[Slot, ...]) -> Context:
        trainer = self._trainer
        levels = _levels(trainer.quantile_levels)
        return Context(name, columns, self._arrays, trainer.problem_type, self._width(), levels)


def _columns(model: Any, space: dict[str, Slot]) -> tuple[Slot, ...]:
    """Give the columns that ``model._preprocess`` gets: chosen, renamed, aligned as by AutoGluon itself."""
    if getattr(model, "_model_specific_feature_generators", None) is not None:
        raise NotNative(f"{type(model).__name__} with feature generators of its own")
    owner = next(c.__name__ for c in type(model).__mro__ if "_preprocess_nonadaptive" in vars(c))
    if owner not in _KNOWN_NONADAPTIVE:
        raise NotNative(f"{type(model).__name__} with a preprocessing of its own")
    named = {name: space[name] for name in model.features}
    if getattr(model, "_requires_remap", False):
        renamed = model._features_internal_lgbm
        named = dict(zip(renamed, named.values(), strict=True))
    if owner != "GreedyWeightedEnsembleModel" and not model._is_features_in_same_as_ex:
        named = {name: named[name] for name in model._features_internal_to_align}
    return tuple(named.values())


def _calibration(model: Any) -> tuple[float | None, tuple[float, ...] | None]:
    temperature, offsets = _temperature(model), model.conformalize
    if temperature is not None:
        return float(temperature), None
    return None, None if offsets is None else tuple(float(v) for v in np.atleast_1d(offsets))


def _foreign_features(predictor: Any, why: str) -> ForeignFeatures:
    generators = predictor._learner.feature_generators
    names = tuple(generators[0].features_in)
    try:
        frame = _blank_row(generators[0].feature_metadata_in, names)
        for generator in generators:
            frame = generator.transform(frame)
        slots = tuple(_slot(index, name, frame[name].dtype) for index, name in enumerate(frame.columns))
    except Exception as error:
        raise NotCompilable(f"{why}; and its own do not take a blank row: {exception_text(error)}") from error
    return ForeignFeatures(names, slots, why)


def _blank_row(metadata: Any, names: Sequence[str]) -> Any:
    """Make a row that tells the dtypes of what comes of it."""
    import pandas as pd

    blanks: dict[str, Any] = {"int": 0, "float": 0.0, "bool": False, "datetime": pd.Timestamp(0)}
    return pd.DataFrame({name: [blanks.get(metadata.get_feature_type_raw(name), "")] for name in names})


def _slot(index: int, name: str, dtype: Any) -> Slot:
    if str(dtype) == "category":
        levels = tuple(map(_level, dtype.categories))
        return Slot(index, name, "category", levels, str(dtype.categories.dtype))
    if str(dtype) == "object":
        raise NotCompilable(f"column {name!r} of objects")
    return Slot(index, name, str(dtype))


def _answer(predictor: Any) -> Answer:
    """Read what becomes of the best model's numbers: classes, threshold, levels."""
    learner, problem = predictor._learner, predictor.problem_type
    cleaner = learner.label_cleaner
    internal = cleaner.problem_type_transform or problem
    if problem not in ("binary", "multiclass"):
        return Answer(predictor.label, problem, problem, quantile_levels=_levels(predictor.quantile_levels))
    classes = [_level(label) for label in predictor.class_labels]
    trained = cleaner.ordered_class_labels if problem == "binary" else cleaner.valid_ordered_class_labels
    threshold = predictor.decision_threshold if problem == "binary" else None
    return Answer(
        label=predictor.label,
        problem=problem,
        internal=internal,
        classes=tuple(classes),
        kept=tuple(list(predictor.class_labels).index(label) for label in trained),
        threshold=0.5 if threshold is None else float(threshold),
        double=isinstance(threshold, np.float64),
    )


def _levels(told: Any) -> tuple[float, ...]:
    return () if told is None else tuple(map(float, told))


def _level(value: Any) -> Level:
    plain = value.item() if isinstance(value, np.generic) else value
    if plain is None or isinstance(plain, (bool, int, float, str)):
        return plain
    raise NotCompilable(f"a label or level of type {type(value).__name__}")


def _temperature(model: Any) -> float | None:
    """Give what a calibrated model divides its logits by; until AutoGluon 1.5 it lay among the auxiliary parameters."""
    if hasattr(model, "temperature_scalar"):
        return cast("float | None", model.temperature_scalar)
    return cast("float | None", model.params_aux.get("temperature_scalar"))
