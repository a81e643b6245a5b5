"""The alerts, as data."""

from __future__ import annotations

from typing import Any

from monitoring.program.rules.burn_alerts import objectives
from monitoring.program.rules.model_alerts import drift, model, quality
from monitoring.program.rules.service_alerts import saturation, service
from monitoring.program.thresholds import DEFAULT, Thresholds


def alerting(thresholds: Thresholds = DEFAULT) -> dict[str, Any]:
    """Give the content of the alert file."""
    return {"groups": [part(thresholds) for part in (service, objectives, saturation, quality, drift, model)]}
