"""The first dashboard: is the service up, is it fast, how much is it asked, what fails and why, how near is a limit."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.program.dashboards import saturation_panels, service_graphs, service_numbers, slo_panels, variables
from monitoring.program.dashboards.frame import framed
from monitoring.program.dashboards.grid import Grid


def board() -> Dashboard:
    """Give the dashboard."""
    grid = Grid()
    grid.add(4, 4, *service_numbers.pace(), *service_numbers.state())
    grid.row("Is it fast?")
    grid.add(12, 8, *service_graphs.times())
    grid.row("How much traffic?")
    grid.add(8, 7, *service_graphs.traffic())
    grid.row("What fails, and why?")
    grid.add(8, 8, *service_graphs.failures())
    grid.add(12, 8, *service_graphs.lists())
    grid.row("How near is a limit?")
    grid.add(19, 6, saturation_panels.fullest())
    grid.add(5, 6, saturation_panels.starts())
    grid.add(6, 7, *saturation_panels.panels())
    grid.row("Service level and error budget")
    grid.add(12, 8, *slo_panels.panels())
    chosen = (variables.datasource(), variables.job(), variables.instance())
    return framed("service", "Is it up, is it fast, how much is it asked, what fails and why.", grid, chosen)
