"""The load test: rows made from the service's own ``GET /model``, every answer read and checked.

Web UI: ``locust --host http://127.0.0.1:9696``; headless: ``make load``. One user sends one request after another
without a pause. Exit code 1 if a request failed, if none was sent, or if there is no service.
"""

from __future__ import annotations

import json
import logging
import random
import sys
from argparse import ArgumentParser
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

import gevent
from locust import FastHttpUser, constant, events, task
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import WorkerRunner

from agbento.examples import example_rows
from sample.client import Client, NoAnswer, key_header
from sample.verdict import fault_of

POOL = 2000  # rows made before the first request, so that making them slows none
logger = logging.getLogger("locustfile")


@dataclass(frozen=True)
class Load:
    """What one test sends: the model's description, rows for it, and how many a batch has."""

    model: dict[str, Any]
    rows: list[dict[str, Any]]
    batch_size: int

    def batch(self, n: int) -> list[dict[str, Any]]:
        """Give ``n`` rows, from a random one on."""
        start = random.randrange(len(self.rows))
        return [self.rows[(start + i) % len(self.rows)] for i in range(n)]


class Caller(FastHttpUser):
    """Sends single rows and batches to ``POST /predict``."""

    wait_time = constant(0)
    load: ClassVar[Load | None] = None  # None where no service answered

    @task
    def one_row(self) -> None:
        """One object."""
        self.predict(one=True)

    @task
    def batch(self) -> None:
        """An array of ``--batch-size`` objects."""
        self.predict(one=False)

    def predict(self, *, one: bool) -> None:
        """Send one request; it fails if its answer is not what the model's description promises."""
        load = self.load
        if load is None:
            raise StopUser  # the test is about to end
        n = 1 if one else load.batch_size
        rows = load.batch(n)
        sent: Any = rows[0] if one else rows
        name = "/predict [1 row]" if one else f"/predict [{n} rows]"
        headers = {"Content-Type": "application/json", **key_header()}
        body = json.dumps(sent)
        with self.client.post("/predict", data=body, headers=headers, name=name, catch_response=True) as response:
            if response.status_code != 200:
                response.failure(f"status {response.status_code}{_title(response.text)}")
                return
            try:
                fault = fault_of(response.json(), sent, load.model)
            except ValueError:
                fault = "the answer is no JSON"
            if fault:
                response.failure(fault)


def _title(text: str | None) -> str:
    """Give the problem's title, not its detail: locust counts failures of one text together."""
    try:
        return f": {json.loads(text or '')['title']}"
    except (ValueError, TypeError, KeyError):
        return ""


@events.init_command_line_parser.add_listener
def add_arguments(parser: ArgumentParser) -> None:
    """Add the load's own arguments; each can be given in the environment and in the web UI too."""
    group: Any = parser.add_argument_group("load", "what is sent to POST /predict")
    for name, default, what in (
        ("batch-size", 100, "rows of a batch request"),
        ("single-weight", 10, "share of requests with one row"),
        ("batch-weight", 1, "share of batch requests"),
    ):
        variable = "LOCUST_" + name.upper().replace("-", "_")
        group.add_argument(f"--{name}", type=int, default=default, env_var=variable, help=what)


@events.test_start.add_listener
def read_model(environment: Environment, **_: Any) -> None:
    """Ask the service once what it serves, make the rows, and set the weights."""
    options: Any = environment.parsed_options
    Caller.load = None
    weights = options.single_weight, options.batch_weight
    if options.batch_size < 1 or min(weights) < 0 or sum(weights) == 0:
        _give_up(environment, "load: --batch-size must be at least 1, no weight below 0 and one of them above")
        return
    Caller.tasks = [Caller.one_row] * weights[0] + [Caller.batch] * weights[1]
    try:
        model = Client(environment.host or "").model()
    except NoAnswer as silence:
        _give_up(environment, f"load: {silence}")
        return
    rows = list(islice(example_rows(model["features"], seed=random.randrange(2**32)), POOL))
    Caller.load = Load(model, rows, options.batch_size)


@events.quitting.add_listener
def judge(environment: Environment, **_: Any) -> None:
    """A test that failed a request, or sent none, has failed; its last line says what it was."""
    if isinstance(environment.runner, WorkerRunner):
        return
    total = environment.stats.total
    if total.num_failures or not total.num_requests:
        environment.process_exit_code = 1
    # locust prints its own tables between these two events
    environment.events.quit.add_listener(lambda **_: _summarise(total))


def _summarise(total: Any) -> None:
    p50, p99 = (total.get_response_time_percentile(share) or 0 for share in (0.50, 0.99))
    sys.stdout.write(
        f"load: {total.num_requests} requests, {total.num_failures} failures, {total.total_rps:.1f} req/s, "
        f"p50 {p50:.0f} ms, p99 {p99:.0f} ms\n"
    )
    sys.stdout.flush()


def _give_up(environment: Environment, line: str) -> None:
    """End the test with one line; the web UI stays, for another start."""
    logger.error(line)
    environment.process_exit_code = 1
    runner = environment.runner
    if runner is not None:
        gevent.spawn(runner.stop if environment.web_ui else runner.quit)
