"""A rim around the whole app: what BentoML sees of a request, and what a caller sees of BentoML."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agbento.errors import MethodNotAllowed, NotFound
from agbento.problems import INTERNAL_DETAIL, MEDIA_TYPE, problem, status_problem
from agbento.watching.access_log import AccessLog
from agbento.watching.metric_files import forget_dead_workers, multiprocess_folder
from agbento.watching.trace import TRACE, Trace
from agbento.web import METHODS

# What BentoML answers itself; any other path is unknown.
_BENTOML_PATHS: Final = frozenset({"/livez", "/healthz", "/readyz", "/metrics", "/schema.json"})
_STATIC: Final = "/static_content/"
_STATIC_FILES: Final = frozenset({"swagger-ui.css", "swagger-ui-bundle.js", "favicon-light-32x32.png"})
UNKNOWN_PATH: Final = "/{unknown}"
_ID: Final = b"x-request-id"


class Rim:
    """ASGI wrapper outside all of BentoML's middlewares: what they see of a path, and what a caller sees of them.

    ``started`` is called in the event loop when the app is ready, ``ended`` with each request to /predict that has
    ended, and ``log`` is told of every request that it wants.
    """

    def __init__(
        self,
        app: ASGIApp,
        ended: Callable[[Trace], None] | None = None,
        log: AccessLog | None = None,
        started: Callable[[], None] | None = None,
    ) -> None:
        self._app, self._ended, self._log, self._started = app, ended, log, started

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give unknown paths one name, keep scrapes right, and turn foreign errors into problems."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # there is none; BentoML would count each path
            return
        if scope["type"] == "lifespan":
            await self._app(scope, receive, partial(self._lifespan, send))
            return
        began, path = time.perf_counter(), scope["path"]
        if path == "/metrics" and (folder := multiprocess_folder()) is not None:
            forget_dead_workers(folder)
        scope[TRACE] = trace = Trace(scope["method"], path, _sent_id(scope))
        if not is_known(path):
            # BentoML's metrics take the path as a label: anyone could add series by asking.
            scope = {**scope, "path": UNKNOWN_PATH, "raw_path": UNKNOWN_PATH.encode()}
        try:
            await self._app(scope, receive, _Sending(trace, self._log, scope, receive, send))
        finally:
            if self._ended is not None and path == "/predict":
                self._ended(trace)
            if self._log is not None and self._log.logs(trace):
                self._log.write(trace, time.perf_counter() - began)

    async def _lifespan(self, send: Send, message: Message) -> None:
        if message["type"] == "lifespan.startup.complete" and self._started is not None:
            self._started()
        await send(message)


def _sent_id(scope: Scope) -> bytes | None:
    for name, value in scope["headers"]:
        if name == _ID:
            return bytes(value)
    return None


def is_known(path: str) -> bool:
    """Tell whether the service has this path."""
    if path.startswith(_STATIC):
        return path.removeprefix(_STATIC) in _STATIC_FILES
    return path in METHODS or path in _BENTOML_PATHS


class _Sending:
    """Passes an answer on and notes what it is; an error that is no problem+json yet is replaced by one that is."""

    def __init__(self, trace: Trace, log: AccessLog | None, scope: Scope, receive: Receive, send: Send) -> None:
        self._trace, self._log = trace, log
        self._scope, self._receive, self._send = scope, receive, send
        self._replaced: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begin(message)
        if self._replaced is None:
            self._trace.response_bytes += len(message.get("body", b""))
            await self._send(message)
        elif message["type"] == "http.response.body" and not message.get("more_body"):
            replaced, self._replaced = self._replaced, None
            await self._problem(replaced)(self._scope, self._receive, self)

    def _begin(self, start: Message) -> None:
        trace = self._trace
        trace.status = start["status"]
        if trace.status >= 400:
            headers = {name.lower(): value for name, value in start["headers"]}
            if headers.get(b"content-type", b"").split(b";")[0] != MEDIA_TYPE.encode():
                self._replaced = start
                return
        # Whoever reads the log and whoever was answered must be able to speak of the same request.
        if trace.has_id or trace.status >= 400 or (self._log is not None and self._log.logs(trace)):
            start["headers"] = [*start["headers"], (_ID, trace.id)]

    def _problem(self, start: Message) -> Response:
        status, method = start["status"], self._trace.method
        kept = {n.decode(): v.decode() for n, v in start["headers"] if n.lower() in (b"allow", b"retry-after")}
        if status == 404:
            return problem(NotFound(f"{self._trace.path}: no such path; GET / shows what there is", headers=kept))
        if status == 405:
            return problem(
                MethodNotAllowed(f"{method} {self._trace.path}: expected {kept.get('allow', 'GET')}", headers=kept)
            )
        details = {429: "too many requests at once; try again", 503: "not ready to answer; try again"}
        return status_problem(status, details.get(status, INTERNAL_DETAIL), kept)
