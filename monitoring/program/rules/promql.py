"""What expressions of PromQL are put together from."""

from __future__ import annotations

import json
import re

from monitoring.program.thresholds import Thresholds

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def seconds(duration: str) -> float:
    """Read a duration as Prometheus spells it: ``1h30m``."""
    return sum(int(count) * _SECONDS[unit] for count, unit in re.findall(r"(\d+)(ms|[smhdw])", duration))


def number(value: float) -> str:
    """Spell a number: 0.0144, where floating point has 0.014400000000000013."""
    return f"{value:.10g}"


def percent(share: float) -> str:
    """Spell a share for people: 0.999 is 99.9%."""
    return f"{number(share * 100)}%"


def text(value: str) -> str:
    """Spell a string, in quotes."""
    return json.dumps(value, ensure_ascii=False)


def series(thresholds: Thresholds, metric: str, *matchers: str) -> str:
    """Select a metric of the jobs that are watched."""
    jobs = "|".join(thresholds.jobs)
    equals = "=~" if len(thresholds.jobs) > 1 else "="
    selected = ", ".join((f'job{equals}"{jobs}"', *matchers))
    return f"{metric}{{{selected}}}"
