"""The graphs of the dashboard Service."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Panel

from monitoring.program.dashboards.panels import About, Query, graph, heat
from monitoring.program.dashboards.queries import (
    INFERENCE,
    INTERVAL,
    JOB,
    PREDICT,
    REQUEST,
    REQUESTS,
    SELECTED,
    mean,
    quantile,
    rate,
)
from monitoring.program.dashboards.service_numbers import IDLE, WINDOW
from monitoring.program.dashboards.slo_panels import AVAILABILITY_BURNS, LATENCY_BURNS
from monitoring.program.dashboards.tables import Column, table_panel
from monitoring.program.rules import names
from monitoring.program.thresholds import DEFAULT

QUANTILES = (("p99", 0.99), ("p90", 0.9), ("p50", 0.5), ("p10", 0.1))


def quantiles(histogram: str, selector: str) -> list[Query]:
    """Give a histogram's quantiles and its mean."""
    several = [Query(quantile(q, histogram, selector), name) for name, q in QUANTILES]
    return [*several, Query(mean(histogram, selector), "mean")]


def buckets(histogram: str, selector: str) -> str:
    """Give how many observations fell into each bucket."""
    return f"sum by (le) (increase({histogram}_bucket{{{selector}}}[{INTERVAL}]))"


def times() -> list[Panel]:
    """Give how long the model and whole requests take."""
    inference = About(
        "Inference time",
        "Time that the model took for one call, its rows together: no HTTP, no parsing. Compare with the time to "
        "answer: what grows there only is waiting or reading.",
        "s",
        LATENCY_BURNS[:1],
        no_value=IDLE,
    )
    answer = About(
        "Time to answer",
        "Time of POST /predict within the service, from its first byte to its answer: reading, checking, waiting, "
        "the model, writing. If it grows and inference does not, see queue wait and CPU. The dashed line is the "
        "objective.",
        "s",
        LATENCY_BURNS,
        (("transparent", None), ("red", DEFAULT.latency_seconds)),
        IDLE,
    )
    spread = "darker is more. Two bands are two kinds of requests, one that widens upwards is load."
    return [
        graph(inference, *quantiles(INFERENCE, SELECTED)),
        graph(answer, *quantiles(REQUEST, PREDICT)),
        heat(
            About("Inference time, all calls", f"How many calls of the model took how long; {spread}", "s"),
            buckets(INFERENCE, SELECTED),
        ),
        heat(
            About("Time to answer, all requests", f"How many requests to /predict took how long; {spread}", "s"),
            buckets(REQUEST, PREDICT),
        ),
    ]


def traffic() -> list[Panel]:
    """Give requests, rows and bytes."""
    asked = About(
        "Requests in the last minute, by status",
        "Answers of POST /predict in the 60 s before each point, by status. Many 4xx: a caller sends what the model "
        "does not take. Any 5xx: the service fails.",
        "short",
        no_value=IDLE,
        decimals=0,
    )
    rows = About(
        "Rows a second",
        "Rows answered, and rows rejected because the model does not take them. If rejected rows grow, see below which "
        "feature and why.",
        "cps",
        ("RejectedRowsRising",),
    )
    size = About(
        "Bytes of a request and of its answer, mean",
        "Mean size of what callers send and get. A sudden growth explains slower requests; too large ones get 413.",
        "bytes",
        no_value=IDLE,
    )
    by_status = f"sum by (http_response_code) (increase({REQUESTS}{{{PREDICT}}}[{WINDOW}]))"
    sizes = {"request": "agbento_request_body_bytes", "answer": "agbento_response_body_bytes"}
    return [
        graph(asked, Query(by_status, "{{http_response_code}}")),
        graph(rows, Query(rate("agbento_rows_total", by="outcome"), "{{outcome}}")),
        graph(size, *(Query(mean(histogram), name) for name, histogram in sizes.items())),
    ]


def failures() -> list[Panel]:
    """Give what fails, over time."""
    errors = About(
        "Share of answers that are errors",
        "4xx: what callers sent was refused. 5xx: the service failed, which spends the availability budget.",
        "percentunit",
        AVAILABILITY_BURNS,
        no_value=IDLE,
    )
    reasons = About(
        "Errors a second, by reason",
        "Requests to /predict without a prediction, by reason. overloaded: add replicas; timed_out: see inference "
        "time; internal: the log has the traceback; all others are the callers'.",
        "reqps",
        (*AVAILABILITY_BURNS[:1], "RejectedRowsRising"),
    )
    quality = About(
        "Rejected rows, and warnings a row",
        f"Over {DEFAULT.quality_window}: share of rows that were rejected, and warnings for each row. If either "
        "rises, a caller or its data has changed: the table below names the feature.",
        "percentunit",
        ("RejectedRowsRising", "WarningsRising"),
    )
    total = f"({rate(REQUESTS, PREDICT)} > 0)"
    codes = {name: f'{PREDICT}, http_response_code=~"{name[0]}.."' for name in ("4xx", "5xx")}
    return [
        graph(errors, *(Query(f"{rate(REQUESTS, codes[name])} / {total}", name) for name in codes)),
        graph(reasons, Query(rate("agbento_predict_errors_total", by="reason"), "{{reason}}"), stacked=True),
        graph(
            quality,
            Query(f"max({names.ROWS_REJECTED}{{{JOB}}})", "rejected"),
            Query(f"max(sum by (job) ({names.VALUES_WARNED}{{{JOB}}}))", "warnings"),
        ),
    ]


def lists() -> list[Panel]:
    """Give the features that are off, and the alerts."""
    off = About(
        "Features that are off, most often first",
        "Values in the time shown that are not as in training, by feature, reason and what was done: the 20 most "
        "frequent. Tell the caller, or allow them with the service's settings; docs/values.md says what each reason "
        "is.",
        "short",
        ("RejectedRowsRising", "WarningsRising"),
        no_value="none",
        decimals=0,
    )
    alerts = About(
        "Alerts that fire",
        "Alerts that fire now, whatever job they are of. An alert's name leads to the dashboard Runbook, which has "
        "an entry for each.",
        "short",
        no_value="none",
    )
    counted = "sum by (feature, reason, action) (increase(agbento_values_off_total{" + SELECTED + "}[$__range]))"
    fired = Column("Series", 'count by (alertname, severity, job, instance) (ALERTS{alertstate="firing"})', hidden=True)
    named = {"alertname": "Alert", "severity": "Severity", "job": "Job", "instance": "Replica"}
    return [
        table_panel(
            off,
            {"feature": "Feature", "reason": "Reason", "action": "Action"},
            Column("Values", f"topk(20, {counted} > 0)"),
            worst="Values",
        ),
        table_panel(alerts, named, fired, links={"Alert": "/d/autogluon-bento-runbook"}),
    ]
