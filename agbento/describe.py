"""From an opened predictor to its schema: what only AutoGluon's own objects know."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from agbento.errors import PredictorNotLoadable
from agbento.schema import RESERVED, Feature, FeatureType, Scalar, Schema, plain

if TYPE_CHECKING:
    from autogluon.tabular import TabularPredictor

# Names of autogluon.common.features.types, by raw type; special types are looked at first.
_TYPES: dict[str, FeatureType] = {
    "int": "int",
    "float": "float",
    "bool": "bool",
    "datetime": "datetime",
    "category": "category",
    "object": "category",
}
_SPECIAL_TYPES: dict[str, FeatureType] = {"datetime_as_object": "datetime", "text": "text"}
# A feature's line in the text of a LightGBM model: the interval of a number, the codes of a category.
_LIGHTGBM_RANGE = re.compile(r"\[(?P<low>[^:\]]+):(?P<high>[^:\]]+)\]")


def describe(predictor: TabularPredictor) -> Schema:
    """Read the schema of a predictor.

    The columns are those of ``feature_metadata_in``: the ones that AutoGluon's ``predict`` refuses to do without.

    Raises:
        PredictorNotLoadable: the label is called as another key of an answer.
    """
    if predictor.label in RESERVED:
        raise PredictorNotLoadable(
            f"the label is called {predictor.label!r}, a key of every answer: rename the column and train again"
        )
    metadata = predictor.feature_metadata_in
    special = metadata.get_type_map_special()
    dtypes, categories = _dtypes(predictor), _categories(predictor)
    ranges = _ranges(predictor)
    features = []
    for name in metadata.get_features():
        kind = next((_SPECIAL_TYPES[s] for s in special.get(name, ()) if s in _SPECIAL_TYPES), None)
        kind = kind or _TYPES[metadata.get_feature_type_raw(name)]
        features.append(
            Feature(
                name=name,
                type=kind,
                dtype=dtypes.get(name, "object"),
                categories=categories.get(name) if kind == "category" else None,
                range=ranges.get(name) if kind in ("int", "float") else None,
            )
        )
    classes = predictor.class_labels if predictor.problem_type in ("binary", "multiclass") else ()
    levels = predictor.quantile_levels if predictor.problem_type == "quantile" else ()
    return Schema(
        label=str(predictor.label),
        problem_type=predictor.problem_type,
        features=tuple(features),
        classes=tuple(map(plain, classes)),
        quantile_levels=tuple(map(float, levels)),
    )


def _generators(predictor: TabularPredictor) -> Iterator[Any]:
    """Walk the predictor's feature generators, nested ones too."""
    waiting = [predictor._learner.feature_generator]
    while waiting:
        generator = waiting.pop()
        if isinstance(generator, (list, tuple)):
            waiting.extend(generator)
            continue
        yield generator
        waiting.extend(getattr(generator, "generators", ()) or ())


def _dtypes(predictor: TabularPredictor) -> dict[str, str]:
    """Give the dtypes of the training columns, before AutoGluon made flags of two-valued ones."""
    for generator in _generators(predictor):
        if (metadata := getattr(generator, "_feature_metadata_in_real", None)) is not None:
            return dict(metadata.type_map_raw)
    return {}


def _categories(predictor: TabularPredictor) -> dict[str, tuple[Scalar, ...]]:
    found: dict[str, tuple[Scalar, ...]] = {}
    for generator in _generators(predictor):
        for name, levels in (getattr(generator, "category_map", None) or {}).items():
            # The first generator to hold a column sees the caller's own levels; later ones see codes.
            found.setdefault(name, tuple(map(plain, levels)))
    return found


def _ranges(predictor: TabularPredictor) -> dict[str, tuple[float, float]]:
    """Give the interval that each number had in training. A hint for made-up rows, never a check."""
    ranges: dict[str, tuple[float, float]] = {}
    trainer = predictor._trainer
    for name in trainer.get_minimum_model_set(predictor.model_best):
        model = trainer.load_model(name)
        if hasattr(booster := getattr(model, "model", None), "model_to_string"):
            for feature, (low, high) in _lightgbm_ranges(booster, model.features):
                seen = ranges.get(feature, (low, high))
                ranges[feature] = (min(low, seen[0]), max(high, seen[1]))
    # A two-valued column reaches the models as a flag; the flag is the value only where the values are 0 and 1.
    flags = {name: value for g in _generators(predictor) for name, value in _flags(g).items()}
    return {name: interval for name, interval in ranges.items() if flags.get(name, 1) == 1}


def _lightgbm_ranges(booster: Any, features: list[str]) -> Iterator[tuple[str, tuple[float, float]]]:
    """Read ``feature_infos`` of LightGBM's text model: no other model keeps what it saw in training."""
    infos = re.search(r"^feature_infos=(.*)$", booster.model_to_string(num_iteration=1), re.MULTILINE)
    for feature, info in zip(features, infos.group(1).split() if infos else (), strict=False):
        if match := _LIGHTGBM_RANGE.fullmatch(info):
            low, high = float(match["low"]), float(match["high"])
            if math.isfinite(low) and math.isfinite(high):
                yield feature, (low, high)


def _flags(generator: Any) -> dict[str, Any]:
    """Give the two-valued columns that a generator turns into flags, each with the value that counts as true."""
    return getattr(generator, "_bool_features", None) or {}
