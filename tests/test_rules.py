from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from agbento.metrics import DURATION_BUCKETS
from monitoring.program import __main__ as program
from monitoring.program.files import ALERTS, RULES, differing, files
from monitoring.program.rules import names
from monitoring.program.rules.alerting import alerting
from monitoring.program.rules.promql import number, percent, seconds
from monitoring.program.rules.recording import recording
from monitoring.program.runbook import entries, url
from monitoring.program.thresholds import DEFAULT, Thresholds
from tests.dashboards import metrics_of
from tests.monitoring_names import known_metrics, runbook_queries
from tests.running import ROOT
from tests.watching import MONITORING, SMALL

TESTS = sorted((MONITORING / "tests").glob("*.yml"))
WRITTEN = sorted(path for folder in (RULES, ALERTS) for path in (ROOT / folder).glob("*.yml"))
# Recorded names: what they are aggregated to, what of, and how.
LEVELS = r"job|job_instance|job_feature|job_digest_reference_feature|job_digest_reference_feature_bin"
NAME = re.compile(rf"(?P<level>{LEVELS}):agbento_[a-z_]+:[a-z_]+(?:\d+[smhd])?")


def rules(content: dict[str, Any]) -> list[dict[str, Any]]:
    return [rule for group in content["groups"] for rule in group["rules"]]


ALERT_RULES = {rule["alert"]: rule for rule in rules(alerting())}


def test_the_files_are_what_the_program_makes() -> None:
    assert not differing()
    assert {path.relative_to(ROOT) for path in WRITTEN} == {p for p in files() if p.parent in (RULES, ALERTS)}


def test_the_program_names_what_differs_and_mends_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["--check"], tmp_path) == 1
    assert not list(tmp_path.iterdir())
    assert "monitoring/rules/drift.yml: not what monitoring/program makes of it; `make monitoring`" in (
        capsys.readouterr().err
    )
    assert program.main([], tmp_path) == 0
    assert program.main(["--check"], tmp_path) == 0
    (tmp_path / RULES / "drift.yml").write_text("groups: []\n", "utf-8")
    capsys.readouterr()
    assert program.main(["--check"], tmp_path) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_every_alert_has_its_entry_in_the_runbook() -> None:
    assert [entry.name for entry in entries()] == list(ALERT_RULES)
    for entry in entries():
        parts = [entry.markdown.index(f"**{part}.**") for part in ("Meaning", "Impact", "Mend")]
        assert parts == sorted(parts)
        assert parts[1] < entry.markdown.index("**Look at**") < parts[2]
        assert "```promql" in entry.markdown


def test_every_alert_says_what_it_is_about() -> None:
    for name, rule in ALERT_RULES.items():
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert seconds(rule["for"]) > 0
        assert rule["annotations"]["runbook_url"] == url(name)
        # Of what is not there at all there is no number, and of what serves there is a name.
        assert "$value" in rule["annotations"]["summary"] or name in ("ScrapeMissing", "StockPredictorServes")
        assert "$labels.job" in rule["annotations"]["summary"]


def test_every_alert_is_tested_silent_and_firing() -> None:
    tested = set()
    for file in TESTS:
        content = yaml.safe_load(file.read_text("utf-8"))
        step = seconds(content["evaluation_interval"])
        for test in content["tests"]:
            cases = test.get("alert_rule_test", ())
            silent = {(case["alertname"], seconds(case["eval_time"])) for case in cases if not case["exp_alerts"]}
            firing = {(case["alertname"], seconds(case["eval_time"])) for case in cases if case["exp_alerts"]}
            tested |= {name for name, at in firing if (name, at - step) in silent}
    assert tested == ALERT_RULES.keys()


def test_the_addresses_in_the_tests_follow_the_runbooks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitoring.program.runbook.GRAFANA_URL", "https://grafana.example")
    stale = differing()
    assert set(TESTS) == {ROOT / path for path in stale if path.parent.name == "tests"}
    assert "http://localhost:3000" not in "".join(files().values())


def test_alertmanagers_example_tells_nobody_and_names_what_there_is() -> None:
    config = yaml.safe_load((MONITORING / "alertmanager.yml").read_text("utf-8"))
    (receiver,) = config["receivers"]
    assert [hook["url"] for hook in receiver["webhook_configs"]] == ["http://alerts.example.invalid/webhook"]
    routes = [config["route"], *config["route"]["routes"]]
    assert {route["receiver"] for route in routes} == {receiver["name"]}
    matchers = [m for rule in config["inhibit_rules"] for m in rule["source_matchers"] + rule["target_matchers"]]
    for matcher in matchers:
        (pattern,) = re.findall(r'alertname=~?"(.*)"', matcher)
        assert any(re.fullmatch(pattern, name) for name in ALERT_RULES), matcher


def test_recorded_names_have_level_metric_and_operation() -> None:
    for rule in rules(recording()):
        found = NAME.fullmatch(rule["record"])
        assert found, rule["record"]
        # The level is what the expression keeps: each begins with an aggregation, or with one that does.
        kept = {label for by in re.findall(r"by \(([^)]*)\)", rule["expr"]) for label in by.split(", ")}
        assert not kept or kept >= set(found["level"].split("_")), rule["record"]


def test_every_metric_that_is_named_is_known() -> None:
    known = known_metrics()
    texts = [(rule.get("record") or rule["alert"], rule["expr"]) for rule in rules(recording()) + rules(alerting())]
    for where, text in texts + runbook_queries():
        assert metrics_of(text), where
        assert metrics_of(text) <= known, where


def test_names_stay_where_windows_change() -> None:
    assert {r["record"] for r in rules(recording(SMALL))} == {r["record"] for r in rules(recording())}
    assert {r["alert"] for r in rules(alerting(SMALL))} == set(ALERT_RULES)
    text = str(recording(SMALL)) + str(alerting(SMALL))
    windows = set(re.findall(r"\[(\w+)\]", text))
    assert max(map(seconds, windows)) <= 60


def test_one_name_is_not_two_windows() -> None:
    slow = dataclasses.replace(DEFAULT.burns[1], long="7h")
    with pytest.raises(ValueError, match="called 6h is both 7h and 6h"):
        names.windows(dataclasses.replace(DEFAULT, burns=(DEFAULT.burns[0], slow, DEFAULT.burns[2])))


def test_thresholds_fit_what_they_are_held_against() -> None:
    assert DEFAULT.latency_seconds in DURATION_BUCKETS
    config = yaml.safe_load((MONITORING / "prometheus.yml").read_text("utf-8"))
    assert config["global"]["evaluation_interval"] == DEFAULT.evaluation
    assert set(DEFAULT.jobs) <= {job["job_name"] for job in config["scrape_configs"]}
    compose = (ROOT / "compose.yaml").read_text("utf-8")
    (kept,) = re.findall(r"retention\.time=(\w+)", compose)
    assert seconds(DEFAULT.budget) < seconds(kept)


def test_several_jobs_are_watched_alike() -> None:
    two = Thresholds(jobs=("prices", "risks"))
    text = str(rules(recording(two)) + rules(alerting(two)))
    assert 'job="autogluon-bento"' not in text
    assert 'agbento_rows_total{job=~"prices|risks"}' in text
    (missing,) = (rule for rule in rules(alerting(two)) if rule["alert"] == "ScrapeMissing")
    assert missing["expr"] == 'absent(up{job="prices"})\nor\nabsent(up{job="risks"})'


def test_a_feature_that_always_drifts_is_left_out_by_its_name() -> None:
    none, some = (
        {rule["alert"]: rule["expr"] for rule in rules(alerting(thresholds))}
        for thresholds in (DEFAULT, dataclasses.replace(DEFAULT, undrifting=("sold.on", 'the "day"')))
    )
    assert r"""{feature!~"\\(prediction\\)"}""" in none["FeatureDrift"]
    assert r"""{feature!~"\\(prediction\\)|sold\\.on|the\\ \"day\""}""" in some["FeatureDrift"]
    assert some["PredictionDrift"] == none["PredictionDrift"]


def test_only_what_lasts_for_hours_outlives_a_restart() -> None:
    kept = {name: rule["keep_firing_for"] for name, rule in ALERT_RULES.items() if "keep_firing_for" in rule}
    lasting = ("FeatureDrift", "PredictionDrift", "ModelTooOld", "StockPredictorServes")
    assert kept == dict.fromkeys(lasting, DEFAULT.restart)


def test_numbers_are_spelled_for_people() -> None:
    assert number(14.4 * (1 - 0.999)) == "0.0144"
    assert percent(1 - 0.999) == "0.1%"
    assert seconds("1h30m") == 5400
    assert seconds("250ms") == 0.25
