"""Every metric: the only place that defines one, with its name, type, labels, and what it says.

`docs/metrics.md` is written from here. Ours begin with ``agbento_``; those of BentoML that are used are listed beside
them. Values live in files of the folder PROMETHEUS_MULTIPROC_DIR, one set a process; a scrape of any worker adds them
up, a gauge as its ``mode`` says (`prometheus_client`'s multiprocess modes).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge

from agbento.histogram import ManyHistogram

Kind = Literal["counter", "gauge", "histogram"]
Mode = Literal["livesum", "livemax", "livemin", "max"]
# When a value reaches the file: as soon as the event loop has handed out what came, or with the next flush.
Written = Literal["at once", "flush", "start"]

# Seconds, 0.1 ms to 10 s: a compiled model answers in the first buckets, a large ensemble in the last.
DURATION_BUCKETS: Final = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
    *(0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
ROWS_BUCKETS: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 10_000.0, 100_000.0)
BYTES_BUCKETS: Final = tuple(float(4**power) for power in range(4, 13))  # 256 B to 16 MiB
OTHERS: Final = "(others)"  # features, or classes, beyond those that have series of their own
STAGES: Final = ("parse", "validate", "predict", "encode")


@dataclass(frozen=True)
class Metric:
    """One metric. ``series`` says how many there are of it, where labels make that a question."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    mode: Mode = "livesum"
    written: Written = "flush"
    series: str = ""

    def counter(self, registry: CollectorRegistry) -> Counter:
        """Make the counter."""
        return Counter(self.name, self.help, self.labels, registry=registry)

    def gauge(self, registry: CollectorRegistry) -> Gauge:
        """Make the gauge."""
        return Gauge(self.name, self.help, self.labels, registry=registry, multiprocess_mode=self.mode)

    def histogram(self, registry: CollectorRegistry, buckets: Iterable[float] = ()) -> ManyHistogram:
        """Make the histogram, with ``buckets`` where they are the model's."""
        bounds = tuple(buckets) or self.buckets
        return ManyHistogram(self.name, self.help, self.labels, buckets=bounds, registry=registry)


# Requests to /predict.
ERRORS = Metric(
    "agbento_predict_errors_total",
    "counter",
    "Requests to /predict without a good answer, by reason",
    ("reason",),
    series="one a reason, as docs/requests.md lists them",
)
REQUEST_ROWS = Metric("agbento_request_rows", "histogram", "Rows of a request to /predict", buckets=ROWS_BUCKETS)
BODY_BYTES = Metric(
    "agbento_request_body_bytes", "histogram", "Size of the body of a request to /predict", buckets=BYTES_BUCKETS
)
RESPONSE_BYTES = Metric(
    "agbento_response_body_bytes", "histogram", "Size of the body of an answer of /predict", buckets=BYTES_BUCKETS
)
STAGE = Metric(
    "agbento_stage_duration_seconds",
    "histogram",
    "Time that an answered request to /predict spent in a stage; predict is the call of the model that answered it",
    ("stage",),
    DURATION_BUCKETS,
    series=f"{', '.join(STAGES)}",
)
INFERENCE = Metric(
    "agbento_inference_duration_seconds",
    "histogram",
    "Time that the model took for one call of predict, its rows together",
    buckets=DURATION_BUCKETS,
)
QUEUE_WAIT = Metric(
    "agbento_queue_wait_seconds",
    "histogram",
    "Time that a request waited for the model's thread; few rows of a fast model need not",
    buckets=DURATION_BUCKETS,
)
BATCH_ROWS = Metric("agbento_batch_rows", "histogram", "Rows of one turn of the model's thread", buckets=ROWS_BUCKETS)
BATCH_REQUESTS = Metric(
    "agbento_batch_requests",
    "histogram",
    "Requests that one turn of the model's thread answers together",
    buckets=(1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0),
)
REQUESTS_LIMIT = Metric(
    "agbento_requests_limit", "gauge", "Requests that all workers together take at a time", written="start"
)

# Workers, and what they use of the machine.
WORKERS = Metric("agbento_workers", "gauge", "Worker processes that are ready to answer", written="start")
WORKER_STARTS = Metric(
    "agbento_worker_starts_total",
    "counter",
    "Workers that got ready, those that were replaced included",
    written="start",
)
WORKERS_WANTED = Metric(
    "agbento_workers_wanted", "gauge", "Worker processes that there should be", mode="livemax", written="start"
)
MEMORY = Metric(
    "agbento_worker_memory_bytes",
    "gauge",
    "Memory of all workers: their proportional set size, in which what they share is counted once",
)
MEMORY_USED = Metric(
    "agbento_memory_used_bytes",
    "gauge",
    "Memory that counts against the limit: the container's without what can be dropped, else that of all processes",
    mode="livemax",
)
MEMORY_LIMIT = Metric(
    "agbento_memory_limit_bytes",
    "gauge",
    "Memory that may be used: the container's limit, else the machine's",
    mode="livemax",
    written="start",
)
CPU = Metric("agbento_worker_cpu_seconds_total", "counter", "CPU time of all workers")
CORES = Metric("agbento_cpu_cores", "gauge", "Cores that may be used", mode="livemax", written="start")

# The model.
MODEL_INFO = Metric(
    "agbento_model_info",
    "gauge",
    "1: which model is served, what serves it (compiled or stock), and why it is not the compiled one",
    ("tag", "digest", "label", "problem_type", "autogluon_version", "served", "why"),
    mode="livemax",
    written="start",
    series="one; two where workers differ",
)
COMPILED = Metric(
    "agbento_compiled",
    "gauge",
    "1 where the compiled predictor serves in every worker, 0 where AutoGluon's own does",
    mode="livemin",
    written="start",
)
LOAD_SECONDS = Metric(
    "agbento_model_load_seconds",
    "gauge",
    "Time that loading and warming the model took in the slowest worker",
    mode="livemax",
    written="start",
)
MODEL_CREATED = Metric(
    "agbento_model_created_timestamp_seconds",
    "gauge",
    "When MLflow logged the model, or when it was imported where MLflow does not say; since 1970",
    mode="livemax",
    written="start",
)
PREDICTIONS = Metric(
    "agbento_predictions_total",
    "counter",
    "Predicted rows, by class",
    ("digest", "class"),
    series="one a class, at most 101; none unless the model classifies",
)
PREDICTED_VALUE = Metric(
    "agbento_predicted_value",
    "histogram",
    "Predicted numbers, in buckets of the model's own range; level is the quantile's, empty for a regression",
    ("digest", "level"),
    # Where an import kept no range of the model's: orders of magnitude.
    (-1e6, -1e4, -100.0, -1.0, 0.0, 1.0, 100.0, 1e4, 1e6),
    series="one a level; none where the model classifies",
)

# What came in.
ROWS = Metric(
    "agbento_rows_total",
    "counter",
    "Rows that were predicted, and rows of requests that were rejected for a value",
    ("outcome",),
    series="answered, rejected",
)
VALUES_OFF = Metric(
    "agbento_values_off_total",
    "counter",
    "Values of requests that were off, by feature, reason, and what the policy did: reject, warn or accept",
    ("feature", "reason", "action"),
    series="at most 101 features, with three to eight reasons each",
)

# Drift.
DRIFT_VALUES = Metric(
    "agbento_drift_values_total",
    "counter",
    "Values of predicted rows, by feature and bin of the reference",
    ("digest", "reference", "feature", "bin"),
    series="at most 31 features with 13 bins each",
)
DRIFT_REFERENCE = Metric(
    "agbento_drift_reference_ratio",
    "gauge",
    "Share of the reference in the bin; the same in every worker and replica",
    ("digest", "reference", "feature", "bin"),
    mode="max",
    written="start",
    series="as agbento_drift_values_total",
)
DRIFT_ROWS = Metric(
    "agbento_drift_reference_rows",
    "gauge",
    "Rows of the reference",
    ("digest", "reference"),
    mode="max",
    written="start",
)
DRIFT_IMPORTANCE = Metric(
    "agbento_drift_importance_ratio",
    "gauge",
    "Share of the feature in how much predictions change when a feature's values are shuffled",
    ("digest", "reference", "feature"),
    mode="max",
    written="start",
    series="at most 30",
)

OURS: Final = (
    *(ERRORS, REQUEST_ROWS, BODY_BYTES, RESPONSE_BYTES, STAGE, INFERENCE, QUEUE_WAIT, BATCH_ROWS, BATCH_REQUESTS),
    *(REQUESTS_LIMIT, WORKERS, WORKERS_WANTED, WORKER_STARTS, MEMORY, MEMORY_USED, MEMORY_LIMIT, CPU, CORES),
    *(MODEL_INFO, COMPILED, LOAD_SECONDS, MODEL_CREATED, PREDICTIONS, PREDICTED_VALUE, ROWS, VALUES_OFF),
    *(DRIFT_VALUES, DRIFT_REFERENCE, DRIFT_ROWS, DRIFT_IMPORTANCE),
)

_ENDPOINT = ("endpoint", "http_response_code", "service_name", "service_version", "runner_name")
# BentoML's own (bentoml/_internal/server/http/instruments.py): made there, listed here for who reads /metrics.
BENTOML: Final = (
    Metric(
        "bentoml_service_request_total",
        "counter",
        "Requests that were answered, by path and status; a path that does not exist is /{unknown}",
        _ENDPOINT,
        written="at once",
        series="of /predict, one a status from the start",
    ),
    Metric(
        "bentoml_service_request_duration_seconds",
        "histogram",
        "Time from a request's head to the end of its answer",
        _ENDPOINT,
        DURATION_BUCKETS,
        written="at once",
        series="as bentoml_service_request_total",
    ),
    Metric(
        "bentoml_service_request_in_progress",
        "gauge",
        "Requests that are being answered now",
        ("endpoint", "service_name", "service_version", "runner_name"),
        written="at once",
    ),
    Metric(
        "bentoml_service_last_request_timestamp_seconds",
        "gauge",
        "When the last request came, by worker; since 1970",
        ("service_name", "service_version", "runner_name", "pid"),
        written="at once",
    ),
)


class ServiceMetrics:
    """The service's own metrics in one registry; one instance a process.

    ``bounds`` are the upper ends of the buckets of predicted values; none: those of the definition.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY, bounds: Iterable[float] = ()) -> None:
        self.errors = ERRORS.counter(registry)
        self.request_rows = REQUEST_ROWS.histogram(registry)
        self.body_bytes = BODY_BYTES.histogram(registry)
        self.response_bytes = RESPONSE_BYTES.histogram(registry)
        self.stage: Any = STAGE.histogram(registry)
        self.inference = INFERENCE.histogram(registry)
        self.queue_wait = QUEUE_WAIT.histogram(registry)
        self.batch_rows = BATCH_ROWS.histogram(registry)
        self.batch_requests = BATCH_REQUESTS.histogram(registry)
        self.requests_limit = REQUESTS_LIMIT.gauge(registry)
        self.workers = WORKERS.gauge(registry)
        self.workers_wanted = WORKERS_WANTED.gauge(registry)
        self.worker_starts = WORKER_STARTS.counter(registry)
        self.memory = MEMORY.gauge(registry)
        self.memory_used = MEMORY_USED.gauge(registry)
        self.memory_limit = MEMORY_LIMIT.gauge(registry)
        self.cpu = CPU.counter(registry)
        self.cores = CORES.gauge(registry)
        self.model_info = MODEL_INFO.gauge(registry)
        self.compiled = COMPILED.gauge(registry)
        self.load_seconds = LOAD_SECONDS.gauge(registry)
        self.model_created = MODEL_CREATED.gauge(registry)
        self.predictions = PREDICTIONS.counter(registry)
        self.predicted_value: Any = PREDICTED_VALUE.histogram(registry, bounds)
        self.rows = ROWS.counter(registry)
        self.values_off = VALUES_OFF.counter(registry)
        self.drift_values = DRIFT_VALUES.counter(registry)
        self.drift_reference = DRIFT_REFERENCE.gauge(registry)
        self.drift_rows = DRIFT_ROWS.gauge(registry)
        self.drift_importance = DRIFT_IMPORTANCE.gauge(registry)


def as_label(text: str) -> str:
    """Give text that UTF-8 can encode: a column's name may hold a lone surrogate."""
    return text.encode("utf-8", "backslashreplace").decode()
