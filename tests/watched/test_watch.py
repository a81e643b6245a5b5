"""What a worker counts: as much as was told to it, from however many threads, and all of it written."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from agbento.bins import MISSING, UNSEEN, FeatureBins
from agbento.drift import PREDICTION, Reference
from agbento.errors import Fault
from agbento.metrics import STAGES, ServiceMetrics
from agbento.predictor import Predictions
from agbento.rows import Batch
from agbento.schema import Feature, Schema
from agbento.values.policy import Policy
from agbento.values.reasons import reasons_of
from agbento.watching.drift_series import DriftSeries
from agbento.watching.inputs import MAX_FEATURES
from agbento.watching.outputs import MAX_CLASSES
from agbento.watching.trace import REASONS, Trace
from agbento.watching.watch import ROWS, Watch

FEATURE = Feature("a", "float", "float64")
SCHEMA = Schema("y", "regression", (FEATURE,))
BUCKETS = (0.0, 10.0)

Value = Callable[..., float | None]


def watched(schema: Schema = SCHEMA) -> tuple[Watch, Value]:
    """A watch, and what gives the value of a metric once all is written."""
    registry = CollectorRegistry()
    watch = Watch(ServiceMetrics(registry, BUCKETS), schema, Policy.default(schema))

    def value(name: str, **labels: str) -> float | None:
        watch.flush()
        return registry.get_sample_value(name, labels)

    return watch, value


def batch(rows: int) -> Batch:
    return Batch((FEATURE,), rows, {"a": [1.0] * rows})


def test_all_that_is_known_beforehand_is_there_at_zero() -> None:
    _, value = watched()
    for reason in REASONS:
        assert value("agbento_predict_errors_total", reason=reason) == 0
    for stage in STAGES:
        assert value("agbento_stage_duration_seconds_count", stage=stage) == 0
    for outcome in ("answered", "rejected"):
        assert value("agbento_rows_total", outcome=outcome) == 0
    actions = Policy.default(SCHEMA).actions["a"]
    for reason in reasons_of(FEATURE):
        assert value("agbento_values_off_total", feature="a", reason=reason, action=actions[reason]) == 0
    assert value("agbento_predicted_value_count", digest="", level="") == 0


def test_a_request_that_was_answered() -> None:
    watch, value = watched()
    trace = Trace("POST", "/predict")
    trace.status, trace.rows, trace.body_bytes, trace.response_bytes = 200, 3, 100, 50
    trace.parse, trace.validate, trace.predict, trace.encode = 0.1, 0.2, 0.3, 0.4
    watch.ended(trace)
    assert value("agbento_request_rows_sum") == 3
    assert value("agbento_request_body_bytes_sum") == 100
    assert value("agbento_response_body_bytes_sum") == 50
    for stage, seconds in zip(STAGES, (0.1, 0.2, 0.3, 0.4), strict=True):
        assert value("agbento_stage_duration_seconds_sum", stage=stage) == pytest.approx(seconds)
    assert not any(value("agbento_predict_errors_total", reason=reason) for reason in REASONS)


@pytest.mark.parametrize(
    ("status", "reason"),
    [(422, "invalid_rows"), (503, "overloaded"), (504, "timed_out"), (500, "internal"), (0, "client_left")],
)
def test_a_request_that_was_not(status: int, reason: str) -> None:
    watch, value = watched()
    trace = Trace("POST", "/predict")
    trace.status = status
    watch.ended(trace)
    assert value("agbento_predict_errors_total", reason=reason) == 1
    assert value("agbento_stage_duration_seconds_count", stage="parse") == 0
    assert value("agbento_request_rows_count") == 0


def test_rows_and_values_are_counted_whoever_counts_them() -> None:
    watch, value = watched()
    each, threads = 40, 8

    def predict() -> None:
        for i in range(each):
            watch.predicted([batch(20)], Predictions(np.full(20, float(i % 20))), 0.001)

    running = [threading.Thread(target=predict) for _ in range(threads)]
    for thread in running:
        thread.start()
    while any(thread.is_alive() for thread in running):
        watch.flush()
    assert value("agbento_rows_total", outcome="answered") == each * threads * 20
    assert value("agbento_inference_duration_seconds_count") == each * threads
    assert value("agbento_predicted_value_count", digest="", level="") == each * threads * 20
    assert value("agbento_predicted_value_bucket", digest="", level="", le="10.0") == threads * 2 * 11 * 20


def test_many_rows_do_not_wait_for_a_flush() -> None:
    registry = CollectorRegistry()
    watch = Watch(ServiceMetrics(registry, BUCKETS), SCHEMA, Policy.default(SCHEMA))
    for rows in (1, ROWS - 2):
        watch.predicted([batch(rows)], Predictions(np.zeros(rows)), 0.001)
    assert registry.get_sample_value("agbento_rows_total", {"outcome": "answered"}) == 0
    watch.predicted([batch(1)], Predictions(np.zeros(1)), 0.001)
    assert registry.get_sample_value("agbento_rows_total", {"outcome": "answered"}) == ROWS


def test_what_was_off() -> None:
    watch, value = watched()
    watch.read(Counter({("a", "null", "accept"): 2, ("", "unused_column", "accept"): 3}))
    faults = [Fault(0, "a", "not_a_number", "", ""), Fault(1, "made up", "unused_column", "", "")]
    watch.rejected(5, [*faults, Fault(1, None, "not_an_object", "", "")])
    assert value("agbento_rows_total", outcome="rejected") == 5
    assert value("agbento_values_off_total", feature="a", reason="null", action="accept") == 2
    assert value("agbento_values_off_total", feature="a", reason="not_a_number", action="reject") == 1
    assert value("agbento_values_off_total", feature="", reason="unused_column", action="accept") == 3
    assert value("agbento_values_off_total", feature="", reason="unused_column", action="reject") == 1
    assert value("agbento_values_off_total", feature="", reason="not_an_object", action="reject") == 1


def test_features_beyond_the_cap_are_counted_together() -> None:
    features = tuple(Feature(f"f{i}", "float", "float64") for i in range(MAX_FEATURES + 2))
    watch, value = watched(Schema("y", "regression", features))
    watch.read(Counter({(f"f{i}", "null", "accept"): 1 for i in range(MAX_FEATURES + 2)}))
    assert value("agbento_values_off_total", feature="f99", reason="null", action="accept") == 1
    assert value("agbento_values_off_total", feature="f100", reason="null", action="accept") is None
    assert value("agbento_values_off_total", feature="(others)", reason="null", action="accept") == 2


@pytest.mark.parametrize("classes", [("no", "yes"), (0, 1), (False, True), ("\ud800", "b")])
def test_classes(classes: tuple[Any, ...]) -> None:
    watch, value = watched(Schema("y", "binary", (FEATURE,), classes=classes))
    labels = [str(name).encode("utf-8", "backslashreplace").decode() for name in classes]
    assert [value("agbento_predictions_total", digest="", **{"class": label}) for label in labels] == [0, 0]
    for dtype in (object, None) if "\ud800" not in classes else (object,):
        said = np.array([classes[1], classes[0], classes[1]], dtype=dtype)
        watch.predicted([batch(3)], Predictions(said, np.zeros((3, 2))), 0.001)
    told = [value("agbento_predictions_total", digest="", **{"class": label}) for label in labels]
    assert told in ([2, 4], [1, 2])
    assert value("agbento_predicted_value_count", digest="", level="") is None


def test_classes_beyond_the_cap_are_counted_together() -> None:
    classes = tuple(range(MAX_CLASSES + 3))
    watch, value = watched(Schema("y", "multiclass", (FEATURE,), classes=classes))
    watch.predicted([batch(len(classes))], Predictions(np.array(classes, object), np.zeros((1, 1))), 0.001)
    assert value("agbento_predictions_total", digest="", **{"class": "99"}) == 1
    assert value("agbento_predictions_total", digest="", **{"class": "(others)"}) == 3


def test_each_level_of_a_quantile_regression() -> None:
    watch, value = watched(Schema("y", "quantile", (FEATURE,), quantile_levels=(0.1, 0.9)))
    watch.predicted([batch(2)], Predictions(np.array([[1.0, 20.0], [2.0, 30.0]])), 0.001)
    assert value("agbento_predicted_value_sum", digest="", level="0.1") == 3
    assert value("agbento_predicted_value_bucket", digest="", level="0.1", le="10.0") == 2
    assert value("agbento_predicted_value_bucket", digest="", level="0.9", le="10.0") == 0
    assert value("agbento_predicted_value_sum", digest="", level="0.9") == 50


def test_the_models_thread() -> None:
    watch, value = watched()
    watch.turned([0.1, 0.3], 5)
    assert value("agbento_queue_wait_seconds_sum") == pytest.approx(0.4)
    assert value("agbento_batch_requests_sum") == 2
    assert value("agbento_batch_rows_sum") == 5


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    """What is logged, also where BentoML has configured its loggers in this process."""
    monkeypatch.setattr(logging.getLogger("bentoml"), "propagate", True)
    return caplog


def test_what_cannot_be_counted_is_answered_all_the_same(logged: pytest.LogCaptureFixture) -> None:
    watch, value = watched()
    watch.predicted([batch(1)], Predictions(np.array(["no number"], object)), 0.001)
    watch.flush()
    assert "could not be counted" in logged.text
    watch.predicted([batch(1)], Predictions(np.zeros(1)), 0.001)
    assert value("agbento_predicted_value_count", digest="", level="") == 1


def test_the_loop_flushes_and_closing_writes_the_rest() -> None:
    registry = CollectorRegistry()
    watch = Watch(ServiceMetrics(registry), SCHEMA, Policy.default(SCHEMA))

    def answered() -> float | None:
        return registry.get_sample_value("agbento_rows_total", {"outcome": "answered"})

    async def serve() -> None:
        watch.start()
        watch.predicted([batch(1)], Predictions(np.zeros(1)), 0.001)
        end = time.monotonic() + 20
        while answered() != 1 or not registry.get_sample_value("agbento_memory_used_bytes"):
            assert time.monotonic() < end
            await asyncio.sleep(0.01)
        watch.predicted([batch(1)], Predictions(np.zeros(1)), 0.001)
        watch.close()
        assert answered() == 2

    asyncio.run(serve())
    assert (registry.get_sample_value("agbento_worker_memory_bytes") or 0) > 1e6
    assert (registry.get_sample_value("agbento_worker_cpu_seconds_total") or 0) > 0


REFERENCE = Reference(
    "rows of a test",
    4,
    (FeatureBins("a", "numeric", ("01: <= 1", "02: > 1", UNSEEN, MISSING), (0.5, 0.25, 0.0, 0.25), edges=(1.0,)),),
    FeatureBins(PREDICTION, "numeric", ("01: <= 5", "02: > 5", UNSEEN, MISSING), (0.5, 0.5, 0.0, 0.0), edges=(5.0,)),
)


def test_every_bin_is_there_at_zero_and_beside_its_reference() -> None:
    registry = CollectorRegistry()
    metrics = ServiceMetrics(registry, BUCKETS)
    watch = Watch(metrics, SCHEMA, Policy.default(SCHEMA), DriftSeries(metrics, REFERENCE, SCHEMA, "abc"))

    def bins(name: str) -> dict[tuple[str, str], float]:
        watch.flush()
        samples = (sample for family in registry.collect() for sample in family.samples if sample.name == name)
        return {(s.labels["feature"], s.labels["bin"]): s.value for s in samples if s.labels["digest"] == "abc"}

    named = [(bins.name, *one) for bins in REFERENCE.watched for one in zip(bins.labels, bins.shares, strict=True)]
    expected = {(name, label): share for name, label, share in named}
    assert bins("agbento_drift_reference_ratio") == expected
    assert bins("agbento_drift_values_total") == dict.fromkeys(expected, 0)
    assert (
        registry.get_sample_value("agbento_drift_reference_rows", {"digest": "abc", "reference": REFERENCE.hash}) == 4
    )
    watch.predicted([Batch((FEATURE,), 3, {"a": [1.0, 2.0, None]})], Predictions(np.array([5.0, 6.0, np.nan])), 0.001)
    found = bins("agbento_drift_values_total")
    assert found["a", "01: <= 1"] == found["a", "02: > 1"] == found["a", MISSING] == 1
    assert found[PREDICTION, "01: <= 5"] == found[PREDICTION, "02: > 5"] == 1
    assert sum(found.values()) == 6


def test_a_reference_of_another_model_is_no_reason_not_to_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: pytest.LogCaptureFixture
) -> None:
    registry = CollectorRegistry()
    monkeypatch.setattr("agbento.watching.watch.ServiceMetrics", lambda bounds: ServiceMetrics(registry, bounds))
    other = Schema("y", "regression", (Feature("b", "float", "float64"),))
    REFERENCE.save(tmp_path)
    Watch.of(tmp_path, other, Policy.default(other), "0123456789abcdef0123").flush()
    assert "does not fit the model" in logged.text
