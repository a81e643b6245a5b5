"""From an opened predictor to its schema: what only AutoGluon's own objects know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from agbento.errors import PredictorNotLoadable
from agbento.hints import Hint, hints
from agbento.schema import RESERVED, Feature, FeatureType, Scalar, Schema, TwoValued, plain

if TYPE_CHECKING:
    from autogluon.tabular import TabularPredictor

# Names of autogluon.common.features.types, by raw type; special types are looked at first.
_TYPES: Final[dict[str, FeatureType]] = {
    "int": "int",
    "float": "float",
    "bool": "bool",
    "datetime": "datetime",
    "category": "category",
    "object": "category",
}
_SPECIAL_TYPES: Final[dict[str, FeatureType]] = {"datetime_as_object": "datetime", "text": "text"}
# The value of a two-valued column that AutoGluon keeps (the greater one) → the one that custom pairs with it.
_CUSTOM: Final[dict[str, str]] = {"1": "0", "yes": "no", "y": "n", "true": "false", "t": "f", "on": "off"} | {
    "m": "f",
    "male": "female",
}
_WORDS: Final = 6  # of a text made of the n-grams that are counted


def describe(predictor: TabularPredictor) -> Schema:
    """Read the schema of a predictor.

    The columns are those of ``feature_metadata_in``: the ones that AutoGluon's ``predict`` refuses to do without.

    Raises:
        PredictorNotLoadable: the label is called as another key of an answer.
    """
    label = str(predictor.label)
    if label in RESERVED:
        raise PredictorNotLoadable(
            f"the label is called {label!r}, a key of every answer: rename the column and train again"
        )
    names = [str(name) for name in predictor.class_labels or ()]
    if len(set(names)) < len(names):
        raise PredictorNotLoadable(
            f"several classes of the label are spelled alike: {', '.join(map(repr, predictor.class_labels))}; "
            "an answer has its probabilities by that name: rename them and train again"
        )
    features = _features(predictor)
    used = {feature.name for feature in features}
    binary = predictor.problem_type == "binary"
    classes = predictor.class_labels if predictor.problem_type in ("binary", "multiclass") else ()
    levels = predictor.quantile_levels if predictor.problem_type == "quantile" else ()
    return Schema(
        label=label,
        problem_type=predictor.problem_type,
        features=features,
        dropped=tuple(str(name) for name in predictor.original_features if str(name) not in used),
        classes=tuple(map(plain, classes)),
        positive_class=plain(predictor.positive_class) if binary else None,
        decision_threshold=float(predictor.decision_threshold) if binary else None,
        quantile_levels=tuple(map(float, levels)),
    )


def originals(predictor: TabularPredictor) -> dict[str, dict[Scalar, Any]]:
    """Give, by column, the training values that JSON cannot hold (dates, decimals, intervals …) under their text.

    AutoGluon compares with these; their text is equal to none of them.
    """
    found: dict[str, dict[Scalar, Any]] = {}
    for generator in _generators(predictor):
        for name, levels in (getattr(generator, "category_map", None) or {}).items():
            found.setdefault(name, {plain(level): level for level in levels if _is_foreign(level)})
        for name, value in _flags(generator).items():
            if _is_foreign(value) and not isinstance(value, np.datetime64):
                found.setdefault(name, {})[plain(value)] = value
    return {name: values for name, values in found.items() if values}


def _is_foreign(value: Any) -> bool:
    is_number = isinstance(value, (float, np.floating))
    return not np.isfinite(value) if is_number else not isinstance(value, (str, int, np.integer, np.bool_))


def _features(predictor: TabularPredictor) -> tuple[Feature, ...]:
    metadata = predictor.feature_metadata_in
    special = metadata.get_type_map_special()
    dtypes, levels, flags = _dtypes(predictor), levels_of(predictor), _all_flags(predictor)
    seen, dates, ngrams = hints(predictor), mean_dates(predictor), _ngrams(predictor)
    features = []
    for name in metadata.get_features():
        kind = next((_SPECIAL_TYPES[s] for s in special.get(name, ()) if s in _SPECIAL_TYPES), None)
        kind = kind or _type(name, metadata.get_feature_type_raw(name))
        feature = Feature(name, kind, dtypes.get(name, "object"), special=tuple(special.get(name, ())))
        if name in flags and kind != "bool":
            feature = _with_two_values(feature, plain(flags[name]))
        elif kind == "category" and name in levels:
            feature = _with_levels(feature, levels[name])
        elif kind == "datetime" and name in dates:
            feature = _with_mean_date(feature, dates[name])
        elif kind == "bool":
            feature = replace(feature, nulls=False, null_as=False)
        elif kind == "text":
            feature = _with_text(feature, ngrams.get(name, {}), levels.get(name, ()))
        features.append(_with_hint(feature, seen.get(name, Hint())))
    return tuple(features)


def _type(name: str, raw: str) -> FeatureType:
    if raw not in _TYPES:
        raise PredictorNotLoadable(
            f"column {name!r} is of type {raw!r}, expected one of {', '.join(_TYPES)}: "
            "pandas' nullable types are none of AutoGluon's; convert it and train again"
        )
    return _TYPES[raw]


def _with_two_values(feature: Feature, true: Scalar) -> Feature:
    false = _customary(true)
    two = TwoValued(true, false, None if false is None else "custom")
    # Where custom gives the other value there was no room for null, but in a float column that is as likely as 0.
    none = feature.type == "int" or (false is not None and feature.type != "float")
    return replace(feature, two_valued=two, nulls=False if none else None, null_as=false)


def _customary(true: Scalar) -> Scalar | None:
    if isinstance(true, bool):
        return False if true else None
    if isinstance(true, (int, float)):
        return type(true)(0) if true == 1 else None
    false = _CUSTOM.get(true.lower())
    if false is None:
        return None
    return next((spelled for spelled in (false, false.title(), false.upper()) if _same_case(spelled, true)), None)


def _same_case(one: str, other: str) -> bool:
    return (one.islower(), one.isupper(), one.istitle()) == (other.islower(), other.isupper(), other.istitle())


def _with_levels(feature: Feature, levels: tuple[Scalar, ...]) -> Feature:
    if feature.dtype == "category":
        return replace(feature, categories=levels)
    # AutoGluon fills a column of texts with "" before it looks at the levels: where that is none, null is none.
    kept = tuple(level for level in levels if level != "")
    return replace(feature, categories=kept, nulls=len(kept) < len(levels))


def _with_mean_date(feature: Feature, mean: pd.Timestamp) -> Feature:
    filled = mean.isoformat(timespec="seconds")
    if feature.holds_timestamps:
        # AutoGluon reads the mean as nanoseconds, whatever the column counts in.
        unit: Any = np.datetime_data(np.dtype(feature.dtype.partition(",")[0].rstrip("]") + "]"))[0]
        mean = pd.Timestamp(mean.value, unit=unit)
    # A column that had a zone shows that its times are in UTC.
    zone = "Z" if "," in feature.dtype else ""
    return replace(feature, null_as=filled + zone, typical=mean.isoformat(timespec="seconds") + zone)


def _with_text(feature: Feature, ngrams: dict[str, int], levels: tuple[Scalar, ...]) -> Feature:
    # AutoGluon also takes a text for a category, where it came again in training.
    kept = tuple(level for level in levels if level != "") or None
    words = sorted({word for ngram in ngrams for word in ngram.split()})
    typical = " ".join(words[:: max(1, len(words) // _WORDS)][:_WORDS])
    typical = str(kept[0]) if kept else typical
    return replace(feature, ngrams=len(ngrams), null_as="", typical=typical or None, categories=kept)


def _with_hint(feature: Feature, hint: Hint) -> Feature:
    if feature.type not in ("int", "float") or (feature.two_valued and feature.two_valued.true != 1):
        # A two-valued column reaches the models as a flag, which is the value itself only where that is 0 or 1.
        return feature
    if feature.two_valued is not None:
        return replace(feature, range=hint.range)
    if feature.type == "int":
        typical = None if hint.typical is None else round(hint.typical)
        return replace(feature, range=hint.range, typical=typical, nulls=False, null_as=0)
    return replace(feature, range=hint.range, typical=hint.typical, nulls=hint.nulls)


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


def levels_of(predictor: TabularPredictor) -> dict[str, tuple[Scalar, ...]]:
    """Give the levels of each column that has some, by the codes that AutoGluon has for them."""
    found: dict[str, tuple[Scalar, ...]] = {}
    for generator in _generators(predictor):
        for name, levels in (getattr(generator, "category_map", None) or {}).items():
            # The first generator to hold a column sees the caller's own levels; later ones see codes.
            found.setdefault(name, tuple(map(plain, levels)))
    return found


def _all_flags(predictor: TabularPredictor) -> dict[str, Any]:
    return {name: value for generator in _generators(predictor) for name, value in _flags(generator).items()}


def _flags(generator: Any) -> dict[str, Any]:
    """Give the two-valued columns that a generator turns into flags, each with the value that counts as true."""
    return getattr(generator, "_bool_features", None) or {}


def mean_dates(predictor: TabularPredictor) -> dict[str, pd.Timestamp]:
    """Give what DatetimeFeatureGenerator puts in place of null, by column, in UTC."""
    return {
        name: pd.Timestamp(mean).tz_localize(None)
        for generator in _generators(predictor)
        if type(generator).__name__ == "DatetimeFeatureGenerator"
        for name, mean in (getattr(generator, "_fillna_map", None) or {}).items()
    }


def _ngrams(predictor: TabularPredictor) -> dict[str, dict[str, int]]:
    """Give the n-grams that TextNgramFeatureGenerator counts, by text column."""
    found: dict[str, dict[str, int]] = {}
    for generator in _generators(predictor):
        names = getattr(generator, "vectorizer_features", None) or ()
        for counted, vectorizer in zip(names, getattr(generator, "vectorizers", ()), strict=False):
            for name in generator.features_in if counted == "__nlp__" else (counted,):
                found.setdefault(name, {}).update(vectorizer.vocabulary_)
    return found
