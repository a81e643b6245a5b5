"""Pictures of the dashboards' graphs, from the same queries, drawn without a Grafana."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.dashboards import FILES, Values, filled, load, panels
from tests.watching import Prometheus

COLUMNS, WIDTH, HEIGHT = 3, 4.6, 2.5  # graphs beside each other; inches of one
MOST_LINES = 12


def draw(prometheus: Prometheus, phases: Mapping[str, tuple[float, float]], values: Values, folder: Path) -> None:
    """Write a picture of each dashboard's graphs over the phases into ``folder``."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    # Text as text, and the same file for the same numbers.
    plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "agbento", "font.size": 7})
    for file in FILES:
        graphs = [panel for panel in panels(file) if panel["type"] == "timeseries"]
        if not graphs:
            continue
        lines = math.ceil(len(graphs) / COLUMNS)
        figure, axes = plt.subplots(lines, COLUMNS, figsize=(COLUMNS * WIDTH, lines * HEIGHT), squeeze=False)
        for panel, axis in zip(graphs, axes.flat, strict=False):
            _graph(prometheus, phases, values, panel, axis)
        for axis in list(axes.flat)[len(graphs) :]:
            axis.set_visible(False)
        figure.suptitle(f"{load(file)['title']}: an hour in small")
        figure.tight_layout(rect=(0, 0, 1, 1 - 0.35 / (lines * HEIGHT)))
        folder.mkdir(parents=True, exist_ok=True)
        figure.savefig(folder / f"{file.stem}.svg", metadata={"Date": None})
        plt.close(figure)


def _graph(
    prometheus: Prometheus,
    phases: Mapping[str, tuple[float, float]],
    values: Values,
    panel: Mapping[str, Any],
    axis: Any,
) -> None:
    began, ended = min(begin for begin, _ in phases.values()), max(end for _, end in phases.values())
    lines = [
        (
            _legend(target.get("legendFormat", ""), series["metric"]),
            [(float(at), float(y)) for at, y in series["values"]],
        )
        for target in panel["targets"]
        for series in prometheus.query_range(filled(target["expr"], values), began, ended)
    ]
    # The largest, in the order in which they came.
    largest = sorted(lines, key=lambda line: -max(y for _, y in line[1]))[:MOST_LINES]
    for line in lines:
        if line in largest:
            label, points = line
            axis.plot([at - began for at, _ in points], [y for _, y in points], label=label, linewidth=0.8)
    for i, (name, (begin, end)) in enumerate(phases.items()):
        axis.axvspan(begin - began, end - began, color="black", alpha=0.06 if i % 2 else 0.0, linewidth=0)
        place = {"transform": axis.get_xaxis_transform(), "rotation": 90, "fontsize": 5, "color": "gray"}
        axis.text((begin + end) / 2 - began, 0.98, name, ha="center", va="top", **place)
    unit = panel["fieldConfig"]["defaults"].get("unit", "")
    axis.set_title(f"{panel['title']}{f' ({unit})' if unit else ''}", fontsize=8)
    if unit == "s" and lines:
        axis.set_yscale("log")
    else:
        axis.set_ylim(bottom=0)
    if lines:
        axis.legend(fontsize=5, frameon=False, ncols=2)


def _legend(text: str, labels: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), text).strip()
