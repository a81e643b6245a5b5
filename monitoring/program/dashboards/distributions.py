"""What comes in beside what the model was made from, of the dashboards Drift and Model."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Panel

from agbento import drift
from monitoring.program.dashboards.panels import About, Query, bars
from monitoring.program.dashboards.queries import DRIFT
from monitoring.program.rules import names

PREDICTION = f'feature="{drift.PREDICTION}"'


def reference(feature: str) -> str:
    """Give the reference's share of each bin: set alike in every worker and replica, so the highest is all there is."""
    return f"max by (bin) ({names.DRIFT_REFERENCE}{{{DRIFT}, {feature}}})"


def current(feature: str) -> str:
    """Give the window's share of each bin; 0 where there is no verdict yet, since a bar chart needs both series."""
    shares = f"max by (bin) ({names.DRIFT_SHARE}{{{DRIFT}, {feature}}})"
    return f"{shares} or 0 * {reference(feature)}"


def side_by_side(about: About, feature: str) -> Panel:
    """Show the bins of one feature, the reference's beside the window's."""
    return bars(about, "bin", Query(reference(feature), "reference"), Query(current(feature), "now"))
