"""Dashboards as Grafana reads them: their panels, and their queries with the variables filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.watching import MONITORING

FOLDER = MONITORING / "grafana" / "dashboards"
FILES = sorted(FOLDER.glob("*.json"))
# What Grafana itself knows, for a panel of a thousand points over some minutes, at a scrape a second.
BUILT_IN = {"__rate_interval": "4s", "__interval": "1s", "__range": "2m"}
# What a viewer who has chosen nothing sees, where the service is the only job.
ALL = {"job": ["autogluon-bento"], "instance": ".*"}

Values = Mapping[str, str | Sequence[str]]
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::(\w+))?\})")
_SPECIAL = re.compile(r"([$^*{}\[\]'+?.()|])")
_KEYWORDS = {"and", "or", "unless", "bool", "offset"}


@dataclass(frozen=True)
class Target:
    """A panel's query: where it is, its text, whether it asks for the value now, and the panel's own answer to none."""

    where: str
    expr: str
    instant: bool
    panel: Mapping[str, Any]


def load(file: Path) -> dict[str, Any]:
    """Read a dashboard."""
    read: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return read


def panels(file: Path, *, rows: bool = False) -> list[dict[str, Any]]:
    """Give a dashboard's panels, those within collapsed rows too; the rows themselves if asked."""
    return [panel for panel in _walked(load(file)["panels"]) if rows or panel["type"] != "row"]


def _walked(found: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for panel in found:
        yield panel
        yield from _walked(panel.get("panels", ()))


def targets(*files: Path) -> list[Target]:
    """Give every query of every panel, of all dashboards if none is named."""
    return [
        Target(f"{file.stem}: {panel['title']} {t['refId']}", t["expr"], t.get("instant", False), panel)
        for file in files or FILES
        for panel in panels(file)
        for t in panel.get("targets", ())
    ]


def marks(*files: Path) -> list[tuple[str, str]]:
    """Give every annotation's query: where it is, and its text."""
    marks = ((file.stem, mark) for file in files or FILES for mark in load(file)["annotations"].get("list", ()))
    return [(f"{stem}: {mark['name']}", mark["expr"]) for stem, mark in marks]


def variables(file: Path) -> dict[str, dict[str, Any]]:
    """Give a dashboard's variables by name, in their order."""
    return {variable["name"]: variable for variable in load(file)["templating"].get("list", ())}


def asked_for(query: str) -> str:
    """Give the PromQL within a variable's query."""
    found = re.fullmatch(r"label_values\((.+), \w+\)|query_result\((.+)\)", query)
    assert found, query
    return found[1] or found[2]


def offered(regex: str, series: Sequence[Mapping[str, str]]) -> list[tuple[str, str]]:
    """Give text and value of what a variable offers of a query's result, as Grafana reads them off its series."""
    pattern = re.compile(regex.strip("/").replace("(?<", "(?P<"))
    lines = (
        "{" + ",".join(f'{name}="{value}"' for name, value in sorted(labels.items())) + "} 1 0" for labels in series
    )
    found = [match for line in lines if (match := pattern.search(line))]
    named = {"text", "value"} <= pattern.groupindex.keys()
    return [(match["text"], match["value"]) if named else (match[1], match[1]) for match in found]


def filled(query: str, values: Values | None = None) -> str:
    """Put values in the variables' places as Grafana's Prometheus source does; ``values`` go before the defaults.

    A list is what is chosen where several can be: a regular expression that matches each. A text is the one value, or
    what stands for all. An unknown variable is an error, since Grafana would ask Prometheus for its name.
    """
    known: dict[str, str | Sequence[str]] = {**BUILT_IN, **ALL, **(values or {})}
    return _VARIABLE.sub(lambda found: _written(known[found[1] or found[2]], found[3]), query)


def used(text: str) -> set[str]:
    """Give the names of the variables in a text."""
    return {found[1] or found[2] for found in _VARIABLE.finditer(text)}


def _written(value: str | Sequence[str], form: str | None) -> str:
    if form == "regex":
        each = [value] if isinstance(value, str) else value
        escaped = [re.sub(r"[\\^$*+?.()|\[\]{}/]", r"\\\g<0>", one) for one in each]
        return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"
    assert form is None, form
    if isinstance(value, str):
        return value.replace("\\", "\\\\").replace("'", "\\\\'")
    # Doubled, since PromQL's quotes take one of the two backslashes.
    escaped = [_SPECIAL.sub(r"\\\\\1", one.replace("\\", "\\" * 4)) for one in value]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def metrics_of(query: str) -> set[str]:
    """Give the names of the series that a query asks for."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"|`[^`]*`', "", query)
    bare = re.sub(r"\{[^{}]*\}(?!\})", "", _VARIABLE.sub("", bare))
    bare = re.sub(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", "", bare)
    bare = re.sub(r"\[[^\]]*\]|\boffset\s+\w+", "", bare)
    # What stands before a parenthesis is a function or an aggregation.
    return set(re.findall(r"(?<![\w.])[a-zA-Z_:][\w:]*\b(?!\s*\()", bare)) - _KEYWORDS
