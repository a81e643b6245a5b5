"""The HTTP side: our endpoints inside BentoML's middlewares, and a rim around the whole app."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agbento.answering import Answering
from agbento.bodies import read_rows
from agbento.errors import MethodNotAllowed, NotFound, RequestError
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
        self, app: ASGIApp, answering: Callable[[], Answering], model: Callable[[], dict[str, Any]], max_bytes: int
    ) -> None:
        self._app, self._answering, self._model, self._max_bytes = app, answering, model, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] != "http" or (methods := METHODS.get(scope["path"])) is None:
            await self._app(scope, receive, send)
            return
        try:
            response = await self._respond(Request(scope, receive), methods)
        except RequestError as error:
            response = problem(error)
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
                rows, is_array = await read_rows(request, self._max_bytes)
                answers = await self._answering().answer(rows)
                body = json.dumps(answers if is_array else answers[0], allow_nan=False, ensure_ascii=False)
                return Response(body, media_type="application/json")
            case "/model":
                return JSONResponse(self._model())
            case "/docs.json":
                return JSONResponse(document(self._answering().schema))
            case _:
                return HTMLResponse(PAGE)


class Rim:
    """ASGI wrapper outside all of BentoML's middlewares: what they see of a path, and what a caller sees of them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give unknown paths one name, keep scrapes right, and turn foreign errors into problems."""
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
