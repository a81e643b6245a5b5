"""The rim around BentoML's app: what its middlewares see of a path, and what a caller sees of its errors."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from agbento.rim import UNKNOWN_PATH, Rim, is_known
from agbento.watching.access_log import AccessLog, Wanted
from agbento.watching.trace import TRACE, Trace
from tests.asgi import Inner


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


class Reading(Inner):
    """An app that answers after it has read so many rows."""

    def __init__(self, response: Response, rows: int) -> None:
        super().__init__(response)
        self.rows = rows

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[TRACE].rows = self.rows
        await super().__call__(scope, receive, send)


class Silent(Inner):
    """An app that answers nothing: its caller has left."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.path = scope["path"]


def logged(
    inner: Inner, wanted: Wanted = "all", path: str = "/predict", sent_id: bytes | None = None
) -> tuple[list[dict[str, Any]], list[Trace], list[Any]]:
    """Send one request through the rim; the lines of its log, the traces that ended, and what was sent back."""
    lines: list[dict[str, Any]] = []
    ended: list[Trace] = []
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [] if sent_id is None else [(b"x-request-id", sent_id)]
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "headers": headers}
    log = AccessLog(wanted, "name:1", lambda line: lines.append(json.loads(line)))
    asyncio.run(Rim(inner, ended.append, log)(scope, receive, send))
    return lines, ended, sent


def ids(sent: list[Any]) -> list[bytes]:
    return [value for name, value in sent[0]["headers"] if name == b"x-request-id"]


def test_a_line_says_what_was_asked_and_answered_and_nothing_of_what_was_in_it() -> None:
    ((line,), (trace,), sent) = logged(Reading(PlainTextResponse("secret"), 3))
    assert line.pop("duration_ms") >= 0
    assert line.pop("time").endswith("+00:00")
    assert ids(sent) == [line.pop("request_id").encode()]
    assert line == {
        "log": "access",
        "method": "POST",
        "path": "/predict",
        "status": 200,
        "rows": 3,
        "model": "name:1",
    }
    assert (trace.status, trace.response_bytes, trace.reason) == (200, 6, "")


@pytest.mark.parametrize(
    ("wanted", "status", "path", "lines"),
    [
        ("all", 200, "/predict", 1),
        ("all", 422, "/predict", 1),
        ("all", 200, "/readyz", 0),
        ("all", 503, "/readyz", 1),
        ("all", 401, "/metrics", 1),
        ("errors", 200, "/predict", 0),
        ("errors", 422, "/predict", 1),
        ("errors", 503, "/readyz", 1),
        ("off", 422, "/predict", 0),
    ],
)
def test_what_is_logged(wanted: Wanted, status: int, path: str, lines: int) -> None:
    assert len(logged(Inner(PlainTextResponse("x", status)), wanted, path)[0]) == lines


def test_a_callers_own_id_comes_back_and_is_logged() -> None:
    for wanted in ("all", "errors", "off"):
        lines, _, sent = logged(Inner(PlainTextResponse("fine")), wanted, sent_id=b"abc-1")
        assert ids(sent) == [b"abc-1"]
        assert [line["request_id"] for line in lines] == (["abc-1"] if wanted == "all" else [])


@pytest.mark.parametrize("sent_id", [b"", b"two words", b"x" * 129, b"\xff", b"a\nb"])
def test_an_id_that_would_spoil_a_log_is_replaced(sent_id: bytes) -> None:
    ((line,), _, sent) = logged(Inner(PlainTextResponse("fine")), sent_id=sent_id)
    assert len(line["request_id"]) == 32
    assert ids(sent) == [line["request_id"].encode()]


def test_an_answer_that_nobody_logs_needs_no_id() -> None:
    assert ids(logged(Inner(PlainTextResponse("fine")), "errors")[2]) == []


@pytest.mark.parametrize(
    "response", [JSONResponse({}, 404), Response(b"{}", 404, media_type="application/problem+json")]
)
def test_an_error_has_one_id_whoever_wrote_it(response: Response) -> None:
    ((line,), ended, sent) = logged(Inner(response), "errors", path="/made-up")
    assert (line["reason"], line["path"], ended) == ("not_found", "/made-up", [])
    assert ids(sent) == [line["request_id"].encode()]


def test_a_log_that_nobody_reads_is_no_reason_not_to_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def write(self, _: str) -> None:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", Broken())
    AccessLog("all", "name:1").write(Trace("POST", "/predict"), 0.1)


def test_a_caller_that_left_is_told_of() -> None:
    ((line,), (trace,), _) = logged(Silent(PlainTextResponse("")), "errors")
    assert (line["status"], line["reason"], trace.reason) == (0, "client_left", "client_left")
