"""One row over HTTP: this service and what it is measured against, one predictor after the other.

All servers of a predictor run all the time; the rounds are interleaved, so that what else the machine does hits all.
"""

from __future__ import annotations

import itertools
import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import load, models, servers, wrk
from benchmarks.machine import generator
from benchmarks.measured import Measured
from benchmarks.models import MEDIUM, MIXED, STACK, Recipe
from benchmarks.options import Options
from benchmarks.progress import say
from benchmarks.results import Cell, Http
from benchmarks.servers import ECHO, Server
from sample.client import Client
from sample.rows import rows

CONNECTIONS = (1, 32)
BODIES = 2000
WARM_SECONDS, SECONDS, ROUNDS = 1.0, 4.0, 2  # of one cell in one round
QUICK_SECONDS = 3.0
SLOW_SECONDS = {1: 20.0, 32: 45.0}
_PATIENCE_SECONDS = 300.0  # until a slow server has answered what waits

Measure = Callable[[int, Sequence[bytes], int, float], Measured]


def measure(options: Options) -> Http:
    """Measure every server of every predictor. Raises ChildFailed, ValueError where servers do not agree."""
    cells: list[Cell] = []
    compiled: dict[str, bool] = {}
    for recipe in options.of(MEDIUM, STACK, MIXED):
        with tempfile.TemporaryDirectory(prefix="agbento-bench-") as scratch, ExitStack() as running:
            contestants = _contestants(recipe)
            for server in contestants:
                say(f"{recipe.name}: start {server.title}")
                running.enter_context(server.start(Path(scratch)))
            check_answers(contestants)
            compiled[recipe.name] = _compiled(contestants[0])
            cells += _cells(recipe, contestants, options.quick)
    return Http(tuple(cells), generator(), compiled)


def bodies(n: int = BODIES) -> list[bytes]:
    """Give ``n`` different rows as JSON."""
    return [json.dumps(row).encode() for row in rows(n, seed=1).to_dict("records")]


def best_generator() -> Measure:
    """Give wrk where there is one, else the generator in Python."""
    return wrk.measure if wrk.program() else load.measure


def check_answers(contestants: Sequence[Server], n: int = 3) -> None:
    """Stop before measuring if the servers of a model do not answer the same, but for the last of two decimals."""
    clients = {s.title: Client(s.url, read_seconds=_PATIENCE_SECONDS) for s in contestants if s.key != ECHO}
    for body in bodies(n):
        told = {title: client.predict(json.loads(body))["cost"] for title, client in clients.items()}
        if max(told.values()) - min(told.values()) > 0.011:
            raise ValueError(f"the servers do not agree on the same row: {told}")


def _contestants(recipe: Recipe) -> list[Server]:
    """List the servers of a predictor, the project's own with one worker first."""
    predictor, (home, tag) = models.trained(recipe), models.imported(recipe)
    one, two = (servers.service(workers, home, tag) for workers in (1, 2))
    match recipe.name:
        case "medium":
            return [one, two, servers.flask(predictor), servers.flask(predictor, persist=True), servers.echo()]
        case "stack":
            return [one, two, servers.flask(predictor, slow=True), servers.flask(predictor, persist=True)]
        case _:
            return [one, servers.litserve(predictor)]


def _compiled(service: Server) -> bool:
    """Tell whether the service answers with the compiled predictor, by its own word."""
    told: Any = Client(service.url).model()
    return bool(told.get("compiled", {}).get("compiled"))


def _cells(recipe: Recipe, contestants: Sequence[Server], quick: bool) -> list[Cell]:
    """Measure the fast servers in interleaved rounds, then the slow ones once: what waits there would take minutes."""
    sent, found = bodies(), {(server.key, n): Measured() for n in CONNECTIONS for server in contestants}
    fast, slow = ([server for server in contestants if server.slow is kind] for kind in (False, True))
    for turn, servers_now in [*((turn, fast) for turn in range(1 if quick else ROUNDS)), (0, slow)]:
        for n, server in itertools.product(CONNECTIONS, servers_now):
            say(f"{recipe.name}: round {turn + 1}, {n} connection{'s' if n > 1 else ''}, {server.title}")
            found[server.key, n] += _load(server, sent, n, quick)
    return [_cell(recipe.name, server, n, found[server.key, n]) for n in CONNECTIONS for server in contestants]


def _load(server: Server, sent: Sequence[bytes], connections: int, quick: bool) -> Measured:
    run = best_generator()
    _settle(server)
    if server.slow:
        return run(server.port, sent, connections, QUICK_SECONDS * 5 if quick else SLOW_SECONDS[connections])
    run(server.port, sent, connections, WARM_SECONDS)
    _settle(server)
    return run(server.port, sent, connections, QUICK_SECONDS if quick else SECONDS)


def _settle(server: Server) -> None:
    """Wait until nothing waits: gunicorn answers callers that have left too, and that would be the next one's time."""
    for _ in range(2):
        Client(server.url, read_seconds=_PATIENCE_SECONDS).ready()


def _cell(model: str, server: Server, connections: int, got: Measured) -> Cell:
    return Cell(
        model,
        server.key,
        server.title,
        connections,
        got.answers,
        got.seconds,
        got.rate,
        got.percentile(0.50),
        got.percentile(0.99),
        got.failures,
        got.generator_share,
    )
