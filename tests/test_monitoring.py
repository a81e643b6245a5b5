from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import yaml

from tests.dashboards import FOLDER, Target, filled, panels, targets
from tests.running import REQUEST, ROOT, Running
from tests.watching import MONITORING, Prometheus

GRAFANA = MONITORING / "grafana"
COUNTED = 'sum(bentoml_service_request_total{endpoint="/predict"})'
SERVICE = FOLDER / "service.json"
CHOSEN = {"digest": "0123456789abcdef", "reference": "01234567", "feature": "(prediction)"}


def test_the_provisioning_is_of_one_piece() -> None:
    source = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text("utf-8"))
    provider = yaml.safe_load((GRAFANA / "provisioning/dashboards/files.yml").read_text("utf-8"))
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    assert [(s["uid"], s["url"], s["editable"]) for s in source["datasources"]] == [
        ("prometheus", "http://prometheus:9090", False)
    ]
    (folder,) = provider["providers"]
    assert folder["allowUiUpdates"] is False
    assert (
        f"./monitoring/grafana/dashboards:{folder['options']['path']}:ro" in compose["services"]["grafana"]["volumes"]
    )
    assert source["datasources"][0]["jsonData"]["timeInterval"] == scrapes()["autogluon-bento"]["scrape_interval"]


def scrapes() -> dict[str, dict[str, Any]]:
    """The scrape jobs by name, with the interval that holds for each."""
    config = yaml.safe_load((MONITORING / "prometheus.yml").read_text("utf-8"))
    return {job["job_name"]: {**config["global"], **job} for job in config["scrape_configs"]}


def test_prometheus_scrapes_the_service_of_compose() -> None:
    job = scrapes()["autogluon-bento"]
    assert job["static_configs"] == [{"targets": ["service:9696"]}]
    assert 5 <= int(job["scrape_interval"].removesuffix("s")) <= 15


@pytest.mark.prometheus
def test_promtool_accepts_the_configuration() -> None:
    done = subprocess.run(
        ["promtool", "check", "config", "--syntax-only", "--lint-fatal", str(MONITORING / "prometheus.yml")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def watched(served: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Prometheus that has seen a load on the served model for some seconds: good requests, bad ones, unknown paths."""
    with Prometheus(tmp_path_factory.mktemp("prometheus"), served.url.removeprefix("http://")) as prometheus:
        prometheus.wait_for('up{job="autogluon-bento"} == 1')
        served.post(REQUEST)
        prometheus.wait_for(f"{COUNTED} >= {served.counted('bentoml_service_request_total', endpoint='/predict')}")
        end = time.monotonic() + 6
        with ThreadPoolExecutor(2) as threads:
            while time.monotonic() < end:
                bodies = [REQUEST, [REQUEST] * 3, REQUEST, {"wrong": 1}]
                assert sorted(r.status_code // 100 for r in threads.map(served.post, bodies)) == [2, 2, 2, 4]
        yield prometheus


@pytest.mark.slow
@pytest.mark.prometheus
@pytest.mark.parametrize("target", targets(), ids=lambda target: target.where)
def test_prometheus_answers_every_panels_query(watched: Prometheus, target: Target) -> None:
    watched.query(filled(target.expr, CHOSEN))


@pytest.mark.slow
@pytest.mark.prometheus
def test_the_numbers_are_those_of_the_load(watched: Prometheus) -> None:
    shown = {panel["title"]: filled(panel["targets"][0]["expr"]) for panel in panels(SERVICE) if "targets" in panel}
    counted = watched.value(
        f"{COUNTED} - min_over_time(({COUNTED})[10m:1s])"
    )  # what others had asked before is not ours
    asked = watched.value(shown["Requests in the last minute"])
    mean, p90, p10 = (watched.value(shown[f"Inference time, {which}"]) for which in ("mean", "p90", "p10"))
    assert 0.5 * counted < asked < 1.5 * counted
    # Between 0 and the first bucket's end, 0.1 ms, a quantile is interpolated.
    assert 0 < p10 < mean < 10
    assert p10 < p90 < 10
