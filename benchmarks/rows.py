"""What the service adds to its model: validation of one row, and 1,000 rows of JSON in one request.

The service and the model in this process take turns, so that what else the machine does hits both alike.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import requests

from agbento.describe import describe
from agbento.rows import RowReader
from benchmarks import models, servers
from benchmarks.models import MEDIUM
from benchmarks.options import Options
from benchmarks.progress import say
from benchmarks.results import Many
from sample.rows import rows

MANY = 1000
BODIES = 200

Things = dict[str, Callable[[int], Any]]


def measure(options: Options) -> Many:
    """Measure each thing once a turn; give the medians."""
    from autogluon.tabular import TabularPredictor

    turns = 10 if options.quick else 150
    recipe, *_ = options.of(MEDIUM)
    stock = TabularPredictor.load(str(models.trained(recipe)), verbosity=0)
    stock.persist(max_memory=None)
    service = servers.service(1, *models.imported(recipe))
    with tempfile.TemporaryDirectory(prefix="agbento-bench-") as scratch:
        say(f"rows: {service.title}")
        with service.start(Path(scratch)), requests.Session() as session:
            session.trust_env = False
            one, validation, many, predict = _take_turns(_things(service.url, session, stock), turns)
    return Many(one, validation, many, predict, turns)


def _things(url: str, session: requests.Session, stock: Any) -> Things:
    reader = RowReader(describe(stock))
    made: list[dict[str, Any]] = json.loads(json.dumps(rows(BODIES + MANY, seed=1).to_dict("records")))
    ones, many = made[:BODIES], made[BODIES:]
    one_bodies, many_body = [json.dumps(row).encode() for row in ones], json.dumps(many).encode()
    frame = pd.DataFrame(many)

    def post(body: bytes) -> None:
        headers = {"Content-Type": "application/json"}
        session.post(f"{url}/predict", body, headers=headers, timeout=60).raise_for_status()

    return {
        "one row over HTTP": lambda i: post(one_bodies[i % BODIES]),
        "its validation": lambda i: reader.batch([ones[i % BODIES]]),
        "1,000 rows over HTTP": lambda _: post(many_body),
        "predict of 1,000 rows": lambda _: stock.predict(frame),
    }


def _take_turns(things: Things, turns: int) -> list[float]:
    times: dict[str, list[float]] = {name: [] for name in things}
    for turn in range(-3, turns):  # the first three warm up
        for name, thing in things.items():
            began = time.perf_counter()
            thing(turn)
            if turn >= 0:
                times[name].append(1000 * (time.perf_counter() - began))
    return [statistics.median(taken) for taken in times.values()]
