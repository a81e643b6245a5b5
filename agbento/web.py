"""Our endpoints, inside BentoML's middlewares."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any

import anyio.to_thread
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from agbento.answering import Answering, Answers
from agbento.bodies import Limits, read_head, read_rows
from agbento.errors import MethodNotAllowed, Overloaded, RequestError
from agbento.formats.accept import CSV, JSON, preferred
from agbento.formats.answer_csv import CONTENT_TYPE, write_csv
from agbento.openapi import PAGE, document
from agbento.problems import INTERNAL_DETAIL, problem, status_problem
from agbento.watching.trace import TRACE, Trace

logger = logging.getLogger("bentoml.agbento")

METHODS = {"/predict": ("POST",), "/model": ("GET", "HEAD"), "/docs.json": ("GET", "HEAD"), "/": ("GET", "HEAD")}
_ANY_FORM = frozenset({None, "*/*", "application/json"})  # of an Accept header: what most callers send
_ROWS_AT_ONCE = 256  # rows of an answer that may be written in the event loop
# ASCII: a lone surrogate in a name or a class can be written in no other way.
_JSON = json.JSONEncoder(allow_nan=False)


class Endpoints:
    """ASGI middleware that answers our paths and passes all others on.

    It stands where BentoML's metrics see it and its routing does not: ``@bentoml.api`` declares ``/predict`` for
    clients and for other Bentos, and this serves it over HTTP at a fraction of the price, with our own 4xx.
    """

    def __init__(
        self,
        app: ASGIApp,
        answering: Callable[[], Answering],
        model: Callable[[], dict[str, Any]],
        limits: Limits,
        max_requests: int,
        keys: bool = False,
    ) -> None:
        self._app, self._answering, self._model, self._keys = app, answering, model, keys
        self._limits, self._max_requests, self._requests = limits, max_requests, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] != "http" or (methods := METHODS.get(scope["path"])) is None:
            await self._app(scope, receive, send)
            return
        trace = scope.get(TRACE) or Trace(scope["method"], scope["path"])
        try:
            response = await self._respond(scope, receive, methods, trace)
        except RequestError as error:
            response = problem(error)
        except ClientDisconnect:
            return  # nobody is there to be answered
        except Exception:
            logger.exception("%s %s failed, request %s", trace.method, trace.path, trace.id.decode())
            response = status_problem(500, INTERNAL_DETAIL)
        await response(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive, methods: tuple[str, ...], trace: Trace) -> ASGIApp:
        path, method = scope["path"], scope["method"]
        if method not in methods:
            allowed = ", ".join(methods)
            raise MethodNotAllowed(f"{method} {path}: expected {allowed}", headers={"Allow": allowed})
        match path:
            case "/predict":
                return await self._predict(scope, receive, trace)
            case "/model":
                return _Json(self._model())
            case "/docs.json":
                answering = self._answering()
                return _Json(document(answering.schema, answering.policy, keys=self._keys))
            case _:
                return HTMLResponse(PAGE)

    async def _predict(self, scope: Scope, receive: Receive, trace: Trace) -> ASGIApp:
        if self._requests >= self._max_requests:
            detail = f"{self._max_requests} requests are waiting already; try again"
            raise Overloaded(detail, headers={"Retry-After": "1", "Connection": "close"})
        self._requests += 1
        began = time.monotonic()
        try:
            head = read_head(scope["headers"])
            accept = head.get(b"accept")
            media_type = JSON if accept in _ANY_FORM else preferred(accept)
            answering = self._answering()
            sent = await read_rows(head, receive, self._limits, answering.columns)
            rows, trace.parse = sent.rows, sent.seconds
            trace.rows, trace.body_bytes = len(rows), sent.size
            answers = answering.at_once(rows, trace) if sent.is_small else None
            if answers is None:
                # One time for all of a request, so that a worker that is to end knows how long it may take.
                left = self._limits.seconds - (time.monotonic() - began)
                answers = await _while_there(receive, answering.answer(rows, left, trace))
            answered = time.perf_counter()
            write = _csv if media_type == CSV else _json_rows if sent.is_array else _json_row
            if len(answers) <= _ROWS_AT_ONCE:
                response = write(answers)
            else:
                response = await anyio.to_thread.run_sync(write, answers)
            trace.encode += time.perf_counter() - answered
            return response
        finally:
            self._requests -= 1


async def _while_there(receive: Receive, answer: Coroutine[Any, Any, Answers]) -> Answers:
    """Give the answer; raises ClientDisconnect, and gives the answer up, where the caller leaves before."""
    task, leaving = asyncio.ensure_future(answer), asyncio.ensure_future(_left(receive))
    try:
        await asyncio.wait((task, leaving), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientDisconnect
    finally:
        task.cancel()
        leaving.cancel()


async def _left(receive: Receive) -> None:
    """Wait until the caller leaves; the body has been received."""
    if (await receive())["type"] != "http.disconnect":
        await asyncio.get_running_loop().create_future()  # nothing more is told


def _csv(answers: Answers) -> ASGIApp:
    return Response(write_csv(answers).encode("utf-8", "backslashreplace"), media_type=CONTENT_TYPE)


def _json_row(answers: Answers) -> ASGIApp:
    return _Json(answers[0])


def _json_rows(answers: Answers) -> ASGIApp:
    return _Json(answers)


class _Json:
    """An answer in JSON; starlette's Response does the same at several times the price."""

    def __init__(self, content: Any) -> None:
        if isinstance(content, list) and len(content) > _ROWS_AT_ONCE:
            # The encoder lets no other thread run before it is done.
            parts = [content[at : at + _ROWS_AT_ONCE] for at in range(0, len(content), _ROWS_AT_ONCE)]
            text = f"[{', '.join(_JSON.encode(part)[1:-1] for part in parts)}]"
        else:
            text = _JSON.encode(content)
        self._body = text.encode("ascii")

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        headers = [(b"content-length", b"%d" % len(self._body)), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self._body})
