"""The rules, the alerts and the runbook's queries under promtool and a real Prometheus."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from monitoring.program.rules.alerting import alerting
from monitoring.program.rules.rulefile import write
from monitoring.program.thresholds import DEFAULT
from tests.monitoring_names import runbook_queries
from tests.test_rules import TESTS, WRITTEN
from tests.watching import SMALL, Prometheus

pytestmark = pytest.mark.prometheus


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)


def test_promtool_accepts_the_rules() -> None:
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", *WRITTEN)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_rules_and_alerts_do_as_their_tests_say(file: Path) -> None:
    done = promtool("test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_feature_is_left_out_whatever_it_is_called(tmp_path: Path) -> None:
    thresholds = replace(DEFAULT, undrifting=("sold on", 'a"b\\c', "tag-1|é(2)"))
    (tmp_path / "alerts.yml").write_text(write(alerting(thresholds)), "utf-8")
    done = promtool("check", "rules", tmp_path / "alerts.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Prometheus with the project's rules and nothing to scrape."""
    with Prometheus(tmp_path_factory.mktemp("prometheus"), "127.0.0.1:9", rules=SMALL) as started:
        started.wait_for('ALERTS{alertname="ServiceDown", alertstate="firing"}')
        yield started


@pytest.mark.parametrize(("alert", "query"), runbook_queries(), ids=[name for name, _ in runbook_queries()])
def test_every_query_of_the_runbook_runs(prometheus: Prometheus, alert: str, query: str) -> None:
    prometheus.query(query)


def test_a_service_that_is_not_there_is_down_and_nothing_else(prometheus: Prometheus) -> None:
    firing = {sample["metric"]["alertname"] for sample in prometheus.query('ALERTS{alertstate="firing"}')}
    assert firing == {"ServiceDown"}
    groups = prometheus.query("prometheus_rule_group_rules")
    failures = prometheus.query("prometheus_rule_evaluation_failures_total > 0")
    assert len(groups) == 11
    assert failures == []
