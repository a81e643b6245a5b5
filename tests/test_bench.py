"""The load generators measure what they say."""

import json
import math
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import load, wrk
from benchmarks.load import request_bytes
from benchmarks.measured import Measured
from benchmarks.ports import free_port
from sample.client import Client
from tests.running import ROOT
from tests.stubs import stub_service

ROWS = [json.dumps({"size": float(i), "count": i, "city": "Oslo"}).encode() for i in range(50)]
GENERATORS = [load.measure, *([wrk.measure] if wrk.program() else [])]
Measure = Callable[..., Measured]

both = pytest.mark.parametrize("measure", GENERATORS, ids=lambda measure: str(measure.__module__))


def port_of(url: str) -> int:
    return int(url.rsplit(":", 1)[1])


@contextmanager
def raw_server(
    answer: bytes, pause: float = 0.0, close: bool = False, seen: Counter[bytes] | None = None
) -> Iterator[int]:
    """A server that gives ``answer`` to everything, after ``pause`` seconds; ``seen`` counts the bodies."""

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                while received := connection.recv(65536):
                    if seen is not None:
                        seen[received.split(b"\r\n\r\n", 1)[1]] += 1
                    time.sleep(pause)
                    connection.sendall(answer)
                    if close:
                        return
            except OSError:  # wrk leaves in the middle of an answer when its time is over
                return

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def http(status: str, body: bytes = b"{}", extra: bytes = b"") -> bytes:
    return b"HTTP/1.1 " + status.encode() + b"\r\nContent-Length: %d\r\n" % len(body) + extra + b"\r\n" + body


@both
def test_a_request_is_what_the_stub_takes_for_one(measure: Measure) -> None:
    assert request_bytes(b"{}").startswith(b"POST /predict HTTP/1.1\r\n")
    with stub_service() as url:
        got = measure(port_of(url), ROWS, connections=4, seconds=1.0)
    assert got.failures == 0
    assert got.answers > 0
    assert math.isclose(got.rate * got.seconds, got.answers)
    assert 0 < got.generator_share < 1.5


@both
def test_requests_vary(measure: Measure) -> None:
    seen: Counter[bytes] = Counter()
    with raw_server(http("200 OK"), seen=seen) as port:
        got = measure(port, ROWS, connections=1, seconds=2.0)
    assert got.answers > len(ROWS)
    assert set(seen) == set(ROWS)
    assert max(seen.values()) - min(seen.values()) <= 1


@both
def test_answers_that_are_not_200_count_as_failures(measure: Measure) -> None:
    with stub_service("status") as url:
        got = measure(port_of(url), ROWS, connections=2, seconds=2.0)
    assert 0.07 < got.failures / (got.failures + got.answers) < 0.13


@both
def test_latency_is_the_servers(measure: Measure) -> None:
    with raw_server(http("200 OK"), pause=0.02) as port:
        got = measure(port, ROWS, connections=2, seconds=1.0)
    assert got.percentile(0.5) >= 20
    assert 0 < got.rate <= 100


@both
def test_a_server_that_closes_after_each_answer_is_connected_anew(measure: Measure) -> None:
    with raw_server(http("200 OK", extra=b"Connection: close\r\n"), close=True) as port:
        got = measure(port, ROWS, connections=3, seconds=1.0)
    assert got.answers > 0
    assert got.failures == 0


@both
def test_a_server_that_breaks_off_is_a_failure(measure: Measure) -> None:
    with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", close=True) as port:
        got = measure(port, ROWS, connections=1, seconds=1.0)
    assert got.answers == 0
    assert got.failures > 0


@both
def test_nobody_there(measure: Measure) -> None:
    with pytest.raises(OSError, match="refused"):
        measure(free_port(), ROWS, connections=1, seconds=1.0)


def test_a_server_that_is_not_understood_ends_the_run() -> None:
    with raw_server(b"HTTP/1.1 200 OK\r\n\r\n") as port, pytest.raises(ValueError, match="without Content-Length"):
        load.measure(port, ROWS, connections=1, seconds=5)


def test_wrk_takes_bodies_of_one_line() -> None:
    with pytest.raises(ValueError, match="several lines"):
        wrk.measure(free_port(), [b"{\n}"], connections=1, seconds=1.0)


def measured(latencies: list[int], seconds: float = 1.0, failures: int = 0) -> Measured:
    return Measured(Counter(latencies), seconds, failures)


@given(st.lists(st.integers(0, 50_000), min_size=1), st.floats(0, 1))
def test_a_percentile_is_one_of_the_latencies(latencies: list[int], share: float) -> None:
    found = measured(latencies).percentile(share)
    assert found * 1000 in [pytest.approx(latency) for latency in latencies]
    assert sum(latency / 1000 <= found for latency in latencies) >= share * len(latencies)


@given(st.lists(st.integers(0, 50_000)), st.lists(st.integers(0, 50_000)))
def test_two_runs_together_are_one_of_both(one: list[int], other: list[int]) -> None:
    assert measured(one, 1.0, 2) + measured(other, 3.0, 1) == measured(one + other, 4.0, 3)


def test_nothing_has_no_percentile() -> None:
    assert math.isnan(Measured().percentile(0.5))
    assert Measured().rate == 0


def test_the_echo_reads_the_row() -> None:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "benchmarks.echo_app:app", "--loop", "uvloop", "--http", "httptools"]
    options = ["--no-access-log", "--log-level", "warning", "--port", str(port)]
    with subprocess.Popen([*command, *options], cwd=ROOT) as echo:
        try:
            deadline = time.monotonic() + 60
            while not Client(f"http://127.0.0.1:{port}").ready():
                assert time.monotonic() < deadline
                time.sleep(0.1)
            got = load.measure(port, ROWS, connections=32, seconds=1.0, warmup=0.2)
            told = Client(f"http://127.0.0.1:{port}").predict({"gross_weight": 10.3})
        finally:
            echo.terminate()
    assert got.failures == 0
    assert got.answers > 32
    assert told == {"cost": 10.3}
