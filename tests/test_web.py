"""Our endpoints: what they answer themselves, and whom they answer nothing."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry
from starlette.responses import PlainTextResponse

from agbento.answering import Answering
from agbento.bodies import Limits
from agbento.formats.answer_csv import write_csv
from agbento.metrics import ServiceMetrics
from agbento.predictor import Predictions
from agbento.rows import Batch
from agbento.schema import Feature, Schema
from agbento.values.policy import Policy
from agbento.watching.watch import Watch
from agbento.web import Endpoints
from tests.asgi import Inner, predict_scope


class Gone:
    """A caller that goes away before its body is there; or one whose request waits for the model."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    async def receive(self) -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)


def endpoints(max_requests: int) -> Endpoints:
    """Our endpoints without a model: what is asked of them never gets there."""

    def none() -> Any:
        raise AssertionError("the model was asked")

    answering = cast(Answering, SimpleNamespace(columns=("a",)))
    return Endpoints(Inner(PlainTextResponse("")), lambda: answering, none, Limits(100, 10, 0.3), max_requests)


def test_a_caller_that_is_gone_is_answered_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caller = Gone()
    asyncio.run(endpoints(1)(predict_scope(), caller.receive, caller.send))
    assert caller.sent == []
    assert caplog.records == []


def test_more_requests_than_are_taken_are_refused_at_once() -> None:
    async def both() -> list[list[Any]]:
        target, callers = endpoints(1), [Gone(), Gone()]

        async def silent() -> dict[str, Any]:
            await asyncio.sleep(10)
            raise AssertionError

        await asyncio.gather(*(target(predict_scope(), silent, caller.send) for caller in callers))
        return [caller.sent for caller in callers]

    first, second = asyncio.run(both())
    assert (first[0]["status"], second[0]["status"]) == (408, 503)
    assert (b"retry-after", b"1") in second[0]["headers"]


class Caller:
    """Sends a body, and leaves when it is told to; what it is sent, it keeps."""

    def __init__(self, body: bytes) -> None:
        self.sent: list[Any] = []
        self.leaves = asyncio.Event()
        self._messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive(self) -> dict[str, Any]:
        if self._messages:
            return self._messages.pop()
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def answer(self) -> tuple[int, Any]:
        return self.sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in self.sent[1:]))


SCHEMA = Schema("y", "regression", (Feature("a", "float", "float64"), Feature("t", "text", "object")))


class Halves:
    """A predictor that halves a number, once its gate is open, and notes who called it for how many rows."""

    def __init__(self, fast_rows: int = 0) -> None:
        self.fast_rows = fast_rows
        self.calls: list[tuple[bool, int]] = []
        self.gate = threading.Event()

    def warm(self, one: Batch, some: Batch) -> None:
        pass

    def predict(self, batch: Batch) -> Predictions:
        self.calls.append((threading.current_thread() is threading.main_thread(), batch.rows))
        assert self.gate.wait(20)
        return Predictions(batch.frame()["a"].to_numpy() / 2)


@contextmanager
def serving(model: Halves, max_requests: int = 10) -> Iterator[Endpoints]:
    watch = Watch(ServiceMetrics(CollectorRegistry()), SCHEMA, Policy.default(SCHEMA))
    answering = Answering(SCHEMA, Policy.default(SCHEMA), model, watch, None, 20.0)
    try:
        yield Endpoints(
            Inner(PlainTextResponse("")), lambda: answering, dict, Limits(1 << 20, 1000, 20.0), max_requests
        )
    finally:
        model.gate.set()
        answering.close()


def test_a_caller_that_leaves_while_it_waits_is_not_worked_for() -> None:
    async def ask(target: Endpoints) -> tuple[Caller, ...]:
        callers = tuple(Caller(b'{"a": %d, "t": ""}' % a) for a in (1, 2, 3))
        asked = [asyncio.ensure_future(target(predict_scope(), callers[0].receive, callers[0].send))]
        while not model.calls:
            await asyncio.sleep(0.001)
        asked += [asyncio.ensure_future(target(predict_scope(), c.receive, c.send)) for c in callers[1:]]
        first, leaving, staying = asked
        await asyncio.sleep(0.05)  # both wait for the model
        callers[1].leaves.set()
        await asyncio.wait_for(leaving, 10)  # though the model still works
        model.gate.set()
        await asyncio.gather(first, staying)
        return callers

    model = Halves()
    with serving(model, max_requests=3) as target:
        first, left, stayed = asyncio.run(ask(target))
        assert (first.answer, left.sent, stayed.answer) == ((200, {"y": 0.5}), [], (200, {"y": 1.5}))
        assert model.calls == [(False, 1), (False, 1)]
        assert target._requests == 0


def test_what_a_fast_model_is_asked_in_few_bytes_needs_no_thread() -> None:
    def ask(target: Endpoints, body: bytes) -> tuple[int, Any]:
        caller = Caller(body)
        asyncio.run(target(predict_scope(), caller.receive, caller.send))
        return caller.answer

    model = Halves(fast_rows=2)
    model.gate.set()
    with serving(model) as target:
        assert ask(target, b'{"a": 3, "t": ""}') == (200, {"y": 1.5})
        assert ask(target, b'[{"a": 3, "t": ""}, {"a": 4, "t": ""}]') == (200, [{"y": 1.5}, {"y": 2.0}])
        assert ask(target, b"[%s]" % b", ".join([b'{"a": 3, "t": ""}'] * 3)) == (200, [{"y": 1.5}] * 3)
        assert ask(target, b'{"a": 3, "t": "%s"}' % (b"a word " * 4000)) == (200, {"y": 1.5})
        assert ask(target, b'{"a": "x", "t": ""}')[0] == 422
    assert model.calls == [(True, 1), (True, 2), (False, 3), (False, 1)]


@pytest.mark.parametrize("accept", [b"application/json", b"text/csv"])
@pytest.mark.parametrize("rows", [256, 257, 600])
def test_a_long_answer_is_the_same_as_many_short_ones(accept: bytes, rows: int) -> None:
    """It is written in a thread, and JSON in parts."""
    model = Halves()
    model.gate.set()
    caller = Caller(json.dumps([{"a": number, "t": ""} for number in range(rows)]).encode())
    with serving(model) as target:
        scope = predict_scope() | {"headers": [(b"accept", accept)]}
        asyncio.run(target(scope, caller.receive, caller.send))
        assert target._requests == 0
    body = b"".join(message.get("body", b"") for message in caller.sent[1:]).decode()
    halves = [{"y": number / 2} for number in range(rows)]
    assert body == (json.dumps(halves) if accept == b"application/json" else write_csv(halves))


@pytest.mark.parametrize("accept", [b"", b"*/*", b"application/json", b"text/csv;q=0.5, application/json"])
def test_answers_in_json_say_so(accept: bytes) -> None:
    model, caller = Halves(fast_rows=1), Caller('{"a": 1, "t": "é"}'.encode())
    model.gate.set()
    with serving(model) as target:
        asyncio.run(target(predict_scope() | {"headers": [(b"accept", accept)]}, caller.receive, caller.send))
    assert caller.answer == (200, {"y": 0.5})
    assert sorted(caller.sent[0]["headers"]) == [(b"content-length", b"10"), (b"content-type", b"application/json")]
