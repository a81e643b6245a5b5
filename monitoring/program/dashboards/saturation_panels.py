"""What is used of what there is, of the dashboard Service."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Panel

from monitoring.program.dashboards.panels import About, Query, graph, stat_panel
from monitoring.program.dashboards.queries import PREDICT, SELECTED, rate
from monitoring.program.rules import names
from monitoring.program.thresholds import DEFAULT


def panels() -> list[Panel]:
    """Give what is used of what there is."""
    flight = f"sum(bentoml_service_request_in_progress{{{PREDICT}}})"
    pairs = {
        "Requests in flight": (
            "POST /predict that has begun and is not answered, and how many all workers take at once. At the limit "
            "callers get 503: add replicas or workers.",
            "short",
            "InFlightSaturated",
            {"in flight": flight, "limit": f"sum(agbento_requests_limit{{{SELECTED}}})"},
        ),
        "Workers": (
            "Processes that have loaded the model and answer, and how many are wanted. Fewer for minutes: the log "
            "says why.",
            "short",
            "NotReady",
            {"ready": f"sum(agbento_workers{{{SELECTED}}})", "wanted": f"sum(agbento_workers_wanted{{{SELECTED}}})"},
        ),
        "Memory": (
            "Memory that counts against the limit, the limit, and the workers' own part, what they share counted once. "
            "A steady climb is a leak: restart, report.",
            "bytes",
            "MemorySaturated",
            {
                "used": f"sum(agbento_memory_used_bytes{{{SELECTED}}})",
                "of it the workers": f"sum(agbento_worker_memory_bytes{{{SELECTED}}})",
                "limit": f"sum(agbento_memory_limit_bytes{{{SELECTED}}})",
            },
        ),
        "CPU": (
            "Cores that all workers keep busy, and those that they may use. At the limit requests wait: add replicas.",
            "short",
            "CpuSaturated",
            {"used": rate("agbento_worker_cpu_seconds_total"), "cores": f"sum(agbento_cpu_cores{{{SELECTED}}})"},
        ),
    }
    return [
        graph(About(title, text, unit, (alert,)), *(Query(expr, name) for name, expr in series.items()))
        for title, (text, unit, alert, series) in pairs.items()
    ]


def starts() -> Panel:
    """Give how often workers were replaced."""
    about = About(
        "Worker starts",
        "Workers that got ready in the time shown, on replicas that were up before. More than roll-outs explain: "
        "workers die; the log says of what, and near the limit of memory it is the kernel.",
        "short",
        ("NotReady", "MemorySaturated"),
        no_value="none",
        decimals=0,
    )
    return stat_panel(about, f"sum(increase(agbento_worker_starts_total{{{SELECTED}}}[$__range]))")


def fullest() -> Panel:
    """Give what alerts judge by."""
    limits = sorted({DEFAULT.saturated, DEFAULT.memory, DEFAULT.cpu})
    about = About(
        "Fullest replica",
        "Share that the fullest replica uses of each limit; one far above the others gets more than its share of "
        f"requests. Alerts, at the dashed lines: in flight {DEFAULT.saturated:.0%}, memory {DEFAULT.memory:.0%}, "
        f"CPU {DEFAULT.cpu:.0%}.",
        "percentunit",
        ("InFlightSaturated", "MemorySaturated", "CpuSaturated"),
        (("transparent", None), *(("red", limit) for limit in limits)),
    )
    shares = {"in flight": names.IN_FLIGHT, "memory": names.MEMORY, "CPU": names.CPU}
    return graph(about, *(Query(f"max({rule}{{{SELECTED}}})", name) for name, rule in shares.items()))
