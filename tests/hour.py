"""An hour of a service's life in three minutes: steady, burst, bad clients, drift, a killed worker, overload, end."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import requests

from sample.rows import rows
from tests.running import Running, wait_for
from tests.watching import SMALL

# What the machine that runs the test can do is no part of the script, so CPU is left out. A worker is back in seconds.
# A scrape that is late in the overload is no fall, and some in a row are no end. Where other tests run beside it there
# are fewer rows a second, and they are to be enough for a verdict.
THRESHOLDS = replace(
    SMALL,
    cpu=100.0,
    memory=100.0,
    saturated=0.5,
    saturated_for="3s",
    not_ready_for="1s",
    down_for="15s",
    restart="15s",
    falls=10,
    drift_rows=200,
    quality_rows=50,
)
# Few, so that some callers with many rows are more than is taken.
SETTINGS = {"SERVICE_WORKERS": "2", "MAX_REQUESTS": "4"}
POOL = 400
CALLERS = 3  # of ordinary requests: fewer than a worker takes
DRIFTING, BAD = "store_sales_in_millions_", "units_per_case"
MANY_ROWS, MANY_CALLERS = 6000, 14
OVERLOADED = {"InFlightSaturated", "LatencyBurnFast", "AvailabilityBurnFast"}
PATIENCE = 60  # seconds

Row = dict[str, Any]


def pool() -> list[Row]:
    """Rows like those of the training, but others."""
    found: list[Row] = json.loads(rows(POOL, seed=77).drop(columns=["id", "cost"]).to_json(orient="records"))
    return found


@dataclass(frozen=True)
class Sent:
    """A row that was answered: when, and with what."""

    at: float
    row: Row
    answer: float


@dataclass
class Hour:
    """Plays the script against a service; ``phases`` are (begin, end) by name, ``sent`` what single requests were.

    ``firing`` tells the alerts that fire just now: what a phase is to end in has time to come, on a busy machine too.
    """

    running: Running
    firing: Callable[[], set[str]]
    phases: dict[str, tuple[float, float]] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lock, self._pool = threading.Lock(), pool()

    def play(self) -> None:
        """Play all of it; at the end the service is gone."""
        with self.phase("steady"):
            self.ordinary(25)
        with self.phase("burst"):
            self.ordinary(6, pause=0.0)
        with self.phase("recovery"):
            self.ordinary(10)
        with self.phase("bad clients"):
            self.ordinary(14, change=spoilt)
        with self.phase("clean again"):
            self.ordinary(22)
        with self.phase("drift"):
            self.ordinary(32, change=drifted)
        with self.phase("killed worker"):
            self.running.workers()[0].kill()
            self.ordinary(8)
        with self.phase("overload"):
            self.overload(24, until=OVERLOADED)
        with self.phase("after"):
            self.ordinary(5)
        with self.phase("down"):
            self.running.end()
            wait_for(lambda: "ServiceDown" in self.firing(), PATIENCE)
            time.sleep(3)  # a graph, a point a second, is to have it too

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Note when it began and ended."""
        began = time.time()
        yield
        self.phases[name] = (began, time.time())

    def ordinary(self, seconds: float, pause: float = 0.02, change: Callable[[int, Row], Any] | None = None) -> None:
        """Some callers, one row a request, each row of the pool in its turn."""
        end, turns = time.time() + seconds, itertools.count()

        def call() -> None:
            with requests.Session() as session:
                while time.time() < end:
                    i = next(turns)
                    row = self._pool[i % POOL]
                    self._ask(session, row if change is None else change(i, row))
                    time.sleep(pause)

        _at_once([call] * CALLERS)

    def overload(self, seconds: float, until: set[str]) -> None:
        """More callers than are taken, with many rows each; who is refused comes again in two seconds."""
        begin = time.time()
        least, most = begin + seconds, begin + seconds + PATIENCE
        over = threading.Event()
        body = json.dumps((self._pool * (MANY_ROWS // POOL + 1))[:MANY_ROWS]).encode()

        def call() -> None:
            with requests.Session() as session:
                while not over.is_set():
                    answer = self._post(session, data=body, headers=JSON)
                    if answer is None or answer.status_code == 503:
                        time.sleep(2)

        def watch() -> None:
            seen: set[str] = set()
            try:
                while time.time() < least or (not until <= seen and time.time() < most):
                    seen |= self.firing()
                    time.sleep(0.5)
            finally:
                over.set()

        _at_once([watch] + [call] * MANY_CALLERS)

    def _ask(self, session: requests.Session, row: Any) -> None:
        at = time.time()
        answer = self._post(session, json=row)
        if answer is not None and answer.status_code == 200:
            with self._lock:
                self.sent.append(Sent(at, row, answer.json()["cost"]))

    def _post(self, session: requests.Session, **sent: Any) -> requests.Response | None:
        """What is answered, and noted; None where the connection broke, as that to a killed worker does."""
        try:
            answer = session.post(f"{self.running.url}/predict", timeout=60, **sent)
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
            return None
        with self._lock:
            self.statuses[answer.status_code] = self.statuses.get(answer.status_code, 0) + 1
        return answer


JSON = {"Content-Type": "application/json"}


def spoilt(i: int, row: Row) -> Any:
    """Of ten rows, three with a null that is answered with a warning, and three that are no good at all."""
    match i % 10:
        case 0 | 1 | 2:
            return row | {BAD: None}
        case 3 | 4:
            return row | {BAD: "many"}
        case 5:
            return [1]
        case _:
            return row


def drifted(_: int, row: Row) -> Row:
    """The same, from a world in which everything is sold thrice as often."""
    return row | {DRIFTING: row[DRIFTING] * 3}


def _at_once(calls: Sequence[Callable[[], None]]) -> None:
    with ThreadPoolExecutor(len(calls)) as threads:
        for done in [threads.submit(call) for call in calls]:
            done.result()
