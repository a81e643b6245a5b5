"""The HTTP side: our endpoints inside BentoML's middlewares, and a rim around the whole app."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agbento.answering import Answering, Answers
from agbento.bodies import Limits, read_head, read_rows
from agbento.errors import MethodNotAllowed, NotFound, Overloaded, RequestError
from agbento.formats.accept import CSV, JSON, preferred
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
_ANY_FORM = frozenset({None, "*/*", "application/json"})  # of an Accept header: what most callers send
_AT_ONCE = 16 * 1024  # bytes of a body that may be answered in the event loop
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
        try:
            response = await self._respond(scope, receive, methods)
        except RequestError as error:
            response = problem(error)
        except ClientDisconnect:
            return  # nobody is there to be answered
        except Exception:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            response = status_problem(500, INTERNAL_DETAIL)
        await response(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive, methods: tuple[str, ...]) -> ASGIApp:
        path, method = scope["path"], scope["method"]
        if method not in methods:
            allowed = ", ".join(methods)
            raise MethodNotAllowed(f"{method} {path}: expected {allowed}", headers={"Allow": allowed})
        match path:
            case "/predict":
                return await self._predict(scope, receive)
            case "/model":
                return _Json(self._model())
            case "/docs.json":
                answering = self._answering()
                return _Json(document(answering.schema, answering.policy, keys=self._keys))
            case _:
                return HTMLResponse(PAGE)

    async def _predict(self, scope: Scope, receive: Receive) -> ASGIApp:
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
            rows, is_array, size = await read_rows(head, receive, self._limits, answering.columns)
            answers = answering.at_once(rows) if size <= _AT_ONCE else None
            if answers is None:
                # One time for all of a request, so that a worker that is to end knows how long it may take.
                left = self._limits.seconds - (time.monotonic() - began)
                answers = await _while_there(receive, answering.answer(rows, left))
        finally:
            self._requests -= 1
        if media_type == CSV:
            return Response(write_csv(answers).encode("utf-8", "backslashreplace"), media_type=CONTENT_TYPE)
        return _Json(answers if is_array else answers[0])


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


class _Json:
    """An answer in JSON; starlette's Response does the same at several times the price."""

    def __init__(self, content: Any) -> None:
        self._body = _JSON.encode(content).encode("ascii")

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        headers = [(b"content-length", b"%d" % len(self._body)), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self._body})


class Traffic:
    """BentoML's metrics middleware ``bentoml``, at a fraction of its price where requests to ``/predict`` are counted.

    BentoML's looks up the labels of each of its metrics for each request, which takes longer than to count, and each
    count is a write into a file. Here they are looked up once, and written as soon as the event loop has handed out
    what had come: the answers are on their way then, and under load it is several requests at a time.
    """

    def __init__(self, app: ASGIApp, bentoml: type[Any], **options: Any) -> None:
        self._app, self._bentoml = app, bentoml(app, **options)
        self._labels: dict[str, str] = {}
        self._by_status: dict[int, tuple[Any, Any]] = {}
        self._answered: dict[int, list[float]] = {}  # seconds of those that are not counted yet, by status
        self._entered = 0  # less those that left
        self._came = 0.0  # when the last one did, since 1970
        self._is_due = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count, and pass on."""
        if scope["type"] != "http" or scope["path"] != "/predict":
            await self._bentoml(scope, receive, send)
            return
        began, self._came, status = time.perf_counter(), time.time(), 0

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body" and not message.get("more_body"):
                self._answered.setdefault(status, []).append(time.perf_counter() - began)
            await send(message)

        self._change(+1)
        try:
            await self._app(scope, receive, counted)
        finally:
            self._change(-1)

    def _change(self, entered: int) -> None:
        self._entered += entered
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._count)

    def _count(self) -> None:
        entered, answered = self._entered, self._answered
        self._is_due, self._entered, self._answered = False, 0, {}
        if not self._labels:
            self._look_up()
        self._last.set(self._came)
        if entered:
            self._in_progress.inc(entered)
        for status, durations in answered.items():
            total, duration = self._by_status.get(status) or self._of_status(status)
            total.inc(len(durations))
            for seconds in durations:
                duration.observe(seconds)

    def _look_up(self) -> None:
        from bentoml._internal.context import server_context

        if not self._bentoml._is_setup:
            self._bentoml._setup()
        names = {"service_name": server_context.bento_name, "service_version": server_context.bento_version}
        names["runner_name"] = server_context.service_name
        self._last = self._bentoml.metrics_last_request_timestamp.labels(**names)
        self._labels = {"endpoint": "/predict", **names}
        self._in_progress = self._bentoml.metrics_request_in_progress.labels(**self._labels)

    def _of_status(self, status: int) -> tuple[Any, Any]:
        labels = {**self._labels, "http_response_code": status}
        total, duration = self._bentoml.metrics_request_total, self._bentoml.metrics_request_duration
        self._by_status[status] = found = (total.labels(**labels), duration.labels(**labels))
        return found


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
