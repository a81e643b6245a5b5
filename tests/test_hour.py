"""Metrics, rules, alerts and dashboards together, on a real Prometheus, over a scripted hour in small."""

from __future__ import annotations

import math
import os
import time
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agbento.drift import PREDICTION, Reference
from monitoring.program.rules import names
from sample.rows import rows
from tests import plots
from tests.dashboards import Target, filled, marks, targets
from tests.hour import BAD, DRIFTING, SETTINGS, THRESHOLDS, Hour, Sent
from tests.monitoring_names import runbook_queries
from tests.running import ROOT, Running, imported
from tests.watching import Prometheus

pytestmark = [pytest.mark.slow, pytest.mark.prometheus]

# Of which a regression has none.
OF_CLASSES = ("class",)
# A killed worker, too many requests, and the end: what the script does, in the order in which it is first told.
EXPECTED = {
    *("RejectedRowsRising", "WarningsRising", "FeatureDrift", "NotReady", "ServiceDown", "InFlightSaturated"),
    *("AvailabilityBurnFast", "AvailabilityBurnSlow", "AvailabilityBurnTrickle"),
    *("LatencyBurnFast", "LatencyBurnSlow", "LatencyBurnTrickle"),
}


@dataclass
class Played:
    """The hour when it is over, and what Prometheus knows of it."""

    hour: Hour
    prometheus: Prometheus
    reference: Reference
    digest: str
    began: float
    ended: float

    def values(self, target: Target) -> list[float]:
        """All values of a panel's query, as Grafana would ask for them over the hour."""
        chosen = {"digest": self.digest, "reference": self.reference.hash, "feature": DRIFTING}
        query = filled(target.expr, chosen)
        if target.instant:
            # Asked at one moment in which there is something of everything, or just before where a scrape failed then.
            at = self.phase("drift")[1]
            found = self.prometheus.query_range(query, at - 10, at)
            samples = [series["values"][-1] for series in found]
            last = max((when for when, _ in samples), default=at)
            return [float(value) for when, value in samples if when == last]
        found = self.prometheus.query_range(query, self.began, self.ended)
        return [float(value) for series in found for _, value in series["values"]]

    def phase(self, name: str) -> tuple[float, float]:
        return self.hour.phases[name]

    def firing(self) -> dict[tuple[str, str], float]:
        """Every alert that fired, with its feature if it has one, and when it first did."""
        found = self.prometheus.query_range('ALERTS{alertstate="firing"}', self.began, self.ended)
        first: dict[tuple[str, str], float] = {}
        for series in found:
            key = (series["metric"]["alertname"], series["metric"].get("feature", ""))
            first[key] = min(first.get(key, math.inf), float(series["values"][0][0]))
        return first


@pytest.fixture(scope="module")
def played(sample_predictor: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("hour")
    rows(10_000, seed=5).drop(columns="id").to_csv(folder / "reference.csv", index=False)
    tag = imported(sample_predictor, folder / "bentoml", "--reference", str(folder / "reference.csv"))
    name, _, version = tag.partition(":")
    reference = Reference.load(folder / "bentoml" / "models" / name / version)
    assert reference is not None
    with (
        Running(folder / "bentoml", {"MODEL_TAG": tag, **SETTINGS}) as running,
        Prometheus(folder, running.url.removeprefix("http://"), THRESHOLDS) as prometheus,
    ):
        prometheus.wait_for("agbento_workers == 2")
        prometheus.wait_for('absent(ALERTS{alertstate="firing"})')  # of a worker that was there before the other
        hour, began = Hour(running, prometheus.firing), time.time()
        hour.play()
        found = Played(hour, prometheus, reference, version, began, time.time())
        if kept := os.environ.get("KEEP_PLOTS"):
            plots.draw(
                found.prometheus,
                found.hour.phases,
                {"digest": version, "reference": reference.hash, "feature": DRIFTING},
                ROOT / kept,
            )
        yield found


def test_the_script_was_played(played: Played) -> None:
    statuses = played.hour.statuses
    assert statuses[200] > 2000
    assert statuses[422] > 40
    assert statuses[503] > 10
    assert set(statuses) == {200, 422, 503}


def test_what_the_script_provokes_fires_and_nothing_else(played: Played) -> None:
    firing = played.firing()
    drifting = drifted_features(played)
    expected = EXPECTED | ({"PredictionDrift"} if PREDICTION in drifting else set())
    assert {alert for alert, _ in firing} == expected
    assert {feature for alert, feature in firing if alert == "FeatureDrift"} == drifting - {PREDICTION}


def drifted_features(played: Played) -> set[str]:
    """The features of which the rows that were sent say, at the end of a phase that changes them, that they drifted."""
    changed = ("bad clients", "drift")
    return {
        bins.name
        for phase in changed
        for bins in played.reference.watched
        if psi(played, bins, within(played, played.phase(phase)[1])) > THRESHOLDS.psi
    }


def test_alerts_come_with_what_provokes_them(played: Played) -> None:
    first = played.firing()
    for alert, feature, phase in (
        ("RejectedRowsRising", "", "bad clients"),
        ("WarningsRising", BAD, "bad clients"),
        ("FeatureDrift", BAD, "bad clients"),
        ("FeatureDrift", DRIFTING, "drift"),
        ("NotReady", "", "killed worker"),
        ("AvailabilityBurnFast", "", "overload"),
        ("LatencyBurnFast", "", "overload"),
        ("InFlightSaturated", "", "overload"),
        ("ServiceDown", "", "down"),
    ):
        begin, end = played.phase(phase)
        if alert == "LatencyBurnFast":
            begin, _ = played.phase("killed worker")  # on two cores the new worker's start is slow answers, too
        assert begin < first[alert, feature] < end + 10, (alert, feature, phase)


@pytest.mark.parametrize("phase", ["steady", "drift"])
def test_psi_is_that_of_the_rows_that_were_sent(played: Played, phase: str) -> None:
    at = played.phase(phase)[1]
    found = {
        sample["metric"]["feature"]: float(sample["value"][1])
        for sample in played.prometheus.query(f'{names.DRIFT_PSI}{{digest="{played.digest}"}}', at=at)
    }
    assert set(found) == {bins.name for bins in played.reference.watched}
    # A row is in Prometheus when its count was flushed, scraped and evaluated: the window's rows are a little older.
    # Its twenty scrapes, one a second, are nineteen seconds apart; one that failed at its edge makes it shorter.
    nearest = min(furthest(played, found, at - late / 10, long) for late in range(40) for long in (19.0, 18.0, 17.0))
    assert nearest <= 0.01
    assert (found[DRIFTING] > THRESHOLDS.psi) == (phase == "drift")


def furthest(played: Played, found: dict[str, float], at: float, seconds: float) -> float:
    """How far the PSI of Prometheus are, at most, from those of the rows that were answered before a moment."""
    sent = within(played, at, seconds)
    return max(abs(found[bins.name] - psi(played, bins, sent)) for bins in played.reference.watched)


def within(played: Played, at: float, seconds: float = 20.0) -> list[Sent]:
    """The rows that were answered in the window that ends at a moment."""
    return [sent for sent in played.hour.sent if at - seconds <= sent.at < at]


def psi(played: Played, bins: Any, sent: list[Sent]) -> float:
    """PSI as the books have it, of plain numbers in plain bins."""
    counts = dict.fromkeys(bins.labels, 0)
    for one in sent:
        value = one.answer if bins.name == PREDICTION else one.row[bins.name]
        if value is None:
            label = "(missing)"
        elif bins.kind == "numeric":
            label = bins.labels[bisect_left(bins.edges, value)]
        else:
            label = bins.labels[bins.levels.index(value)] if value in bins.levels else "(unseen)"
        counts[label] += 1
    total = 0.0
    for label, expected in zip(bins.labels, bins.shares, strict=True):
        a, e = max(counts[label] / len(sent), 0.0001), max(expected, 0.0001)
        total += (a - e) * math.log(a / e)
    return total


TARGETS = targets()


@pytest.mark.parametrize("target", TARGETS, ids=[target.where for target in TARGETS])
def test_every_panels_query_gives_data(played: Played, target: Target) -> None:
    values = played.values(target)
    if "agbento_predictions_total" in target.expr:
        assert values == []  # a regression has no classes
        return
    assert values
    assert not any(map(math.isnan, values))


@pytest.mark.parametrize(("where", "query"), marks(), ids=[where for where, _ in marks()])
def test_every_annotation_is_of_something(played: Played, where: str, query: str) -> None:
    assert played.prometheus.query_range(filled(query, {"__interval": "60s"}), played.began, played.ended)


@pytest.mark.parametrize(("alert", "query"), runbook_queries())
def test_every_query_of_the_runbook_runs(played: Played, alert: str, query: str) -> None:
    played.prometheus.query(query, at=played.phase("drift")[1])
