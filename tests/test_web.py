"""The rim around BentoML's app: what its middlewares see of a path, and what a caller sees of its errors."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from agbento.answering import Answering
from agbento.bodies import Limits
from agbento.metrics import ServiceMetrics
from agbento.predictor import Predictions
from agbento.rows import Batch
from agbento.schema import Feature, Schema
from agbento.values.policy import Policy
from agbento.web import UNKNOWN_PATH, Endpoints, Rim, is_known
from tests.running import ROOT


class Inner:
    """An app that answers what it is told to, and remembers the path that it saw."""

    def __init__(self, response: Response) -> None:
        self.response, self.path = response, ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.path = scope["path"]
        await self.response(scope, receive, send)


def ask(inner: Inner, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Send one request through the rim; status, headers and body of the answer."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "headers": []}
    asyncio.run(Rim(inner)(scope, receive, send))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:])


@pytest.mark.parametrize("path", ["/predict", "/model", "/", "/metrics", "/readyz", "/static_content/swagger-ui.css"])
def test_known_paths_go_in_as_they_are(path: str) -> None:
    inner = Inner(PlainTextResponse("fine"))
    assert ask(inner, path)[2] == b"fine"
    assert inner.path == path


@pytest.mark.parametrize("path", ["/predict/", "/Predict", "//", "/static_content/../x", "/metrics/1", "", "/é"])
def test_unknown_paths_go_in_under_one_name(path: str) -> None:
    inner = Inner(PlainTextResponse("Not Found", 404))
    status, _, body = ask(inner, path)
    assert inner.path == UNKNOWN_PATH
    assert status == 404
    assert json.loads(body)["detail"].startswith(f"{path}: no such path")
    assert not is_known(path)


@pytest.mark.parametrize("status", [400, 404, 405, 429, 500, 503, 504])
def test_foreign_errors_become_problems(status: int) -> None:
    inner = Inner(JSONResponse([{"error": "an array"}], status, {"retry-after": "1", "allow": "GET", "x-own": "1"}))
    found, headers, body = ask(inner, "/metrics", "PUT")
    problem = json.loads(body)
    assert (found, problem["status"]) == (status, status)
    assert headers["content-type"] == "application/problem+json"
    assert headers["content-length"] == str(len(body))
    assert (headers["retry-after"], headers["allow"]) == ("1", "GET")


def test_our_own_problems_pass_through() -> None:
    inner = Inner(Response(b'{"status": 422}', 422, media_type="application/problem+json"))
    assert ask(inner, "/predict", "POST")[2] == b'{"status": 422}'


def test_websockets_are_closed_and_go_nowhere() -> None:
    inner, sent = Inner(PlainTextResponse("fine")), []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Rim(inner)({"type": "websocket", "path": "/made-up"}, receive, send))
    assert [message["type"] for message in sent] == ["websocket.close"]
    assert inner.path == ""


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


def predict_scope(path: str = "/predict") -> dict[str, Any]:
    """The scope of a request to /predict."""
    return {"type": "http", "method": "POST", "path": path, "headers": []}


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
    metrics = ServiceMetrics(CollectorRegistry())
    answering = Answering(SCHEMA, Policy.default(SCHEMA), model, metrics, None, 20.0)
    try:
        yield Endpoints(
            Inner(PlainTextResponse("")), lambda: answering, dict, Limits(1 << 20, 1000, 20.0), max_requests
        )
    finally:
        model.gate.set()
        answering.close()


def test_a_caller_that_leaves_while_it_waits_is_not_worked_for() -> None:
    async def ask(target: Endpoints) -> tuple[Caller, Caller, Caller]:
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


@pytest.mark.parametrize("accept", [b"", b"*/*", b"application/json", b"text/csv;q=0.5, application/json"])
def test_answers_in_json_say_so(accept: bytes) -> None:
    model, caller = Halves(fast_rows=1), Caller('{"a": 1, "t": "é"}'.encode())
    model.gate.set()
    with serving(model) as target:
        asyncio.run(target(predict_scope() | {"headers": [(b"accept", accept)]}, caller.receive, caller.send))
    assert caller.answer == (200, {"y": 0.5})
    assert sorted(caller.sent[0]["headers"]) == [(b"content-length", b"10"), (b"content-type", b"application/json")]


REQUESTS = (
    ("/predict", 200),
    ("/predict", 422),
    ("/model", 200),
    ("/predict", 200),
    ("/predict", 504),
    ("/livez", 200),
)


COUNTING = """
import asyncio, sys
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.context import server_context
from bentoml._internal.server.http.instruments import RunnerTrafficMetricsMiddleware
from starlette.responses import Response
from agbento.web import Traffic
from tests.test_web import REQUESTS, Inner, predict_scope

server_context.bento_name, server_context.bento_version = "bento", "1"
server_context.service_name, server_context.service_routes = "service", ["/predict"]
inner, options = Inner(Response()), {"namespace": "bentoml_service", "skip_paths": ["/livez"]}
bentoml = RunnerTrafficMetricsMiddleware
app = Traffic(inner, bentoml=bentoml, **options) if sys.argv[1] == "us" else bentoml(inner, **options)

async def receive():
    return {"type": "http.request"}

async def send(message):
    if inner.response.status_code == 504 and message["type"] == "http.response.body":
        raise ConnectionError

async def main():
    for path, status in REQUESTS:
        inner.response = Response(b"x", status)
        try:
            await app(predict_scope(path), receive, send)
        except ConnectionError:
            pass

asyncio.run(main())
sys.stdout.write(BentoMLContainer.metrics_client.get().generate_latest().decode())
"""


def counted_by(who: str, folder: Path) -> dict[tuple[Any, ...], float]:
    """What is counted of ``REQUESTS``, in a process of its own: as in a worker, its values are in files."""
    folder.mkdir()
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder), "BENTOML_HOME": str(folder)}
    command = [sys.executable, "-c", COUNTING, who]
    run = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    families = list(text_string_to_metric_families(run.stdout))
    return {
        (sample.name, *sorted((name, value) for name, value in sample.labels.items() if name != "pid")): sample.value
        for family in families
        for sample in family.samples
    }


def test_traffic_is_counted_as_bentoml_counts_it(tmp_path: Path) -> None:
    theirs, ours = (counted_by(who, tmp_path / who) for who in ("bentoml", "us"))
    assert ours.keys() == theirs.keys()
    measured = ("_bucket", "_sum", "_timestamp_seconds")  # of time
    assert {key: ours[key] for key in ours if not key[0].endswith(measured)} == {
        key: theirs[key] for key in theirs if not key[0].endswith(measured)
    }
    totals = {key[1:3]: value for key, value in ours.items() if key[0] == "bentoml_service_request_total"}
    assert totals[("endpoint", "/predict"), ("http_response_code", "200")] == 2
    assert all(ours[key] > 0 for key in ours if key[0].endswith(("_sum", "_timestamp_seconds")))
