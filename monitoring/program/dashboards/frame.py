"""What every dashboard has around its panels: name, time, links to the others."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models.dashboard import (
    AnnotationContainer,
    Dashboard,
    DashboardCursorSync,
    DashboardDashboardTemplating,
    DashboardLink,
    DashboardLinkType,
    VariableModel,
)

from monitoring.program.dashboards.grid import Grid
from monitoring.program.dashboards.marks import marks

TAG = "autogluon-bento"
# The first is Grafana's home dashboard.
BOARDS = {name: f"{TAG}-{name}" for name in ("service", "model", "drift", "runbook")}


def framed(
    name: str, description: str, grid: Grid, variables: tuple[VariableModel, ...] = (), since: str = "now-30m"
) -> Dashboard:
    """Give a dashboard of these panels. One without variables shows no numbers, and has no marks."""
    board = (
        builders.Dashboard(f"AutoGluon {name}")
        .uid(BOARDS[name])
        .description(description)
        .tags([TAG])
        .timezone("browser")
        .readonly()
        .refresh("10s" if variables else "")
        .time(since, "now")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .build()
    )
    board.panels = list(grid.panels)
    board.templating = DashboardDashboardTemplating(list_val=list(variables))
    board.annotations = AnnotationContainer(list_val=marks() if variables else [])
    board.links = [link(other, uid) for other, uid in BOARDS.items() if other != name]
    return board


def link(name: str, uid: str) -> DashboardLink:
    """Lead to another dashboard, about the same time and replicas."""
    return DashboardLink(
        title=name.capitalize(),
        type_val=DashboardLinkType.LINK,
        icon="dashboard",
        url=f"/d/{uid}",
        include_vars=True,
        keep_time=name != "drift",
    )
