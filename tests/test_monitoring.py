from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.running import REQUEST, ROOT, Running
from tests.watching import MONITORING, Prometheus

GRAFANA = MONITORING / "grafana"
DASHBOARDS = sorted((GRAFANA / "dashboards").glob("*.json"))
# What Grafana would fill in for a panel of a thousand points over some minutes, at a scrape a second.
VARIABLES = {"$__rate_interval": "4s", "$__interval": "1s", "$__range": "60s"}


def load(file: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return read


def targets() -> list[tuple[str, str]]:
    """Every query of every panel: where it is, and its text."""
    found = []
    for file in DASHBOARDS:
        for panel in load(file)["panels"]:
            found += [(f"{file.stem}: {panel['title']} {t['refId']}", t["expr"]) for t in panel.get("targets", ())]
    return found


def filled(query: str) -> str:
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    return query


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


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_a_dashboard_needs_nothing_filled_in(file: Path) -> None:
    dashboard = load(file)
    assert re.fullmatch(r"[a-z0-9-]{1,40}", dashboard["uid"])
    assert "id" not in dashboard
    assert not {"__inputs", "__requires"} & dashboard.keys()
    assert set(re.findall(r"\$\w+", file.read_text("utf-8"))) <= VARIABLES.keys()
    assert dashboard["editable"] is False


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_panels_say_what_they_show(file: Path) -> None:
    panels = load(file)["panels"]
    ids = [panel["id"] for panel in panels]
    assert len(set(ids)) == len(ids)
    for panel in panels:
        assert panel["title"]
        assert len(panel["description"]) > 20
        assert panel["fieldConfig"]["defaults"]["unit"]
        sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        assert sources == [{"type": "prometheus", "uid": "prometheus"}] * len(sources)
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs) > 0


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_panels_lie_side_by_side(file: Path) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in load(file)["panels"]:
        at = panel["gridPos"]
        assert at["x"] >= 0
        assert at["x"] + at["w"] <= 24
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert (x, y) not in taken, f"{panel['title']} lies over {taken[x, y]}"
                taken[x, y] = panel["title"]


def test_the_first_dashboard_answers_the_two_first_questions() -> None:
    panels = {panel["title"]: panel for panel in load(GRAFANA / "dashboards" / "service.json")["panels"]}
    assert [target["legendFormat"] for target in panels["Inference time"]["targets"]] == ["p90", "mean", "p10"]
    assert panels["Inference time"]["fieldConfig"]["defaults"]["unit"] == "s"
    assert "[1m]" in panels["Requests in the last minute"]["targets"][0]["expr"]


@pytest.mark.prometheus
def test_promtool_accepts_the_configuration() -> None:
    done = subprocess.run(
        ["promtool", "check", "config", "--lint-fatal", str(MONITORING / "prometheus.yml")],
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
        time.sleep(2)
        end = time.monotonic() + 6
        with ThreadPoolExecutor(2) as threads:
            while time.monotonic() < end:
                bodies = [REQUEST, [REQUEST] * 3, REQUEST, {"wrong": 1}]
                assert sorted(r.status_code // 100 for r in threads.map(served.post, bodies)) == [2, 2, 2, 4]
        yield prometheus


@pytest.mark.slow
@pytest.mark.prometheus
@pytest.mark.parametrize(("where", "query"), targets(), ids=[where for where, _ in targets()])
def test_every_panels_query_gives_data(watched: Prometheus, where: str, query: str) -> None:
    for name in re.findall(r"\b(?:agbento|bentoml)_\w+", query):
        assert watched.query(name), f"{where}: no series {name}"
    # The load has ended: the short windows are asked about the time in which it ran.
    values = [float(sample["value"][1]) for sample in watched.query(f"last_over_time(({filled(query)})[20s:1s])")]
    assert values
    assert all(value >= 0 for value in values)


@pytest.mark.slow
@pytest.mark.prometheus
def test_the_numbers_are_those_of_the_load(watched: Prometheus) -> None:
    panels = {p["title"]: p["targets"][0]["expr"] for p in load(GRAFANA / "dashboards" / "service.json")["panels"]}
    counted = watched.value('sum(bentoml_service_request_total{endpoint="/predict"})')
    asked = watched.value(panels["Requests in the last minute"])
    mean, p90, p10 = (watched.value(panels[f"Inference time, {which}"]) for which in ("mean", "p90", "p10"))
    assert 0.5 * counted < asked < 1.5 * counted
    assert 0.0001 < p10 < mean < 10
    assert p10 < p90 < 10
