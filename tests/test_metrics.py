from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from agbento.metrics import BENTOML, DURATION_BUCKETS, INFERENCE, OURS, Metric, ServiceMetrics
from tests.running import ROOT


def test_buckets_go_from_a_tenth_of_a_millisecond_to_ten_seconds() -> None:
    assert (DURATION_BUCKETS[0], DURATION_BUCKETS[-1]) == (0.0001, 10.0)
    assert list(DURATION_BUCKETS) == sorted(set(DURATION_BUCKETS))


def test_inference_time_is_a_histogram_in_seconds() -> None:
    registry = CollectorRegistry()
    ServiceMetrics(registry).inference.observe(0.0002)
    text = generate_latest(registry).decode()
    assert 'agbento_inference_duration_seconds_bucket{le="0.00025"} 1.0' in text
    assert 'agbento_inference_duration_seconds_bucket{le="0.0001"} 0.0' in text


@pytest.mark.parametrize("metric", [*OURS, *BENTOML], ids=lambda metric: metric.name)
def test_names_follow_the_rules_of_prometheus(metric: Metric) -> None:
    # https://prometheus.io/docs/practices/naming/
    assert metric.name.startswith(("agbento_", "bentoml_"))
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert bool(metric.buckets) == (metric.kind == "histogram")
    assert not metric.help.endswith(".")
    assert not set(metric.labels) & {"le", "quantile", "job", "instance"}


def test_each_metric_is_made_as_it_is_defined() -> None:
    registry = CollectorRegistry()
    ServiceMetrics(registry)
    made = {family.name: family for family in registry.collect()}
    assert {name + ("_total" if made[name].type == "counter" else "") for name in made} == {m.name for m in OURS}
    for metric in OURS:
        family = made[metric.name.removesuffix("_total") if metric.kind == "counter" else metric.name]
        assert (family.type, family.documentation) == (metric.kind, metric.help)


TWO_PROCESSES = """
import sys
from agbento.metrics import ServiceMetrics
metrics = ServiceMetrics()
metrics.inference.observe_many([0.2] * int(sys.argv[1]))
metrics.drift_reference.labels("d", "r", "f", "b").set(0.25)
metrics.rows.labels("answered").inc(int(sys.argv[1]))
"""
SCRAPE = """
import sys
from prometheus_client import CollectorRegistry, generate_latest, multiprocess
registry = CollectorRegistry()
multiprocess.MultiProcessCollector(registry)
sys.stdout.write(generate_latest(registry).decode())
"""


def test_processes_add_up_and_a_reference_is_one(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for count in ("2", "3"):
        subprocess.run([sys.executable, "-c", TWO_PROCESSES, count], env=environment, cwd=ROOT, check=True, timeout=60)
    done = subprocess.run(
        [sys.executable, "-c", SCRAPE],
        env=environment,
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    samples = {s.name: s.value for f in text_string_to_metric_families(done.stdout) for s in f.samples}
    assert samples["agbento_inference_duration_seconds_count"] == 5
    assert samples["agbento_rows_total"] == 5
    assert samples["agbento_drift_reference_ratio"] == 0.25
    assert INFERENCE.name in done.stdout
