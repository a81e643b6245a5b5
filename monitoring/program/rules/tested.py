"""promtool's tests of the alerts: written by hand, but for the links, which follow the runbook and GRAFANA_URL."""

from __future__ import annotations

import re
from pathlib import Path

from monitoring.program.runbook import url

FOLDER = Path(__file__).parents[2] / "tests"


def tests() -> dict[str, str]:
    """Give every file of tests with the links that its alerts have now: name → text."""
    return {file.name: _linked(file.read_text("utf-8")) for file in sorted(FOLDER.glob("*.yml"))}


def _linked(text: str) -> str:
    alert, lines = "", []
    for line in text.splitlines():
        if found := re.search(r"alertname: (\w+)", line):
            alert = found[1]
        before, link, _ = line.partition("runbook_url: ")
        lines.append(f"{before}{link}{url(alert)}" if link else line)
    return "\n".join(lines) + "\n"
