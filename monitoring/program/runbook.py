"""The runbook's entries: docs/runbook.md by its headings, as alerts link to them and a dashboard shows them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from monitoring.program.thresholds import GRAFANA_URL

FILE = Path(__file__).parents[2] / "docs" / "runbook.md"
DASHBOARD = "autogluon-bento-runbook"  # its uid in Grafana

_HEADING = re.compile(r"^## (\w+)\n+", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """What to do about one alert: a panel of the dashboard."""

    name: str
    panel_id: int
    markdown: str


@cache
def entries() -> tuple[Entry, ...]:
    """Read the entries, in the page's order; what stands before the first is none."""
    _, *parts = _HEADING.split(FILE.read_text("utf-8"))
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return tuple(Entry(name, at, text.strip() + "\n") for at, (name, text) in enumerate(pairs, 1))


def url(name: str) -> str:
    """Link to the panel of one alert. A Grafana needs no internet for it."""
    (entry,) = (entry for entry in entries() if entry.name == name)
    return f"{GRAFANA_URL}/d/{DASHBOARD}?viewPanel=panel-{entry.panel_id}"
