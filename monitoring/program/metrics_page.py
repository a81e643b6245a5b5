"""docs/metrics.md: every metric, as agbento/metrics.py defines it."""

from __future__ import annotations

from collections.abc import Iterable

from agbento.metrics import BENTOML, OURS, Metric

_HEAD = """\
# Metrics

Written by `make monitoring` from `agbento/metrics.py`, which is the only place that defines one.

`GET /metrics` of any worker gives the sums of all workers, those that were killed included; gauges are those of the
workers that live. Files of an earlier start are gone. Where a series' labels are known beforehand it is there at 0 from
the start, so its first value is not lost.

**Written** says when a value reaches the file that a scrape reads. *at once*: when the event loop has handed out what
came, before the next request is read. *flush*: at least four times a second and when the worker ends, so a worker that
is killed by SIGKILL takes at most the last quarter second of these with it; memory is looked at every 15 s. *start*:
once, when the worker is ready.

Durations have buckets from 0.1 ms to 10 s. Names that a model brings (features, classes, bins) are labels as they are,
but for characters that UTF-8 cannot write. Label values that a caller makes up are never labels.
"""
_BENTOML = """
## BentoML's

Of requests by path and status. `service_name`, `service_version` and `runner_name` are BentoML's and the same for all
series of a service. A killed worker's unanswered requests are in none of these.
"""


def page() -> str:
    """Give the page."""
    return "\n".join([_HEAD, "## The service's\n", *_table(OURS), _BENTOML, *_table(BENTOML), ""])


def _table(metrics: Iterable[Metric]) -> list[str]:
    rows = [f"| `{m.name}` | {m.kind} | {_labels(m)} | {m.help} | {m.written} | {_workers(m)} |" for m in metrics]
    return ["| metric | type | labels | what it says | written | workers |", "|---|---|---|---|---|---|", *rows]


def _labels(metric: Metric) -> str:
    names = ", ".join(f"`{name}`" for name in metric.labels)
    return f"{names}: {metric.series}" if names and metric.series else names


def _workers(metric: Metric) -> str:
    if metric.kind != "gauge":
        return "sum"
    return {"livesum": "sum", "livemax": "largest", "livemin": "least", "max": "the same"}[metric.mode]
