"""Alerts of the service level: an error budget that is spent too fast."""

from __future__ import annotations

from monitoring.program.rules import names
from monitoring.program.rules.group import Group, Rule, alert, group
from monitoring.program.rules.promql import number, percent, seconds
from monitoring.program.thresholds import Burn, Thresholds


def objectives(thresholds: Thresholds) -> Group:
    """Give an alert for each burn, of availability and of latency."""
    failed, late = "failed", f"were not answered within {number(thresholds.latency_seconds)} s"
    rules = [
        _burning(thresholds, burn, *what)
        for what in (
            ("Availability", names.FAILURES, thresholds.availability, failed),
            ("Latency", names.SLOW, thresholds.latency, late),
        )
        for burn in thresholds.burns
    ]
    return group("objectives_alerts", thresholds.evaluation, rules)


def _burning(thresholds: Thresholds, burn: Burn, what: str, rate: str, level: float, how: str) -> Rule:
    allowed = burn.factor * (1 - level)
    times = "" if burn.factor == 1 else f"{number(burn.factor)} times "
    long, short = (names.ratio_of(rate, called) for called in names.burn_windows(burn))
    # A recorded rate, summed over its evaluations, is the count.
    requests, bad = (
        f"sum_over_time({recorded}[{burn.long}]) * {number(seconds(thresholds.evaluation))}"
        for recorded in (names.REQUESTS, rate)
    )
    return alert(
        f"{what}Burn{burn.name}",
        f"{long} > {number(allowed)}\n"
        f"and\n{short} > {number(allowed)}\n"
        f"and\n{requests} >= {thresholds.least_requests}\n"
        f"and\n{bad} > {thresholds.least_bad}",
        burn.lasting,
        burn.severity,
        f"{{{{ $labels.job }}}}: {{{{ $value | humanizePercentage }}}} of the requests to /predict {how} "
        f"over {burn.long} (alert above {percent(allowed)})",
        f"Over {burn.long} and over {burn.short} alike, the error budget of {percent(1 - level)} is spent faster than "
        f"{times}the pace at which it would just last.",
    )
