"""A group of rules, as data."""

from __future__ import annotations

from typing import Any

from monitoring.program.runbook import url

Rule = dict[str, Any]
Group = dict[str, Any]


def record(name: str, expression: str) -> Rule:
    """Give a rule that records an expression."""
    return {"record": name, "expr": expression}


def alert(
    name: str, expression: str, lasting: str, severity: str, summary: str, description: str, keep: str = ""
) -> Rule:
    """Give a rule that alerts where ``expression`` has had a series for as long as ``lasting``.

    Args:
        severity: ``critical`` where callers are hurt now, and somebody must be woken; ``warning`` for working hours.
        summary: one line with the numbers, in Prometheus's templates.
        description: what it means for those who have not read the runbook.
        keep: for how long it still fires where the series is gone; empty: not at all.
    """
    return {
        "alert": name,
        "expr": expression,
        "for": lasting,
        **({"keep_firing_for": keep} if keep else {}),
        "labels": {"severity": severity},
        "annotations": {"summary": summary, "description": description, "runbook_url": url(name)},
    }


def group(name: str, interval: str, rules: list[Rule]) -> Group:
    """Give a group: its rules are evaluated in their order, at one time."""
    return {"name": name, "interval": interval, "rules": rules}
