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
        # A flush is many writes, and a scrape may fall between them: what is asked for is what is waited for.
        counted, times = (metric, 1) if labels == "classes" else (f"{metric}_count", len(model[labels]))
        prometheus.wait_for("agbento_rows_total")
        assert running.post(list(islice(example_rows(model["features"]), ROWS))).status_code == 200
        prometheus.wait_for(f"sum({counted}) == {ROWS * times}")
        asked = [target.expr for target in targets(BOARD) if metric in target.expr]
        assert asked
        for query in asked:
            found = prometheus.query(filled(query, {"digest": model["digest"][:16], "__rate_interval": "20s"}))
            assert len(found) == len(model[labels]), query
        if labels == "classes":
            assert prometheus.value(f"sum({metric})") == ROWS
