"""The load generator measures what it says, and the benchmark runs from end to end."""

import json
import math
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.http import CONNECTIONS, table
from benchmarks.load import Measured, measure, request_bytes
from benchmarks.servers import Server
from sample.client import Client
from tests.running import ROOT, environment, free_port
from tests.stubs import stub_service

ROWS = [json.dumps({"size": float(i), "count": i, "city": "Oslo"}).encode() for i in range(50)]


def port_of(url: str) -> int:
    return int(url.rsplit(":", 1)[1])


@contextmanager
def raw_server(answer: bytes, pause: float = 0.0, close: bool = False) -> Iterator[int]:
    """A server that gives ``answer`` to everything, after ``pause`` seconds."""

    def serve(connection: socket.socket) -> None:
        with connection:
            while connection.recv(65536):
                time.sleep(pause)
                connection.sendall(answer)
                if close:
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


def test_a_request_is_what_the_stub_takes_for_one() -> None:
    assert request_bytes(b"{}").startswith(b"POST /predict HTTP/1.1\r\n")
    with stub_service() as url:
        got = measure(port_of(url), ROWS, connections=4, seconds=0.5, warmup=0.1)
    assert got.failures == 0
    assert len(got.latencies) > 50
    assert got.rate == len(got.latencies) / 0.5


def test_answers_that_are_not_200_count_as_failures() -> None:
    with stub_service("status") as url:
        got = measure(port_of(url), ROWS, connections=2, seconds=0.5, warmup=0.1)
    assert 0.07 < got.failures / (got.failures + len(got.latencies)) < 0.13


def test_latency_is_the_servers() -> None:
    with raw_server(http("200 OK"), pause=0.02) as port:
        got = measure(port, ROWS, connections=2, seconds=1.0, warmup=0.1)
    assert 20 <= got.percentile(0.5) < 40
    assert 50 < got.rate <= 100


def test_a_server_that_closes_after_each_answer_is_connected_anew() -> None:
    with raw_server(http("200 OK", extra=b"Connection: close\r\n"), close=True) as port:
        got = measure(port, ROWS, connections=3, seconds=0.5, warmup=0.1)
    assert len(got.latencies) > 20
    assert got.failures == 0


def test_a_server_that_breaks_off_is_a_failure() -> None:
    with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", close=True) as port:
        got = measure(port, ROWS, connections=1, seconds=0.3, warmup=0.0)
    assert got.latencies == []
    assert got.failures > 0


def test_a_server_that_is_not_understood_ends_the_run() -> None:
    with raw_server(b"HTTP/1.1 200 OK\r\n\r\n") as port, pytest.raises(ValueError, match="without Content-Length"):
        measure(port, ROWS, connections=1, seconds=5, warmup=0)


def test_nobody_there() -> None:
    with pytest.raises(OSError, match="refused"):
        measure(free_port(), ROWS, connections=1, seconds=0.2, warmup=0)


def test_percentiles() -> None:
    got = Measured([i / 1000 for i in range(1, 101)], 2.0) + Measured([], 2.0, 3)
    assert (got.percentile(0.0), got.percentile(0.5), got.percentile(0.99), got.percentile(1.0)) == (1, 51, 100, 100)
    assert (got.rate, got.failures) == (25.0, 3)
    assert math.isnan(Measured().percentile(0.5))


def test_the_table_compares_with_flask_and_echo() -> None:
    contestants = [Server(key, key.upper(), 1, ()) for key in ("service-1", "flask", "echo")]
    rates = {"service-1": 100, "flask": 50, "echo": 1000}
    cells = {(key, n): Measured([0.002] * rate, 1.0) for key, rate in rates.items() for n in CONNECTIONS}
    lines = table(contestants, cells).splitlines()
    assert lines[2] == "| SERVICE-1 | 1 | 100 | 2.00 | 2.00 | 1 | 2 | 0.1 | 0 |"
    assert len(lines) == 2 + 2 * 3


def test_the_echo_reads_the_row() -> None:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "benchmarks.echo_app:app", "--loop", "uvloop", "--http", "httptools"]
    options = ["--no-access-log", "--log-level", "warning", "--port", str(port)]
    with subprocess.Popen([*command, *options], cwd=ROOT) as echo:
        try:
            deadline = time.monotonic() + 20
            while not Client(f"http://127.0.0.1:{port}").ready():
                assert time.monotonic() < deadline
                time.sleep(0.1)
            got = measure(port, ROWS, connections=32, seconds=1.0, warmup=0.2)
        finally:
            echo.terminate()
    assert got.failures == 0
    assert len(got.latencies) > 32


@pytest.mark.slow
def test_the_benchmark_prints_its_table(sample_predictor: Path, tmp_path: Path) -> None:
    before = (ROOT / "docs" / "benchmark.md").stat().st_mtime_ns if (ROOT / "docs" / "benchmark.md").exists() else None
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.http", "--seconds", "1", "--rounds", "1"],
        cwd=ROOT,
        env=environment(tmp_path / "bentoml"),
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]
    assert len(cells) == 5 * len(CONNECTIONS)
    assert all(float(cell[2].replace(",", "")) > 0 and cell[-1] == "0" for cell in cells)
    assert not (tmp_path / "bentoml").exists(), "the benchmark has a store of its own"
    after = (ROOT / "docs" / "benchmark.md").stat().st_mtime_ns if (ROOT / "docs" / "benchmark.md").exists() else None
    assert after == before
