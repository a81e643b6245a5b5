"""The recording rules, as data."""

from __future__ import annotations

from typing import Any

from monitoring.program.rules.drift_rules import drift
from monitoring.program.rules.request_rules import requests
from monitoring.program.rules.state_rules import model, quality, saturation
from monitoring.program.thresholds import DEFAULT, Thresholds


def recording(thresholds: Thresholds = DEFAULT) -> dict[str, Any]:
    """Give the content of the rule file."""
    return {"groups": [part(thresholds) for part in (requests, quality, saturation, model, drift)]}
