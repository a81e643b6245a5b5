"""The load generator where there is no wrk: asyncio over uvloop, one request at a time on each connection."""

from __future__ import annotations

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Sequence
from typing import cast

import uvloop

from benchmarks.measured import Measured

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"
_CLOSE = b"\r\nconnection: close"
_GRACE_SECONDS = 120.0  # for the answers under way when the time is over


def request_bytes(body: bytes, path: str = "/predict") -> bytes:
    """Give the whole HTTP/1.1 request that posts ``body`` as JSON."""
    lines = (
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join(lines).encode() + _END_OF_HEAD + body


def measure(port: int, bodies: Sequence[bytes], connections: int, seconds: float, warmup: float = 0.0) -> Measured:
    """Send ``bodies`` in turn to ``POST /predict`` on loopback, over ``connections`` connections that are kept alive.

    Answers count that come in the ``seconds`` after ``warmup``. Where a server closes the connection after its answer,
    opening the next one is part of the next request's time.
    Raises OSError if nothing listens, ValueError for an answer without Content-Length, TimeoutError for one that never
    comes.
    """
    requests = [request_bytes(body) for body in bodies]
    gc.collect()
    gc.freeze()  # a collection would count as the server's time
    try:
        return uvloop.run(_run(port, requests, connections, seconds, warmup))
    finally:
        gc.unfreeze()


async def _run(port: int, requests: list[bytes], connections: int, seconds: float, warmup: float) -> Measured:
    begin, used = time.perf_counter() + warmup, time.process_time()
    run = _Run(port, requests, connections, begin, begin + seconds)
    try:
        await asyncio.gather(*(run.connect(i * len(requests) // connections) for i in range(connections)))
        await asyncio.wait_for(run.finished.wait(), warmup + seconds + _GRACE_SECONDS)
    finally:
        await run.abort()
    if run.error:
        raise run.error
    # all of its processor time: the warm-up's too
    used = (time.process_time() - used) * seconds / (seconds + warmup)
    return Measured(run.latencies, seconds, run.failures, used)


class _Run:
    """What the connections of one run share."""

    def __init__(self, port: int, requests: list[bytes], connections: int, begin: float, end: float) -> None:
        self.port, self.requests, self.begin, self.end = port, requests, begin, end
        self.latencies: Counter[int] = Counter()
        self.failures = 0
        self.error: Exception | None = None
        self.open = connections
        self.finished = asyncio.Event()
        self.transports: set[asyncio.Transport] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def connect(self, turn: int) -> None:
        """Open one connection that sends the requests from ``turn`` on."""
        started = time.perf_counter()
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: _Connection(self, turn, started), "127.0.0.1", self.port
            )
        except OSError:
            self.left()
            if not self.latencies:
                raise
            self.failures += 1

    def reconnect(self, turn: int) -> None:
        """Open a connection in the place of one that the server closed."""
        self.open += 1
        task = asyncio.ensure_future(self.connect(turn))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def fail(self, error: Exception) -> None:
        """End the run: this server speaks what is not understood here."""
        self.error = error
        self.finished.set()

    async def abort(self) -> None:
        """Leave no connection open: uvloop does not close a loop that has some."""
        self.finished.set()
        for transport in list(self.transports):
            transport.abort()
        while self.transports or self._tasks:
            await asyncio.sleep(0.005)

    def left(self) -> None:
        """Note that a connection has ended for good."""
        self.open -= 1
        if self.open == 0:
            self.finished.set()


class _Connection(asyncio.Protocol):
    """Sends a request, reads its answer, sends the next."""

    def __init__(self, run: _Run, turn: int, started: float) -> None:
        self._run, self._turn, self._started = run, turn, started
        self._received = b""
        self._waiting = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._run.transports.add(self._transport)
        if self._run.finished.is_set():
            self._transport.abort()
            return
        self._send()

    def _send(self) -> None:
        requests = self._run.requests
        self._waiting = True
        self._transport.write(requests[self._turn % len(requests)])
        self._turn += 1

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        head_end = self._received.find(_END_OF_HEAD)
        if head_end < 0:
            return
        head = self._received[:head_end].lower()
        try:
            length = _content_length(head)
        except ValueError as error:
            self._run.fail(error)
            return
        if len(self._received) - head_end - len(_END_OF_HEAD) < length:
            return
        good = head[9:12] == b"200" and length > 0
        self._received = b""
        self._answered(good, _CLOSE in head)

    def _answered(self, good: bool, closing: bool) -> None:
        now = time.perf_counter()
        run = self._run
        self._waiting = False
        if run.begin <= now <= run.end:
            if good:
                run.latencies[int(1e6 * (now - self._started))] += 1
            else:
                run.failures += 1
        self._started = now
        if now >= run.end or closing:
            self._transport.close()
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        run = self._run
        run.transports.discard(self._transport)
        if run.finished.is_set():
            return
        if self._waiting or exc:
            run.failures += 1
        if time.perf_counter() < run.end:
            run.reconnect(self._turn)
        run.left()


def _content_length(head: bytes) -> int:
    """Read Content-Length from a head in lower case; no server here answers in chunks."""
    start = head.find(_LENGTH)
    if start < 0:
        raise ValueError(f"an answer without Content-Length: {head!r}")
    return int(head[start + len(_LENGTH) :].split(b"\r\n", 1)[0])
