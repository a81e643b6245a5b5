"""All dashboards, as the files that Grafana is provisioned with."""

from __future__ import annotations

import json

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.program.dashboards import drift_board, model_board, runbook_board, service_board


def boards() -> dict[str, str]:
    """Give each dashboard's JSON by its file's name."""
    made = {
        "service.json": service_board.board(),
        "model.json": model_board.board(),
        "drift.json": drift_board.board(),
        "runbook.json": runbook_board.board(),
    }
    return {name: encoded(board) for name, board in made.items()}


def encoded(board: Dashboard) -> str:
    """Give a dashboard's JSON, the same for the same dashboard."""
    return json.dumps(board, cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"
