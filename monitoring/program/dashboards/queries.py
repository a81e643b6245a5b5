"""Pieces of PromQL that several panels share. Every sum is over workers and replicas alike."""

from __future__ import annotations

# The series of the chosen jobs and replicas; recording rules that sum over replicas know only the job.
JOB = 'job=~"$job"'
SELECTED = f'{JOB}, instance=~"$instance"'
PREDICT = f'{SELECTED}, endpoint="/predict"'
MODEL = f'{JOB}, digest="$digest"'
# One reference of the model: bins of two are never added up.
DRIFT = f'{MODEL}, reference="$reference"'
# What the chosen replicas answered with the chosen model.
ANSWERED = f'{SELECTED}, digest="$digest"'
# In backticks PromQL leaves backslashes alone, so that a name with quotes or parentheses matches itself only.
FEATURE = "feature=~`${feature:regex}`"

INFERENCE = "agbento_inference_duration_seconds"
REQUEST = "bentoml_service_request_duration_seconds"
REQUESTS = "bentoml_service_request_total"
INTERVAL = "$__rate_interval"


def quantile(q: float, histogram: str, selector: str = SELECTED, by: str = "", window: str = INTERVAL) -> str:
    """Give a quantile of a histogram, of each value of the label ``by``; nothing where it observed nothing."""
    labels, group = (f"le, {by}", f"sum by ({by})") if by else ("le", "sum")
    found = f"histogram_quantile({q:g}, sum by ({labels}) (rate({histogram}_bucket{{{selector}}}[{window}])))"
    # A graph would draw a line across NaN.
    return f"{found} and {group} (rate({histogram}_count{{{selector}}}[{window}])) > 0"


def mean(histogram: str, selector: str = SELECTED, by: str = "", window: str = INTERVAL) -> str:
    """Give the mean of what a histogram observed; nothing, rather than NaN, where it observed nothing."""
    group = f"sum by ({by})" if by else "sum"
    total, count = (f"{group} (rate({histogram}_{part}{{{selector}}}[{window}]))" for part in ("sum", "count"))
    return f"{total} / ({count} > 0)"


def rate(counter: str, selector: str = SELECTED, by: str = "", window: str = INTERVAL) -> str:
    """Give a counter's rate per second."""
    group = f"sum by ({by})" if by else "sum"
    return f"{group} (rate({counter}{{{selector}}}[{window}]))"


def share(counter: str, selector: str, by: str) -> str:
    """Give each label's share of a counter's rate."""
    return f"{rate(counter, selector, by)} / on () group_left () ({rate(counter, selector)} > 0)"
