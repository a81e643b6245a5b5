"""The rim around BentoML's app: what its middlewares see of a path, and what a caller sees of its errors."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from agbento.answering import Answering
from agbento.bodies import Limits
from agbento.web import UNKNOWN_PATH, Endpoints, Rim, is_known


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


def predict_scope() -> dict[str, Any]:
    """The scope of a request to /predict."""
    return {"type": "http", "method": "POST", "path": "/predict", "headers": []}


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
