"""Every number that an alert, a rule or a dashboard judges by. Change it here, then `make monitoring`.

Durations are in Prometheus's own spelling. A team's own service level is the first thing to change: what is here fits a
compiled model that answers in milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from agbento.drift import FLOOR

# Where people open Grafana: alerts link from here to the runbook, which is one of its dashboards.
GRAFANA_URL = "http://localhost:3000"


@dataclass(frozen=True)
class Burn:
    """An error budget that is spent too fast, over a long and a short window at once.

    The short window lets the alert end soon after the cause has. Factors and windows are those of the SRE Workbook,
    chapter 5: at ``factor`` times the pace that would just spend the budget of 30 days, 14.4 for an hour is 2% of it.
    """

    name: str  # what the alert's name ends in
    long: str
    short: str
    factor: float
    lasting: str  # the alert's `for`
    severity: str


@dataclass(frozen=True)
class Thresholds:
    """The numbers, and the windows over which they hold."""

    # The scrape jobs that are watched, as prometheus.yml names them.
    jobs: tuple[str, ...] = ("autogluon-bento",)

    # Service level: the share of requests to /predict that must not fail (5xx), and that must be answered in time.
    availability: float = 0.999
    latency: float = 0.99
    # Seconds; must be one of the buckets of bentoml_service_request_duration_seconds.
    latency_seconds: float = 0.25
    burns: tuple[Burn, ...] = (
        Burn("Fast", "1h", "5m", 14.4, "2m", "critical"),
        Burn("Slow", "6h", "30m", 6.0, "15m", "critical"),
        Burn("Trickle", "3d", "6h", 1.0, "1h", "warning"),
    )
    # The error budget's window: Prometheus keeps 15 days.
    budget: str = "14d"
    # With fewer requests than this in a window, one that failed says nothing of a share.
    least_requests: int = 50
    # Nor do this many bad ones wake anybody, however few the requests were: one of 50 is 20 times the budget.
    least_bad: int = 3

    # A target that does not answer a scrape, and a job that has no target at all.
    down_for: str = "1m"
    missing_for: str = "5m"
    # Workers that are not there: a restart takes seconds, a model of gigabytes a minute.
    not_ready_for: str = "2m"
    # A crash loop: workers that were replaced, and falls of an instance, so many within the window. One alone is none.
    replaced: int = 3
    replaced_window: str = "15m"
    falls: int = 3
    falls_window: str = "30m"
    restarts_for: str = "1m"
    # A restart within this time ends no warning that lasts for hours, nor does its time begin anew.
    restart: str = "10m"
    # Shares of what there is: requests in flight of MAX_REQUESTS, memory of its limit, CPU of the cores. Requests are
    # seen at a scrape only, and so judged by their mean.
    saturated: float = 0.8
    saturated_mean: str = "2m"
    memory: float = 0.9
    cpu: float = 0.9
    saturated_for: str = "5m"

    # Rejected rows, and warnings, as a share of all rows over a short window: above a floor, and above so many times
    # the share before. A caller that always sends some bad rows is no news. Warnings are judged by feature.
    quality_window: str = "15m"
    quality_before: str = "1d"
    # So much time with rows, of the time before, makes a share usual; with less the share now decides alone.
    quality_history: str = "3h"
    # Rows in the short window for a verdict: one bad row of ten is no share.
    quality_rows: int = 100
    rejected: float = 0.05
    # So large a share of rejected rows is never usual, however long it has been so.
    never_usual: float = 0.5
    warned: float = 0.2
    rising: float = 2.0
    quality_for: str = "10m"

    # Drift: the window, the least rows in it for a verdict, and PSI: 0.1 is "look", 0.25 is "changed".
    drift_window: str = "1h"
    drift_rows: int = 500
    psi_look: float = 0.1
    psi: float = 0.25
    drift_for: str = "30m"
    # Features that are left out of FeatureDrift, by name: a date drifts by itself, always.
    undrifting: tuple[str, ...] = ()
    # A share of 0 has no logarithm: no bin counts as rarer than this.
    psi_least_share: float = FLOOR

    # Days since the model was logged (or imported, where MLflow tells nothing).
    model_days: float = 180.0
    age_for: str = "1h"
    stock_for: str = "10m"

    # The windows of rules that dashboards and alerts share.
    rate: str = "5m"
    evaluation: str = "15s"
    # Drift reads a long window of hundreds of series: an hour's share does not change in 15 seconds.
    drift_evaluation: str = "1m"


DEFAULT = Thresholds()
