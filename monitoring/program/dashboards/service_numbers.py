"""The numbers at the top of the dashboard Service, to be read from across the room."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Panel

from monitoring.program.dashboards.panels import About, Steps, stat_panel
from monitoring.program.dashboards.queries import INFERENCE, JOB, PREDICT, REQUESTS, SELECTED, mean, quantile
from monitoring.program.dashboards.slo_panels import AVAILABILITY_BURNS, LATENCY_BURNS
from monitoring.program.rules import names
from monitoring.program.thresholds import DEFAULT

WINDOW = "1m"
ASKED = f"sum(increase({REQUESTS}{{{PREDICT}}}[{WINDOW}]))"
FAILED = f'sum(increase({REQUESTS}{{{PREDICT}, http_response_code=~"5.."}}[{WINDOW}]))'
IDLE = "no requests"

ALL_OR_RED: Steps = (("red", None), ("green", 1))
NONE_OR_RED: Steps = (("green", None), ("red", 1))
LEFT: Steps = (("red", None), ("yellow", 0.1), ("green", 0.5))
ALLOWED = round(1 - DEFAULT.availability, 6)
LOST: Steps = (("green", None), ("yellow", ALLOWED), ("red", 10 * ALLOWED))


def pace() -> list[Panel]:
    """Give how much the service is asked, how long the model takes, and how much fails."""
    calls = "calls of the model in the last 60 s took no longer; interpolated between buckets."
    text = {
        "asked": "Answers of POST /predict in the last 60 s, of every status. 0 where there should be traffic: see "
        "whether replicas are up, and whether callers reach them.",
        "mean": "Mean time that the model took for one call, its rows together, over the last 60 s. If it grows, "
        "see on the dashboard Model whether requests or batches have.",
        "p90": f"90 of 100 {calls} If it grows, see the CPU below, and the stages on the dashboard Model.",
        "p10": f"10 of 100 {calls} The pace of an unhurried call: if it grows too, all calls are slower, not some.",
        "failed": "Share of the last minute's requests that the service failed to answer. Look at the reasons below.",
        "firing": "Alerts that fire now, whatever job they are of. They are listed below and marked on every graph; "
        "the dashboard Runbook says what to do about each.",
    }
    asked = About("Requests in the last minute", text["asked"], "short", ("ServiceDown",), decimals=0)
    failed = About("Requests that failed (5xx)", text["failed"], "percentunit", AVAILABILITY_BURNS[:1], LOST, IDLE)
    return [
        # Without the 0 it would be the last number of a service that is dead.
        stat_panel(asked, f"{ASKED} or vector(0)", spark=True),
        stat_panel(About("Inference time, mean", text["mean"], "s", no_value=IDLE), mean(INFERENCE, window=WINDOW)),
        stat_panel(
            About("Inference time, p90", text["p90"], "s", LATENCY_BURNS[:1], no_value=IDLE),
            quantile(0.9, INFERENCE, window=WINDOW),
        ),
        stat_panel(
            About("Inference time, p10", text["p10"], "s", no_value=IDLE),
            quantile(0.1, INFERENCE, window=WINDOW),
        ),
        stat_panel(failed, f"{FAILED} / ({ASKED} > 0)"),
        stat_panel(
            About("Alerts firing", text["firing"], "short", steps=NONE_OR_RED, decimals=0),
            'count(ALERTS{alertstate="firing"}) or vector(0)',
        ),
    ]


def state() -> list[Panel]:
    """Give what is up, what is full, and what is left of the error budgets."""
    up = About(
        "Replicas up",
        "Share of the replicas that answer Prometheus. Below 100%: read the log of the one that is down.",
        "percentunit",
        ("ServiceDown", "ScrapeMissing", "InstanceRestarts"),
        ALL_OR_RED,
        "none",
    )
    ready = About(
        "Workers ready",
        "Workers that have loaded the model, of those wanted. Below 100% for long: the log says what they lack.",
        "percentunit",
        ("NotReady", "WorkersRestart"),
        ALL_OR_RED,
        "none",
    )
    flying = About(
        "In flight, of the limit",
        "Requests begun and not answered, as a share of what the workers take at once; the fullest replica. At 100% "
        "callers get 503: add replicas.",
        "percentunit",
        ("InFlightSaturated",),
        nearing(DEFAULT.saturated),
    )
    full = About(
        "Memory, of the limit",
        "Memory that counts against the limit, as a share of it; the fullest replica. Near 100% the kernel kills a "
        "worker: raise the limit, or run fewer.",
        "percentunit",
        ("MemorySaturated",),
        nearing(DEFAULT.memory),
    )
    return [
        stat_panel(up, f"avg(up{{{SELECTED}}})"),
        stat_panel(ready, f"sum(agbento_workers{{{SELECTED}}}) / sum(agbento_workers_wanted{{{SELECTED}}})"),
        stat_panel(flying, f"max({names.IN_FLIGHT}{{{SELECTED}}})"),
        stat_panel(full, f"max({names.MEMORY}{{{SELECTED}}})"),
        *budgets(),
    ]


def nearing(limit: float) -> Steps:
    """Colour a share by how near it is to where an alert begins."""
    return ("green", None), ("yellow", round(0.8 * limit, 3)), ("red", limit)


def budgets() -> list[Panel]:
    """Give what is left of the error budgets."""
    text = f"Share of the error budget of {DEFAULT.budget} that is left; below 0 the objective is missed. "
    failed = text + "Too much fails: see why below."
    late = text + "Too much is slow: see the stages on the dashboard Model."
    return [
        stat_panel(
            About("Availability budget left", failed, "percentunit", AVAILABILITY_BURNS, LEFT, least=None),
            f"min({names.AVAILABILITY_BUDGET}{{{JOB}}})",
        ),
        stat_panel(
            About("Latency budget left", late, "percentunit", LATENCY_BURNS, LEFT, least=None),
            f"min({names.LATENCY_BUDGET}{{{JOB}}})",
        ),
    ]
