"""One row over HTTP: this service, the design it replaces, and a bare echo, side by side in one run.

``python -m benchmarks.http`` prints a Markdown table; ``--write`` puts it into docs/benchmark.md too. All servers run
all the time; the rounds are interleaved, so that what else the machine does hits all alike.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

from benchmarks.load import Measured, measure
from benchmarks.servers import ECHO, FLASK, ROOT, Server, imported, servers
from sample.ask import REQUEST
from sample.child import ChildFailed
from sample.client import Client
from sample.rows import rows
from sample.train import sample_predictor

CONNECTIONS = (1, 32)
BODIES = 2000
PAGE = ROOT / "docs" / "benchmark.md"
PACKAGES = ("autogluon.tabular", "bentoml", "uvicorn", "uvloop", "httptools", "flask", "gunicorn")

Cells = dict[tuple[str, int], Measured]


def run(seconds: float, rounds: int) -> tuple[list[Server], Cells]:
    """Start every server, measure each ``rounds`` times for ``seconds`` a cell in all, end them."""
    predictor = sample_predictor(ROOT / ".cache" / "sample")
    with tempfile.TemporaryDirectory(prefix="agbento-bench-") as scratch, ExitStack() as running:
        home = Path(scratch) / "bentoml"
        contestants = servers(predictor, imported(predictor, home), home)
        for server in contestants:
            _say(f"start {server.title}")
            running.enter_context(server.start(Path(scratch)))
        _check_answers(contestants)
        return contestants, _measure_all(contestants, seconds / rounds, rounds)


def _measure_all(contestants: Sequence[Server], seconds: float, rounds: int) -> Cells:
    bodies = [json.dumps(row).encode() for row in json.loads(rows(BODIES, seed=1).to_json(orient="records"))]
    cells: Cells = {(server.key, n): Measured() for n in CONNECTIONS for server in contestants}
    for turn in range(rounds):
        for n in CONNECTIONS:
            _say(f"round {turn + 1} of {rounds}, {n} connection{'s' if n > 1 else ''}")
            for server in contestants:
                cells[server.key, n] += measure(server.port, bodies, n, seconds)
    return cells


def _check_answers(contestants: Sequence[Server]) -> None:
    """Stop before measuring if the servers of a model do not answer the same."""
    row = json.loads(REQUEST.read_text("utf-8"))
    told = {s.title: Client(f"http://127.0.0.1:{s.port}").predict(row)["cost"] for s in contestants if s.key != ECHO}
    if max(told.values()) - min(told.values()) > 0.011:
        raise SystemExit(f"bench: the servers do not agree on the same row: {told}")


def table(contestants: Sequence[Server], cells: Cells) -> str:
    """Write the results as Markdown: one row a server and number of connections."""
    lines = [
        "| server | connections | req/s | p50 ms | p99 ms | p99 / p50 | Flask = 1 | echo = 1 | not 200 |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for n in CONNECTIONS:
        for server in contestants:
            lines.append(_line(server, n, cells))
    return "\n".join(lines)


def _line(server: Server, n: int, cells: Cells) -> str:
    cell = cells[server.key, n]
    p50, p99 = cell.percentile(0.50), cell.percentile(0.99)
    ratios = " | ".join(_ratio(cell.rate, cells[key, n].rate) for key in (FLASK, ECHO))
    spread = _ratio(p99, p50)
    return (
        f"| {server.title} | {n} | {cell.rate:,.0f} | {p50:.2f} | {p99:.2f} | {spread} | {ratios} | {cell.failures} |"
    )


def _ratio(a: float, b: float) -> str:
    return f"{a / b:.2g}" if b and a / b < 10 else f"{a / b:.0f}" if b else "-"


def machine() -> str:
    """Say on what it was measured, with which versions."""
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        cpuinfo = []
    models = [line.split(":", 1)[1].strip() for line in cpuinfo if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    processor = models[0] if models else platform.processor()
    return f"{cores} cores ({processor}), Python {platform.python_version()}, {packages}"


def _page(text: str, seconds: float, rounds: int) -> str:
    return f"""# One row over HTTP

Made by `make bench`; all of it in one run, on one machine, the load generator on the same cores. Every request posts
one of {BODIES:,} different rows of the sample; the predictor is the sample's (two LightGBMs and a CatBoost, weighted).
{seconds:g} s a cell after a warm-up, in {rounds} interleaved rounds. The Flask service is the original's design written
anew; gunicorn's workers close the connection after every answer, so opening the next is part of their time.

{text}
"""


def _say(step: str) -> None:
    print(f"bench: {step}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line: 0, 1 where a server does not start, 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http", description="Measure one row over HTTP.")
    parser.add_argument("--seconds", type=float, default=5.0, help="of load a cell, over all rounds (default 5)")
    parser.add_argument("--rounds", type=int, default=2, help="how often each cell is measured (default 2)")
    parser.add_argument("--write", action="store_true", help="write docs/benchmark.md too")
    chosen: Any = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the servers end as on Ctrl-C
    try:
        contestants, cells = run(chosen.seconds, chosen.rounds)
    except KeyboardInterrupt:
        return 130
    except (ChildFailed, CalledProcessError) as failed:
        _say(str(failed))
        return 1
    text = f"{table(contestants, cells)}\n\n{machine()}"
    print(text)
    if chosen.write:
        PAGE.write_text(_page(text, chosen.seconds, chosen.rounds), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
