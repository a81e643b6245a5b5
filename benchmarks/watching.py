"""What it costs to watch: one row over HTTP, with the service's own counting and without.

Both services run all the time and are measured in turn. Their workers' processor time is what counts: it holds what
threads do between requests, and is not misled by what else the machine does.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil

from benchmarks import models, servers
from benchmarks.http import best_generator, bodies
from benchmarks.models import MEDIUM
from benchmarks.options import Options
from benchmarks.progress import say
from benchmarks.results import Watching
from benchmarks.servers import Server
from sample.child import Child

WARM_SECONDS, SECONDS, TURNS = 2.0, 4.0, 8
CONNECTIONS = 1


def measure(options: Options) -> Watching:
    """Measure both in turn; give the medians over the turns."""
    recipe, *_ = options.of(MEDIUM)
    home, tag = models.imported(recipe)
    quiet = {"ACCESS_LOG": "off"}
    pair = (
        servers.service(1, home, tag, quiet),
        servers.service(1, home, tag, quiet, target="benchmarks.unwatched_service:AutogluonBento"),
    )
    sent, turns = bodies(), 2 if options.quick else TURNS
    with tempfile.TemporaryDirectory(prefix="agbento-bench-") as scratch, ExitStack() as running:
        children = [running.enter_context(s.start(_folder(scratch, i))) for i, s in enumerate(pair)]
        for server in pair:
            best_generator()(server.port, sent, CONNECTIONS, WARM_SECONDS)
        cpu: tuple[list[float], list[float]] = ([], [])
        waited: tuple[list[float], list[float]] = ([], [])
        for turn in range(turns):
            say(f"watching: turn {turn + 1} of {turns}")
            for i in (0, 1) if turn % 2 == 0 else (1, 0):
                each, p50 = _turn(pair[i], children[i], sent)
                cpu[i].append(each)
                waited[i].append(p50)
    microseconds = [statistics.median(taken) for taken in cpu]
    milliseconds = [statistics.median(taken) for taken in waited]
    return Watching(microseconds[0], microseconds[1], milliseconds[0], milliseconds[1], turns)


def _folder(scratch: str, i: int) -> Path:
    folder = Path(scratch) / str(i)
    folder.mkdir()
    return folder


def _turn(server: Server, child: Child, sent: Sequence[bytes]) -> tuple[float, float]:
    """Give microseconds of processor time a request, and the median latency in milliseconds."""
    before = _processor_seconds(child)
    got = best_generator()(server.port, sent, CONNECTIONS, SECONDS)
    used = _processor_seconds(child) - before
    if not got.answers or got.failures:
        raise ValueError(f"{server.title}: {got.failures} of {got.answers} requests failed")
    return 1e6 * used / got.answers, got.percentile(0.5)


def _processor_seconds(child: Child) -> float:
    """Add up what all processes below ``child`` have used."""
    times = [process.cpu_times() for process in psutil.Process(child.pid).children(recursive=True)]
    return sum(t.user + t.system for t in times)
