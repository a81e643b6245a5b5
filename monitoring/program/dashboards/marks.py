"""Marks on every graph: when alerts fired, and when another model began to serve."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import AnnotationQuery

from monitoring.program.dashboards.panels import SOURCE
from monitoring.program.dashboards.queries import JOB

# A model that was away for less than this is no other one when it is back.
SERVED_BEFORE = "1h"


class PrometheusAnnotation(AnnotationQuery):
    """A query's series as marks, with the title that Grafana's Prometheus source reads and the SDK's model lacks."""

    def __init__(self, name: str, expr: str, title: str, color: str) -> None:
        super().__init__(name=name, datasource=SOURCE, icon_color=color, expr=expr)
        self.title = title

    def to_json(self) -> dict[str, object]:
        """Give the model's own fields, and the title."""
        return super().to_json() | {"titleFormat": self.title}


def marks() -> list[AnnotationQuery]:
    """Give the marks of every dashboard that shows numbers."""
    models = f"agbento_model_info{{{JOB}}}"
    # Grafana asks at about a hundred moments, however long the time shown is: what is new stays so from one to the
    # next. A restart is shorter than the window, and no new model.
    before = f"present_over_time({models}[{SERVED_BEFORE}] offset $__interval)"
    new = f"count by (tag, digest) ({models}) unless on (digest) {before}"
    return [
        PrometheusAnnotation("Alerts", 'ALERTS{alertstate="firing"}', "{{alertname}} ({{severity}})", "red"),
        PrometheusAnnotation("Models", new, "Model {{tag}} ({{digest}})", "blue"),
    ]
