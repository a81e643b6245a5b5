"""The results as a picture: an SVG that is the same for the same results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from benchmarks.results import Calls, Http, Results
from benchmarks.servers import SERVICE, SERVICE_TWO
from benchmarks.targets import BUSY

OURS, OTHERS = "#1f6f5c", "#b4b8bd"
# Text stays text, and ids do not change from run to run.
STYLE: Any = {"svg.fonttype": "none", "svg.hashsalt": "agbento", "font.size": 9, "font.family": "sans-serif"}

Bar = tuple[str, float, bool]  # label, value, whether it is ours


def draw(found: Results, file: Path) -> None:
    """Write the picture to ``file``: times in process, and requests a second."""
    with mpl.rc_context(STYLE):
        panels = []
        if found.calls:
            panels.append(("one row in process: microseconds, less is better", _calls(found.calls)))
        if found.http:
            for model in dict.fromkeys(cell.model for cell in found.http.cells):
                title = f"{model} over HTTP, {BUSY} connections: requests/s, more is better"
                panels.append((title, _rates(found.http, model)))
        heights = [len(bars) + 1.6 for _, bars in panels]
        figure = Figure(figsize=(7.5, 0.24 * sum(heights) + 0.3), layout="constrained", facecolor="white")
        FigureCanvasSVG(figure)
        axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
        for ax, (title, bars) in zip(axes, panels, strict=True):
            _panel(ax, title, bars)
        figure.savefig(file, format="svg", metadata={"Date": None})


def _calls(calls: Calls) -> list[Bar]:
    kinds = {False: "AutoGluon, persisted", True: "compiled"}
    models = dict.fromkeys(call.model for call in calls.calls)
    return [(f"{m}, {name}", 1000 * calls.p50(m, 1, kind), kind) for m in models for kind, name in kinds.items()]


def _rates(http: Http, model: str) -> list[Bar]:
    cells = [cell for cell in http.cells if cell.model == model and cell.connections == BUSY]
    return [(cell.title.replace("`", ""), cell.rate, cell.server in (SERVICE, SERVICE_TWO)) for cell in cells]


def _panel(ax: Any, title: str, bars: Sequence[Bar]) -> None:
    """Draw horizontal bars on a logarithmic axis, each with its number."""
    labels, values, ours = zip(*bars, strict=True)
    drawn = ax.barh(range(len(bars)), values, color=[OURS if mine else OTHERS for mine in ours], height=0.7)
    ax.bar_label(drawn, [f"{v:,.0f}" if v >= 10 else f"{v:.2g}" for v in values], padding=3)
    ax.set_yticks(range(len(bars)), labels)
    ax.invert_yaxis()
    ax.set_xscale("log")
    ax.set_xlim(min(values) / 3, max(values) * 4)
    ax.set_title(title, loc="left", fontsize=9, fontweight="bold")
    ax.xaxis.set_visible(False)
    ax.spines[["top", "right", "bottom"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
