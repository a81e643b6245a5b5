"""The HTTP side: our endpoints inside BentoML's middlewares, and a rim around the whole app."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agbento.answering import Answering
from agbento.bodies import Limits, read_rows
from agbento.errors import MethodNotAllowed, NotFound, Overloaded, RequestError
from agbento.formats.accept import CSV, preferred
from agbento.formats.answer_csv import CONTENT_TYPE, write_csv
from agbento.metrics import forget_dead_workers, multiprocess_folder
from agbento.openapi import PAGE, document
from agbento.problems import INTERNAL_DETAIL, MEDIA_TYPE, problem, status_problem

logger = logging.getLogger("bentoml.agbento")

METHODS = {"/predict": ("POST",), "/model": ("GET", "HEAD"), "/docs.json": ("GET", "HEAD"), "/": ("GET", "HEAD")}
# What BentoML answers itself; any other path is unknown.
_BENTOML_PATHS = frozenset({"/livez", "/healthz", "/readyz", "/metrics", "/schema.json"})
_STATIC = "/static_content/"
_STATIC_FILES = frozenset({"swagger-ui.css", "swagger-ui-bundle.js", "favicon-light-32x32.png"})
UNKNOWN_PATH = "/{unknown}"


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
        try:
            response = await self._respond(Request(scope, receive), methods)
        except RequestError as error:
            response = problem(error)
        except ClientDisconnect:
            return  # nobody is there to be answered
        except Exception:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            response = status_problem(500, INTERNAL_DETAIL)
        await response(scope, receive, send)

    async def _respond(self, request: Request, methods: tuple[str, ...]) -> Response:
        path = request.scope["path"]
        if request.method not in methods:
            allowed = ", ".join(methods)
            raise MethodNotAllowed(f"{request.method} {path}: expected {allowed}", headers={"Allow": allowed})
        match path:
            case "/predict":
                return await self._predict(request)
            case "/model":
                return _json(self._model())
            case "/docs.json":
                answering = self._answering()
                return _json(document(answering.schema, answering.policy, keys=self._keys))
            case _:
                return HTMLResponse(PAGE)

    async def _predict(self, request: Request) -> Response:
        if self._requests >= self._max_requests:
            detail = f"{self._max_requests} requests are waiting already; try again"
            raise Overloaded(detail, headers={"Retry-After": "1", "Connection": "close"})
        self._requests += 1
        began = time.monotonic()
        try:
            media_type = preferred(", ".join(request.headers.getlist("accept")))
            answering = self._answering()
            rows, is_array = await read_rows(request, self._limits, answering.columns)
            # One time for all of a request, so that a worker that is to end knows how long it may take.
            left = self._limits.seconds - (time.monotonic() - began)
            answers = await answering.answer(rows, left)
        finally:
            self._requests -= 1
        if media_type == CSV:
            return Response(write_csv(answers).encode("utf-8", "backslashreplace"), media_type=CONTENT_TYPE)
        return _json(answers if is_array else answers[0])


def _json(content: Any) -> Response:
    # ASCII: a lone surrogate in a name or a class can be written in no other way.
    return Response(json.dumps(content, allow_nan=False), media_type="application/json")


class Rim:
    """ASGI wrapper outside all of BentoML's middlewares: what they see of a path, and what a caller sees of them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give unknown paths one name, keep scrapes right, and turn foreign errors into problems."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # there is none; BentoML would count each path
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if path == "/metrics" and (folder := multiprocess_folder()) is not None:
            forget_dead_workers(folder)
        if not is_known(path):
            # BentoML's metrics take the path as a label: anyone could add series by asking.
            scope = {**scope, "path": UNKNOWN_PATH, "raw_path": UNKNOWN_PATH.encode()}
        await self._app(scope, receive, _ProblemSend(path, scope, receive, send))


def is_known(path: str) -> bool:
    """Tell whether the service has this path."""
    if path.startswith(_STATIC):
        return path.removeprefix(_STATIC) in _STATIC_FILES
    return path in METHODS or path in _BENTOML_PATHS


class _ProblemSend:
    """Passes an answer on, but an error that is no problem+json yet is replaced by one that is."""

    def __init__(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        self._path, self._scope, self._receive, self._send = path, scope, receive, send
        self._replaced: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] >= 400:
            headers = {name.lower(): value for name, value in message["headers"]}
            if headers.get(b"content-type", b"").split(b";")[0] != MEDIA_TYPE.encode():
                self._replaced = message
        if self._replaced is None:
            await self._send(message)
        elif message["type"] == "http.response.body" and not message.get("more_body"):
            await self._problem(self._replaced)(self._scope, self._receive, self._send)

    def _problem(self, start: Message) -> Response:
        status, method = start["status"], self._scope["method"]
        kept = {n.decode(): v.decode() for n, v in start["headers"] if n.lower() in (b"allow", b"retry-after")}
        if status == 404:
            return problem(NotFound(f"{self._path}: no such path; GET / shows what there is", headers=kept))
        if status == 405:
            return problem(
                MethodNotAllowed(f"{method} {self._path}: expected {kept.get('allow', 'GET')}", headers=kept)
            )
        details = {429: "too many requests at once; try again", 503: "not ready to answer; try again"}
        return status_problem(status, details.get(status, INTERNAL_DETAIL), kept)
