"""The dashboard Runbook: what to do about each alert, where no other page can be reached."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.program import runbook
from monitoring.program.dashboards.frame import framed
from monitoring.program.dashboards.grid import Grid
from monitoring.program.dashboards.panels import note


def board() -> Dashboard:
    """Give the dashboard: the entries first, so that a panel's number is its entry's."""
    grid = Grid()
    grid.add(12, 14, *(note(entry.name, entry.markdown) for entry in runbook.entries()))
    return framed("runbook", "What to do about each alert, as in docs/runbook.md.", grid)
