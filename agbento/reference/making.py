"""Rows and a model's answers to them → the reference that drift is measured against."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from agbento.bins import MISSING, FeatureBins, level_bins, level_text, numeric_bins, rounded
from agbento.drift import MAX_FEATURES, PREDICTION, Reference
from agbento.predictor import Predictions
from agbento.reference.importance import Ask, importances
from agbento.rows import Batch
from agbento.schema import Feature, Scalar, Schema, plain
from agbento.text import shown
from agbento.values.levels import UNSEEN
from agbento.values.numbers import number_dtype
from agbento.watching.binner import Binner, answers_of, middle
from agbento.watching.tallies import measure

_AT_A_TIME = 5000  # rows that the model is asked for
_SECONDS: Final = 60.0  # for the answers; rows that are not answered then are not in the prediction's reference
_BEYOND = 0.1  # of the range of the answers, at either end: other rows will go beyond it
_NAME = 60  # characters of a feature's name in a note
_CUT = 0.005  # share of the answers at either end that the range does not look at


def reference(
    source: str, schema: Schema, batch: Batch, ask: Ask, why_not: Mapping[str, str], seconds: float = _SECONDS
) -> Reference:
    """Make the reference of the rows of ``batch``, which may lack features: ``why_not`` says why, by name.

    ``ask`` answers rows of it by their positions.
    """
    answers = _answers(ask, batch.rows, seconds)
    names = [feature.name for feature in batch.features]
    known = importances(names, ask, batch.rows)
    ordered = sorted(batch.features, key=lambda feature: -known.get(feature.name, -1.0))
    watched = ordered[:MAX_FEATURES]
    found = Reference(
        source=source,
        rows=batch.rows,
        features=tuple(replace(_bins(feature, batch), importance=known.get(feature.name)) for feature in watched),
        prediction=_prediction_bins(schema, answers),
        notes=_notes(ordered[MAX_FEATURES:], why_not),
    )
    target = target_of(schema, answers)
    return _counted(replace(found, **target), schema, batch, answers)


def target_of(
    schema: Schema, answers: Predictions, source: str = "its answers to the reference's rows"
) -> dict[str, Any]:
    """Give the fields of a reference that tell what numbers are answered; none where classes are."""
    if schema.classes:
        return {}
    values = np.asarray(answers.values, np.float64)
    values = values[np.isfinite(values)]
    if not values.size:
        return {}
    low, high = map(float, np.quantile(values, [_CUT, 1 - _CUT]))
    beyond = _BEYOND * (high - low)
    # What is never below zero among the answers is not below zero just beyond them.
    buckets = rounded(max(low - beyond, 0.0) if values.min() >= 0 else low - beyond, high + beyond)
    extremes = float(values.min()), float(values.max())
    return {"target_range": extremes, "buckets": buckets, "target_source": source}


def _answers(ask: Ask, rows: int, seconds: float) -> Predictions:
    end = time.monotonic() + seconds
    # Shuffled: where time is over, those that were answered are a sample.
    order = np.random.default_rng(0).permutation(rows)
    parts: list[Predictions] = []
    for begin in range(0, rows, _AT_A_TIME):
        positions = np.sort(order[begin : begin + _AT_A_TIME])
        parts.append(ask(None, positions, positions))
        if time.monotonic() > end:
            break
    return Predictions(np.concatenate([part.values for part in parts]))


def _bins(feature: Feature, batch: Batch) -> FeatureBins:
    held = batch.columns[feature.name]
    if (two := feature.two_valued) is not None:
        true = str(number_dtype(feature).type(two.true)) if feature.type == "float" else level_text(two.true)
        other = f"not {true}" if two.false is None else two.false
        return level_bins(feature.name, {}, (two.true, other), texts={two.true: true.removesuffix(".0")})
    if feature.type in ("bool", "category"):
        known = (True, False) if feature.type == "bool" else feature.categories or ()
        return level_bins(feature.name, _levels(held), known)
    dtype, numbers_of = measure(feature)
    numbers = numbers_of(held)
    numbers = numbers[~np.isnan(numbers)]
    if feature.type == "int" and (gone := _missing(feature, batch)):
        numbers = np.delete(numbers, np.flatnonzero(numbers == 0)[:gone])  # null is held as 0
    return numeric_bins(feature.name, numbers, dtype, is_date=feature.type == "datetime")


def _missing(feature: Feature, batch: Batch) -> int:
    reasons = ("null", "missing_column", "wrong_type", "not_a_number", "not_finite")
    return sum(count for (name, reason, _), count in batch.counts.items() if name == feature.name and reason in reasons)


def _levels(held: Any) -> dict[Scalar, int]:
    counts = Counter(held.tolist() if isinstance(held, np.ndarray) else held)
    return {plain(level): count for level, count in counts.items() if level != UNSEEN and not pd.isna(level)}


def _prediction_bins(schema: Schema, answers: Predictions) -> FeatureBins:
    values = answers_of([answers.values], middle(schema))
    if schema.classes:
        return level_bins(PREDICTION, Counter(map(plain, values)), schema.classes)
    numbers = np.asarray(values, np.float64)
    return numeric_bins(PREDICTION, numbers[np.isfinite(numbers)])


def _counted(made: Reference, schema: Schema, batch: Batch, answers: Predictions) -> Reference:
    """Let the rows be counted as they will be where the model serves; give the reference with their shares."""
    tallies = Binner(made, schema).count([batch], [answers.values])
    *features, prediction = (
        replace(bins, shares=_shares(bins, tally)) for bins, tally in zip(made.watched, tallies, strict=True)
    )
    return replace(made, features=tuple(features), prediction=prediction)


def _shares(bins: FeatureBins, tally: npt.NDArray[np.int64]) -> tuple[float, ...]:
    total = int(tally.sum())
    if not total:
        return tuple(float(label == MISSING) for label in bins.labels)
    return tuple((tally / total).tolist())


def _notes(beyond: list[Feature], why_not: Mapping[str, str]) -> tuple[str, ...]:
    notes = [f"{shown(name, _NAME)} is not watched: {why}" for name, why in why_not.items()]
    if beyond:
        told = ", ".join(shown(feature.name, _NAME) for feature in beyond[:10]) + (", …" if len(beyond) > 10 else "")
        notes.append(f"{len(beyond)} less important features are not watched: {told}")
    return tuple(notes)
