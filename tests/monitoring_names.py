"""The names of the series that Prometheus has of the service, as a query may name them."""

from __future__ import annotations

import re

from agbento.metrics import BENTOML, OURS
from monitoring.program.rules.recording import recording
from monitoring.program.runbook import entries


def known_metrics() -> set[str]:
    """Every name that a scrape gives, histograms by their three series each, and every name that a rule records."""
    found = {"up", "ALERTS"} | {rule["record"] for group in recording()["groups"] for rule in group["rules"]}
    for metric in (*OURS, *BENTOML):
        parts = ("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",)
        found |= {f"{metric.name}{part}" for part in parts}
    return found


def runbook_queries() -> list[tuple[str, str]]:
    """Every query of docs/runbook.md, with the alert that it is of."""
    return [
        (entry.name, query.strip())
        for entry in entries()
        for query in re.findall(r"```promql\n(.*?)```", entry.markdown, re.DOTALL)
    ]
