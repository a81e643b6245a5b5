"""The Model dashboard of what a regression has none of: classes, and the levels of a quantile regression."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
import requests

from agbento.examples import example_rows
from tests.dashboards import FILES, filled, targets
from tests.served_models import OddHome
from tests.watching import Prometheus

ROWS = 40
(BOARD,) = (file for file in FILES if file.stem == "model")


@pytest.mark.slow
@pytest.mark.prometheus
@pytest.mark.parametrize(
    ("kind", "metric", "labels"),
    [
        ("multiclass", "agbento_predictions_total", "classes"),
        ("quantile", "agbento_predicted_value", "quantile_levels"),
    ],
)
def test_what_is_predicted_is_shown(odd_home: OddHome, tmp_path: Path, kind: str, metric: str, labels: str) -> None:
    with odd_home.serve(kind) as running, Prometheus(tmp_path, running.url.removeprefix("http://")) as prometheus:
        model = requests.get(f"{running.url}/model", timeout=60).json()
        metric_of_all = f"{metric}_count" if labels == "quantile_levels" else metric
        each = ROWS * (len(model[labels]) if labels == "quantile_levels" else 1)
        prometheus.wait_for("agbento_rows_total")
        assert running.post(list(islice(example_rows(model["features"]), ROWS))).status_code == 200
        prometheus.wait_for(f"sum({metric_of_all}) == {each}")
        asked = [target.expr for target in targets(BOARD) if metric in target.expr]
        assert asked
        for query in asked:
            found = prometheus.query(filled(query, {"digest": model["digest"][:16], "__rate_interval": "20s"}))
            assert len(found) == len(model[labels]), query
        if labels == "classes":
            assert prometheus.value(f"sum({metric})") == ROWS
