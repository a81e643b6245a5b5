"""docs/metrics.md, agbento/metrics.py and what a running service really gives: all three the same."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agbento.metrics import BENTOML, OURS
from agbento.watching.trace import REASONS
from agbento.watching.traffic import STATUSES
from monitoring.program.metrics_page import page
from tests.running import ROOT, Running

# What a model need not have: classes or numbers, batches, a drift reference.
SOMETIMES = {"agbento_predictions_total", "agbento_predicted_value"} | {m.name for m in OURS if "_drift_" in m.name}


def test_the_page_is_as_it_would_be_written() -> None:
    assert (ROOT / "docs" / "metrics.md").read_text("utf-8") == page(), "run `make monitoring`"


def test_the_page_names_every_metric_once() -> None:
    for metric in (*OURS, *BENTOML):
        assert page().count(f"| `{metric.name}` |") == 1


@pytest.mark.slow
def test_a_service_gives_what_is_defined_and_nothing_else(served: Running) -> None:
    served.post({"wrong": 1})
    found = {family.name: family for family in text_string_to_metric_families(served.metrics())}
    found = {name + ("_total" if family.type == "counter" else ""): family for name, family in found.items()}
    defined = {metric.name: metric for metric in (*OURS, *BENTOML)}
    assert set(found) <= set(defined)
    assert set(defined) - set(found) <= SOMETIMES
    for name, family in found.items():
        assert family.type == defined[name].kind
        assert family.documentation == defined[name].help or defined[name] in BENTOML
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(defined[name].labels), sample


@pytest.mark.slow
def test_what_is_known_beforehand_is_there_before_anything_is_asked(sample_tag: str, bentoml_home: Path) -> None:
    with Running(bentoml_home, {"MODEL_TAG": sample_tag, "SERVICE_WORKERS": "2"}) as running:
        text = running.metrics()
    families = list(text_string_to_metric_families(text))
    samples = {(s.name, *sorted(s.labels.items())) for family in families for s in family.samples}
    # Whatever other services have counted in this BENTOML_HOME before.
    counted = [s for f in families if f.type == "counter" for s in f.samples if s.labels.get("endpoint") != "/readyz"]
    assert not [
        s
        for s in counted
        if s.value and s.name not in ("agbento_worker_cpu_seconds_total", "agbento_worker_starts_total")
    ]
    for reason in REASONS:
        assert ("agbento_predict_errors_total", ("reason", reason)) in samples
    asked = [s.labels for s in counted if s.name == "bentoml_service_request_total"]
    assert {one["http_response_code"] for one in asked if one["endpoint"] == "/predict"} == set(map(str, STATUSES))


@pytest.mark.slow
@pytest.mark.prometheus
def test_promtool_accepts_what_a_service_gives(served: Running) -> None:
    command = ["promtool", "check", "metrics"]
    done = subprocess.run(command, input=served.metrics(), capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
