"""Bins, and what is counted into them, against a slow way to say the same."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agbento.bins import MAX_BINS, MISSING, OTHER, UNSEEN, FeatureBins, level_bins, number_text, numeric_bins, rounded
from agbento.drift import DRIFT, FLOOR, MAX_FEATURES, PREDICTION, Reference, psi
from agbento.predictor import Predictions
from agbento.reference.importance import ROWS, importances
from agbento.reference.making import reference
from agbento.rows import Batch, RowReader
from agbento.schema import Feature, Schema, TwoValued
from agbento.values.policy import Policy
from agbento.values.reasons import REASONS
from agbento.watching.binner import Binner, middle
from tests.row_strategies import ANY_JSON, texts

FEATURES = (
    Feature("float", "float", "float64"),
    Feature("narrow", "float", "float32"),
    Feature("int", "int", "int64"),
    Feature("bool", "bool", "bool"),
    Feature("level", "category", "category", categories=("a", "b", "1", *map(str, range(20, 40)))),
    Feature("any", "category", "object"),
    Feature("date", "datetime", "datetime64[ns]"),
    Feature("zone", "datetime", "datetime64[ns, Europe/Paris]"),
    Feature("date text", "datetime", "object"),
    Feature("text", "text", "object"),
    Feature("two", "category", "object", two_valued=TwoValued("yes", "no", "custom")),
    Feature("seven", "int", "int64", two_valued=TwoValued(7)),
)
SCHEMA = Schema("y", "regression", FEATURES)
LENIENT = Policy.of({"defaults": dict.fromkeys(REASONS, "accept")}, SCHEMA)
READER = RowReader(SCHEMA, LENIENT)


def typical(i: int) -> dict[str, Any]:
    day = f"2024-{i % 12 + 1:02}-{i % 28 + 1:02}"
    return {
        "float": i * 0.37,
        "narrow": i % 7 / 10,
        "int": i % 50,
        "bool": i % 3 == 0,
        "level": str(20 + i % 15),
        "any": f"level {i % 14}",
        "date": f"{day}T12:00:00",
        "zone": f"{day}T12:00:00+02:00",
        "date text": day,
        "text": "word " * (i % 30 + 1),
        "two": "yes" if i % 4 else "no",
        "seven": 7 if i % 5 else 3,
    }


def asked(batch: Batch) -> Any:
    """A model whose answer is its first feature."""

    def ask(shuffled: str | None, rows: Any, order: Any) -> Predictions:
        held = np.asarray(batch.columns["float"], np.float64)
        return Predictions(np.nan_to_num(held[order if shuffled == "float" else rows]))

    return ask


def made(rows: Sequence[dict[str, Any]]) -> Reference:
    batch = READER.batch(rows)
    return reference("the test", SCHEMA, batch, asked(batch), {})


REFERENCE = made([typical(i) for i in range(400)])
BINNER = Binner(REFERENCE, SCHEMA)


def test_a_reference_of_every_kind() -> None:
    assert {bins.name for bins in REFERENCE.features} == {feature.name for feature in FEATURES}
    assert REFERENCE.features[0].name == "float"
    assert REFERENCE.features[0].importance == 1.0
    for bins in REFERENCE.watched:
        assert len(bins.shares) == len(bins.labels) == len(set(bins.labels)) <= MAX_BINS + 3
        assert sum(bins.shares) == pytest.approx(1)
        assert all(len(label) <= 60 and label.isprintable() for label in bins.labels)
        assert bins.labels[-2:] == (UNSEEN, MISSING)
        assert bins.shares[-2:] == (0, 0)
    by_name = {bins.name: bins for bins in REFERENCE.features}
    assert by_name["two"].labels == ("01: yes", "02: no", UNSEEN, MISSING)
    assert by_name["seven"].labels == ("01: 7", "02: not 7", UNSEEN, MISSING)
    assert by_name["seven"].shares == (0.8, 0.2, 0, 0)
    assert by_name["narrow"].labels[0] == "01: <= 0"
    assert by_name["narrow"].labels[1] == "02: <= 0.1"
    assert OTHER in by_name["any"].labels
    assert REFERENCE.prediction is not None
    assert REFERENCE.prediction.name == PREDICTION
    assert REFERENCE.target_range == pytest.approx((0.0, 399 * 0.37))
    assert REFERENCE.buckets[0] == 0
    assert REFERENCE.buckets[-1] >= 399 * 0.37
    assert 10 <= len(REFERENCE.buckets) <= 20


def slow_bin(bins: FeatureBins, feature: Feature, value: Any) -> str:
    """The label of one value as JSON gives it, by what it means."""
    batch = READER.batch([{**typical(0), feature.name: value}])
    reasons = {reason for (name, reason, _) in batch.counts if name == feature.name}
    held = batch.columns[feature.name][0]
    if reasons & {"null"} and (feature.two_valued or feature.type != "text"):
        return MISSING
    if feature.two_valued is not None:
        if reasons & {"not_finite"}:
            return MISSING
        if reasons - {"unverified_value", "date_spelling"}:
            return UNSEEN
        return bins.labels[0 if held == feature.two_valued.true else 1]
    if feature.type == "bool":
        return UNSEEN if reasons else bins.labels[bins.levels.index(held)]
    if feature.type == "category":
        return slow_level(bins, feature, held)
    number = None if reasons & {"wrong_type", "not_a_number", "not_finite"} else slow_number(feature, held)
    if number is None:
        return MISSING
    cast = np.float32 if feature.name == "narrow" else float
    return bins.labels[sum(number > float(cast(edge)) for edge in bins.edges)]


def slow_level(bins: FeatureBins, feature: Feature, held: Any) -> str:
    if held is None:
        return MISSING
    if held in bins.levels:
        return bins.labels[bins.levels.index(held)]
    return OTHER if held in (feature.categories or bins.others) else UNSEEN


def slow_number(feature: Feature, held: Any) -> float | None:
    if feature.type == "text":
        return float(len(held)) or None
    if feature.type == "datetime":
        return None if held is None else pd.Timestamp(held).value / 1e9
    return float(np.float32(held)) if feature.name == "narrow" else float(held)


def some(feature: Feature) -> st.SearchStrategy[list[Any]]:
    return st.lists(ANY_JSON | texts(feature) | st.just(typical(3)[feature.name]), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(
    st.fixed_dictionaries({feature.name: some(feature) for feature in FEATURES}),
    st.lists(st.floats(width=32), min_size=6, max_size=6),
)
def test_counts_are_those_of_a_slow_way(values: dict[str, list[Any]], numbers: list[float]) -> None:
    size = max(map(len, values.values()))
    rows = [{name: drawn[i % len(drawn)] for name, drawn in values.items()} for i in range(size)]
    answers = [np.array([number]) for number in numbers[:size]]
    batches = [READER.batch([row]) for row in rows]
    one_by_one = BINNER.count(batches, answers)
    small = [(batch, BINNER.row(batch)) for batch in batches]
    plain, rest = [row for _, row in small if row is not None], [batch for batch, row in small if row is None]
    for one, other in zip(one_by_one, BINNER.count(rest, answers, plain), strict=True):
        assert one.tolist() == other.tolist()
    together = BINNER.count([READER.batch(rows)], answers)
    by_name = {feature.name: feature for feature in FEATURES}
    for bins, one, other in zip(BINNER.watched, one_by_one, together, strict=True):
        assert one.sum() == size
        assert (one >= 0).all()
        assert one.tolist() == other.tolist(), bins.name
        if bins.name != PREDICTION:
            expected = [slow_bin(bins, by_name[bins.name], row[bins.name]) for row in rows]
            assert dict(zip(bins.labels, one, strict=True)) == {label: expected.count(label) for label in bins.labels}


def test_columns_that_are_arrays_and_odd_ones() -> None:
    batch = READER.batch([typical(i) for i in range(50)])
    frame = batch.frame()
    arrays = Batch(batch.features, 50, {str(name): np.asarray(frame[name]) for name in frame})
    answers = [np.arange(50.0)]
    for one, other in zip(BINNER.count([batch], answers), BINNER.count([arrays], answers), strict=True):
        assert one.tolist() == other.tolist()
    odd: list[Any] = [[1], {}, object(), pd.NaT, math.nan, None, "x", 10**400, b"x", 1j]
    strange = Batch(batch.features, len(odd), {feature.name: odd for feature in FEATURES})
    assert all(tally.sum() == len(odd) for tally in BINNER.count([strange], [np.array(odd, dtype=object)]))
    assert [tally.sum() for tally in BINNER.count([], [])] == [0] * len(BINNER.watched)


@given(st.lists(st.floats(-1e300, 1e300) | st.sampled_from([0.0, -0.0, 1.0, 0.1]), min_size=1), st.booleans())
@example([5e-324, 1e-323, 0.0], False)
@example([float(2**53 + i) for i in range(0, 60, 2)], False)
def test_numeric_bins(values: list[float], narrow: bool) -> None:
    dtype = np.float32 if narrow else np.float64
    with np.errstate(over="ignore"):
        numbers = np.array(values, dtype).astype(np.float64)
    numbers = numbers[np.isfinite(numbers)]
    bins = numeric_bins("x", numbers, dtype)
    assert len(bins.edges) <= MAX_BINS - 1 or len(set(numbers)) == 1
    assert list(bins.edges) == sorted(set(bins.edges))
    assert len(bins.labels) == len(set(bins.labels)) == len(bins.edges) + 3
    distinct = sorted(set(numbers.tolist()))
    if 1 < len(distinct) <= MAX_BINS:
        edges = np.array(bins.edges, dtype).astype(np.float64)
        assert np.searchsorted(edges, distinct).tolist() == list(range(len(distinct)))


def test_labels_are_short_readable_and_unique() -> None:
    assert [number_text(x) for x in (4.5, 30.0, -0.0, 1e-5, 1e22)] == ["4.5", "30", "0", "1e-05", "1e+22"]
    levels = ["x" * 100 + str(i) for i in range(5)] + ["a\nb", "\ud800", ""]
    bins = level_bins("x", dict.fromkeys(levels, 1), ())
    assert len(set(bins.labels)) == len(bins.labels)
    assert all(len(label.encode()) <= 240 and len(label) <= 60 for label in bins.labels)
    dates = numeric_bins("d", np.arange(0, 8640000.0, 86400), is_date=True)
    assert dates.labels[0] == "01: <= 1970-01-10"
    times = numeric_bins("d", np.arange(0, 6000.0, 60), is_date=True)
    assert times.labels[0] == "01: <= 1970-01-01T00:09:00"


def test_levels_beyond_the_cap_are_others() -> None:
    bins = level_bins("x", {f"l{i}": 100 - i for i in range(14)}, ("l13", "never"))
    assert bins.labels[:2] == ("01: l0", "02: l1")
    assert bins.labels[-3:] == (OTHER, UNSEEN, MISSING)
    assert bins.others == ("l10", "l11", "l12"), "those that the schema has need not be kept"
    assert OTHER not in level_bins("x", {"a": 1}, ("a", "b")).labels


@example(0.0, 1.370936926625178e-308)
@example(0.0, 5e-324)
@example(-1e-300, 1e-300)
@settings(max_examples=1000)
@given(st.floats(-1e30, 1e30), st.floats(-1e30, 1e30))
def test_buckets_are_round_and_few(one: float, other: float) -> None:
    low, high = sorted((one, other))
    found = rounded(low, high)
    assert 1 <= len(found) <= 20
    assert list(found) == sorted(set(found))
    slack = max(1e-9 * max(abs(low), abs(high)), 1e-290)  # a range that is smaller is none
    assert found[0] <= low + slack
    assert found[-1] >= high - slack


def test_psi() -> None:
    assert psi((0.5, 0.5, 0), (0.5, 0.5, 0)) == 0
    assert psi((0.6, 0.4), (0.5, 0.5)) == pytest.approx(0.1 * math.log(1.2) - 0.1 * math.log(0.8))
    assert psi((0, 1), (1, 0)) == pytest.approx(2 * (1 - FLOOR) * math.log(1 / FLOOR))
    with pytest.raises(ValueError):
        psi((1,), (0.5, 0.5))


def test_it_is_kept_as_json(tmp_path: Path) -> None:
    assert Reference.load(tmp_path) is None
    for one in (REFERENCE, Reference("none: x"), replace(REFERENCE, notes=("a is not watched",))):
        one.save(tmp_path)
        assert Reference.load(tmp_path) == one
    for text in ("", "[]", "{}", '{"format": 2}', json.dumps({**REFERENCE.to_json(), "features": [{}]}), "null"):
        (tmp_path / DRIFT).write_text(text)
        assert Reference.load(tmp_path) is None


def test_no_more_than_the_most_important_are_watched() -> None:
    schema = Schema("y", "regression", tuple(Feature(f"f{i}", "float", "float64") for i in range(40)))
    rng = np.random.default_rng(0)
    batch = Batch(schema.features, 300, {f"f{i}": rng.random(300) for i in range(40)})

    def ask(shuffled: str | None, rows: Any, order: Any) -> Predictions:
        return Predictions(sum(i * batch.columns[f"f{i}"][order if shuffled == f"f{i}" else rows] for i in range(40)))

    found = reference("x", schema, batch, ask, {"g": "it is gone"})
    assert len(found.features) == MAX_FEATURES
    assert {bins.name for bins in found.features} == {f"f{i}" for i in range(10, 40)}
    shares = [bins.importance or 0 for bins in found.features]
    assert shares == sorted(shares, reverse=True)
    assert found.notes[0] == "g is not watched: it is gone"
    assert found.notes[1].startswith("10 less important features are not watched: f9, f8")


def test_importance_ends_in_time() -> None:
    calls: list[str | None] = []

    def ask(shuffled: str | None, rows: Any, order: Any) -> Predictions:
        calls.append(shuffled)
        assert len(rows) == len(order) == ROWS
        return Predictions(np.asarray(order, np.float64))

    assert importances(["a", "b"], ask, 5000, seconds=-1) == {}
    assert calls == [None]


def test_classes_and_quantiles() -> None:
    one = Feature("x", "float", "float64")
    batch = Batch((one,), 30, {"x": [float(i) for i in range(30)]})
    classes: Schema = Schema("y", "multiclass", (one,), classes=("a", "b", "c"))

    def classify(_shuffled: str | None, rows: Any, _order: Any) -> Predictions:
        return Predictions(np.array(["ab"[int(i % 3 == 0)] for i in rows], dtype=object), np.ones((len(rows), 3)))

    found = reference("x", classes, batch, classify, {})
    assert found.prediction is not None
    assert found.prediction.labels == ("01: a", "02: b", "03: c", UNSEEN, MISSING)
    assert found.prediction.shares == pytest.approx((2 / 3, 1 / 3, 0, 0, 0))
    assert (found.buckets, found.target_range) == ((), None)
    assert [bins.importance for bins in found.features] == [None], "no answer changed"
    levels = Schema("y", "quantile", (one,), quantile_levels=(0.1, 0.4, 0.9))
    assert middle(levels) == 1

    def levels_of(_shuffled: str | None, rows: Any, _order: Any) -> Predictions:
        return Predictions(np.stack([rows - 5.0, rows * 1.0, rows + 5.0], axis=1))

    found = reference("x", levels, batch, levels_of, {})
    tallies = Binner(found, levels).count([batch], [levels_of(None, np.arange(30), None).values])
    assert found.prediction is not None
    assert (tallies[-1] / 30).tolist() == list(found.prediction.shares)
    assert found.target_range == (-5, 34)


@pytest.mark.parametrize(
    "change",
    [
        {"buckets": [3, 1, 2]},
        {"buckets": ["a"]},
        {"buckets": [None]},
        {"buckets": [10**400]},
        {"features": [{"name": 1, "kind": "levels", "labels": ["a"], "shares": [1.0]}]},
        {"features": [{"name": "a", "kind": "levels", "labels": [1], "shares": [1.0]}]},
        {"features": [{"name": "a", "kind": "numeric", "labels": ["a"], "shares": [1.0], "edges": [10**400]}]},
        {"features": [{"name": "a", "kind": "numeric", "labels": ["a"], "shares": [1e999]}]},
        {"format": 0},
    ],
)
def test_a_damaged_reference_is_none(tmp_path: Path, change: dict[str, Any]) -> None:
    REFERENCE.save(tmp_path)
    assert Reference.load(tmp_path) == REFERENCE
    data = json.loads((tmp_path / "drift.json").read_text("utf-8"))
    (tmp_path / "drift.json").write_text(json.dumps(data | change), "utf-8")
    assert Reference.load(tmp_path) is None
    (tmp_path / "drift.json").write_text("[" * 200_000, "utf-8")
    assert Reference.load(tmp_path) is None
