"""Where the time of requests goes, of the dashboard Model."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Panel

from monitoring.program.dashboards.panels import About, Query, graph
from monitoring.program.dashboards.queries import mean, quantile
from monitoring.program.dashboards.slo_panels import LATENCY_BURNS

STAGE = "agbento_stage_duration_seconds"


def stages() -> list[Panel]:
    """Give where a request's time goes."""
    means = About(
        "Time of a request by stage, mean",
        "Seconds of one request spent in each stage, stacked. parse and encode grow with bytes, validate with "
        "columns, predict with the model and with waiting for it.",
        "s",
        LATENCY_BURNS,
        no_value="no requests",
    )
    slow = About(
        "Time of a request by stage, p99",
        "99 of 100 requests spent no longer in the stage. A stage far above its mean is where slow requests are slow.",
        "s",
        LATENCY_BURNS,
        no_value="no requests",
    )
    return [
        graph(means, Query(mean(STAGE, by="stage"), "{{stage}}"), stacked=True),
        graph(slow, Query(quantile(0.99, STAGE, by="stage"), "{{stage}}")),
    ]


def batches() -> list[Panel]:
    """Give how requests share calls of the model, and how long they wait for it."""
    idle = "no calls of the model's thread"
    sizes = About(
        "Rows and requests of a call, mean",
        "What one call of the model's thread answers. Above 1 request, batching is at work; small models answer at "
        "once and have no such calls.",
        "short",
        no_value=idle,
    )
    wait = About(
        "Queue wait",
        "Time that a request waited for the model's thread. If it nears the inference time, add workers or replicas.",
        "s",
        ("InFlightSaturated", "CpuSaturated"),
        no_value=idle,
    )
    rows = About(
        "Rows of a request",
        "Rows of the requests to /predict, interpolated between buckets. Larger requests take longer and hold up "
        "small ones.",
        "short",
        no_value="no requests",
    )
    called = {"rows": "agbento_batch_rows", "requests": "agbento_batch_requests"}
    waited = "agbento_queue_wait_seconds"
    points = (("p99", 0.99), ("p50", 0.5))
    return [
        graph(sizes, *(Query(mean(histogram), name) for name, histogram in called.items())),
        graph(wait, *(Query(quantile(q, waited), name) for name, q in points), Query(mean(waited), "mean")),
        graph(rows, *(Query(quantile(q, "agbento_request_rows"), name) for name, q in points)),
    ]
