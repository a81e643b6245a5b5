"""Alerts of an instance: is it there, is it ready, is it full."""

from __future__ import annotations

from monitoring.program.rules import names
from monitoring.program.rules.group import Group, Rule, alert, group
from monitoring.program.rules.promql import number, percent, series
from monitoring.program.thresholds import Thresholds

WHO = "{{ $labels.instance }} of {{ $labels.job }}"


def service(thresholds: Thresholds) -> Group:
    """Give the alerts of what is not there."""
    parts = (_down, _missing, _not_ready, _workers_restart, _instance_restarts)
    return group("service_alerts", thresholds.evaluation, [part(thresholds) for part in parts])


def _down(thresholds: Thresholds) -> Rule:
    return alert(
        "ServiceDown",
        f"{series(thresholds, 'up')} == 0",
        thresholds.down_for,
        "critical",
        f"{WHO} has answered no scrape for {thresholds.down_for} (up is {{{{ $value }}}})",
        "It is down, still loading its model, or out of Prometheus's reach. Callers of it may get no answer.",
    )


def _missing(thresholds: Thresholds) -> Rule:
    # One absent() each: of several jobs, the one that is missing gives its name.
    return alert(
        "ScrapeMissing",
        "\nor\n".join(f'absent(up{{job="{job}"}})' for job in thresholds.jobs),
        thresholds.missing_for,
        "critical",
        f"Prometheus has had no target of {{{{ $labels.job }}}} for {thresholds.missing_for}",
        "Nothing of this service is measured, so no other of its alerts can fire.",
    )


def _not_ready(thresholds: Thresholds) -> Rule:
    ready, wanted = (series(thresholds, metric) for metric in ("agbento_workers", "agbento_workers_wanted"))
    # A target that answers and names no workers counts as one with none; one that does not answer is ServiceDown.
    silent = f"0 * ({series(thresholds, 'up')} == 1 unless on (job, instance) {ready})"
    query = "agbento_workers_wanted{job='%s', instance='%s'}"
    asked = f'{{{{ with printf "{query}" $labels.job $labels.instance | query }}}}'
    return alert(
        "NotReady",
        f"{ready} < on (job, instance) {wanted}\nor on (job, instance)\n{silent}",
        thresholds.not_ready_for,
        "critical",
        f"{WHO} has {{{{ $value }}}}{asked} of {{{{ . | first | value }}}}{{{{ end }}}} workers ready",
        "The workers that are left take all requests; with none left, requests wait without an answer.",
    )


def _workers_restart(thresholds: Thresholds) -> Rule:
    window = thresholds.replaced_window
    return alert(
        "WorkersRestart",
        f"increase({names.WORKERS_REPLACED}[{window}]) >= {thresholds.replaced}",
        thresholds.restarts_for,
        "critical",
        f'{WHO} has replaced {{{{ printf "%.0f" $value }}}} workers in {window} (alert from {thresholds.replaced})',
        "Workers die again and again; each takes its requests with it, unanswered.",
    )


def _instance_restarts(thresholds: Thresholds) -> Rule:
    window = thresholds.falls_window
    # `up` is no counter, but what resets() counts of it is what falls from 1 to 0.
    return alert(
        "InstanceRestarts",
        f"resets({series(thresholds, 'up')}[{window}]) >= {thresholds.falls}",
        thresholds.restarts_for,
        "critical",
        f"{WHO} has fallen {{{{ $value }}}} times in {window} (alert from {thresholds.falls})",
        "It starts, falls and starts again, each time too soon for ServiceDown.",
    )


def saturation(thresholds: Thresholds) -> Group:
    """Give the alerts of what is nearly used up."""

    def full(name: str, ratio: str, share: float, of_what: str, then: str) -> Rule:
        summary = f"{WHO} uses {{{{ $value | humanizePercentage }}}} of {of_what} (alert above {percent(share)})"
        return alert(name, f"{ratio} > {number(share)}", thresholds.saturated_for, "warning", summary, then)

    return group(
        "saturation_alerts",
        thresholds.evaluation,
        [
            full(
                "InFlightSaturated",
                f"avg_over_time({names.IN_FLIGHT}[{thresholds.saturated_mean}])",
                thresholds.saturated,
                "the requests that it takes at once",
                "At 100% further requests are answered 503.",
            ),
            full(
                "MemorySaturated",
                names.MEMORY,
                thresholds.memory,
                "its memory",
                "A worker that is killed for memory loses the requests it has.",
            ),
            full(
                "CpuSaturated",
                names.CPU,
                thresholds.cpu,
                "its cores",
                "Requests wait for each other: answers get slower, then 503.",
            ),
        ],
    )
