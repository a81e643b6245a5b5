"""Service level and error budget, of the dashboard Service."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Panel

from monitoring.program.dashboards.panels import About, Query, graph
from monitoring.program.dashboards.queries import JOB
from monitoring.program.rules import names
from monitoring.program.rules.promql import seconds
from monitoring.program.thresholds import DEFAULT

# The alerts of each objective, by their names in the runbook.
AVAILABILITY_BURNS = tuple(f"AvailabilityBurn{burn.name}" for burn in DEFAULT.burns)
LATENCY_BURNS = tuple(f"LatencyBurn{burn.name}" for burn in DEFAULT.burns)
FASTEST = DEFAULT.burns[0]


def panels() -> list[Panel]:
    """Give the levels, what is left, and how fast it is spent."""
    return [level(), left(), *burns()]


def level() -> Panel:
    """Give what was reached, beside what was promised."""
    about = About(
        "Service level",
        f"Over {FASTEST.long}: share of requests to /predict that did not fail, and that were answered within "
        f"{DEFAULT.latency_seconds:g} s, each beside its objective. Below the objective, the budget shrinks.",
        "percentunit",
        (AVAILABILITY_BURNS[0], LATENCY_BURNS[0]),
        no_value="no requests",
        decimals=2,
        least=None,
        most=1,
    )
    hour, _ = names.burn_windows(FASTEST)
    return graph(
        about,
        Query(f"1 - max({names.ratio_of(names.FAILURES, hour)}{{{JOB}}})", "did not fail"),
        Query(f"vector({DEFAULT.availability:g})", "objective: did not fail"),
        Query(f"1 - max({names.ratio_of(names.SLOW, hour)}{{{JOB}}})", "in time"),
        Query(f"vector({DEFAULT.latency:g})", "objective: in time"),
    )


def left() -> Panel:
    """Give what is left of the budgets."""
    about = About(
        "Error budget left",
        f"Share of the error budgets of {DEFAULT.budget} that is left: 100% is untouched, below 0 the objective is "
        "missed. Near 0: put off risky changes until it has recovered.",
        "percentunit",
        (AVAILABILITY_BURNS[-1], LATENCY_BURNS[-1]),
        (("transparent", None), ("red", 0)),
        least=None,
        most=1,
    )
    budgets = {"availability": names.AVAILABILITY_BUDGET, "latency": names.LATENCY_BUDGET}
    return graph(about, *(Query(f"min({rule}{{{JOB}}})", name) for name, rule in budgets.items()))


def burns() -> list[Panel]:
    """Give the pace at which each budget is spent, over the windows that alerts judge by."""
    windows = sorted(names.windows(DEFAULT).items(), key=lambda named: seconds(named[1]))
    kinds = {
        "Availability": (names.FAILURES, 1 - DEFAULT.availability, AVAILABILITY_BURNS, "failed with 5xx"),
        "Latency": (names.SLOW, 1 - DEFAULT.latency, LATENCY_BURNS, f"took over {DEFAULT.latency_seconds:g} s"),
    }
    pages = ", ".join(f"{burn.factor:g} over {burn.long} and {burn.short}" for burn in DEFAULT.burns)
    made = []
    for name, (rule, allowed, alerts, what) in kinds.items():
        text = (
            f"How many times faster than allowed requests {what}, over several windows: at 1 the budget is just "
            f"spent in its time. Alerts: above {pages}."
        )
        lines = (("transparent", None), ("yellow", DEFAULT.burns[1].factor), ("red", FASTEST.factor))
        about = About(f"{name}: burn rate", text, "short", alerts, lines, "no requests")
        rates = {window: f"max({names.ratio_of(rule, called)}{{{JOB}}})" for called, window in windows}
        made.append(graph(about, *(Query(f"{rate} / {allowed:.6g}", window) for window, rate in rates.items())))
    return made
