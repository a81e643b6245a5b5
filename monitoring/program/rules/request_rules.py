"""Rules of the requests to /predict: rates, shares over the burns' windows, what is left of the error budgets."""

from __future__ import annotations

from monitoring.program.rules import names
from monitoring.program.rules.group import Group, Rule, group, record
from monitoring.program.rules.promql import number, series
from monitoring.program.thresholds import Thresholds

PREDICT = 'endpoint="/predict"'


def requests(thresholds: Thresholds) -> Group:
    """Give the rules; each reads those before it."""
    rules = _rates(thresholds)
    for rate in (names.FAILURES, names.SLOW):
        rules += [_share(thresholds, rate, called, window) for called, window in names.windows(thresholds).items()]
    rules += [
        _left(thresholds, names.AVAILABILITY_BUDGET, names.FAILURES, thresholds.availability),
        _left(thresholds, names.LATENCY_BUDGET, names.SLOW, thresholds.latency),
    ]
    return group("requests", thresholds.evaluation, rules)


def _rates(thresholds: Thresholds) -> list[Rule]:
    def rate(metric: str, *matchers: str) -> str:
        return f"sum by (job) (rate({series(thresholds, metric, *matchers)}[{thresholds.rate}]))"

    # BentoML counts answers only. Who left before the answer has waited too long.
    gone = rate("agbento_predict_errors_total", 'reason="client_left"')
    answers = rate("bentoml_service_request_total", PREDICT)

    # A body that came too slowly (408) is its sender's time, not the service's.
    answered = 'http_response_code!="408"'
    all_of_them = rate("bentoml_service_request_duration_seconds_count", PREDICT, answered)
    # As the client library spells a bucket: 1 is 1.0.
    le = f'le="{thresholds.latency_seconds!r}"'
    in_time = rate("bentoml_service_request_duration_seconds_bucket", PREDICT, answered, le)
    return [
        record(names.REQUESTS, f"{answers}\n+\n({gone} or 0 * {answers})"),
        record(names.FAILURES, rate("bentoml_service_request_total", PREDICT, 'http_response_code=~"5.."')),
        # Two rates that are the same on paper may differ in the last digit.
        record(names.SLOW, f"clamp_min(\n  {all_of_them}\n  -\n  {in_time},\n  0\n)\n+\n({gone} or 0 * {answers})"),
    ]


def _share(thresholds: Thresholds, rate: str, called: str, window: str) -> Rule:
    """Divide means of recorded rates: the raw counters of three days would be millions of samples each time."""
    if window == thresholds.rate:
        return record(names.ratio_of(rate, called), f"{rate} / ({names.REQUESTS} > 0)")
    return record(names.ratio_of(rate, called), _mean_share(rate, window))


def _mean_share(rate: str, window: str) -> str:
    return f"avg_over_time({rate}[{window}]) / (avg_over_time({names.REQUESTS}[{window}]) > 0)"


def _left(thresholds: Thresholds, name: str, rate: str, level: float) -> Rule:
    untouched = f"0 * {names.REQUESTS} + 1"
    spent = f"{_mean_share(rate, thresholds.budget)} / {number(1 - level)}"
    return record(name, f"1 - {spent}\nor\n{untouched}")
