"""BentoML's own metrics of requests, counted for less."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# What /predict can answer: each status is there at 0 from the start.
STATUSES: Final = (200, 400, 401, 405, 406, 408, 413, 415, 422, 500, 503, 504)


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
        if scope["type"] == "lifespan":
            self._look_up()
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
        for status in STATUSES:
            self._of_status(status)

    def _of_status(self, status: int) -> tuple[Any, Any]:
        labels = {**self._labels, "http_response_code": status}
        total, duration = self._bentoml.metrics_request_total, self._bentoml.metrics_request_duration
        self._by_status[status] = found = (total.labels(**labels), duration.labels(**labels))
        return found
