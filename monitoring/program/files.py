"""Every file that the program writes: its path in the project, and what makes its text."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from monitoring.program.metrics_page import page
from monitoring.program.rules.alerting import alerting
from monitoring.program.rules.recording import recording
from monitoring.program.rules.rulefile import write
from monitoring.program.rules.tested import tests

ROOT = Path(__file__).parents[2]
RULES = Path("monitoring/rules")
ALERTS = Path("monitoring/alerts")
DASHBOARDS = Path("monitoring/grafana/dashboards")
TESTS = Path("monitoring/tests")


def _rules() -> Mapping[Path, str]:
    """Give a file for each group."""
    return {
        folder / f"{group['name'].removesuffix('_alerts')}.yml": write({"groups": [group]})
        for folder, content in ((RULES, recording()), (ALERTS, alerting()))
        for group in content["groups"]
    }


def _tests() -> Mapping[Path, str]:
    return {TESTS / name: text for name, text in tests().items()}


def _boards() -> Mapping[Path, str]:
    if sys.version_info < (3, 11):
        sys.stderr.write("dashboards: left out; Grafana's builders need Python 3.11\n")
        return {}
    from monitoring.program.dashboards.boards import boards

    return {DASHBOARDS / name: text for name, text in boards().items()}


def _pages() -> Mapping[Path, str]:
    return {Path("docs/metrics.md"): page()}


# Whatever else is generated is added here: a function that gives path → text.
_PRODUCERS: tuple[Callable[[], Mapping[Path, str]], ...] = (_rules, _tests, _boards, _pages)


def files() -> dict[Path, str]:
    """Make the text of every file: path below the project's root → text."""
    return {path: text for produce in _PRODUCERS for path, text in produce().items()}


def differing(root: Path = ROOT) -> dict[Path, str]:
    """Give those of the files that are not what the program makes of them, or not there, as `files` does."""
    return {
        path: text
        for path, text in files().items()
        if not (root / path).is_file() or (root / path).read_text("utf-8") != text
    }
