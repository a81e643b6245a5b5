"""Request bodies → rows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from email.message import Message
from types import TracebackType
from typing import Any, NamedTuple

import anyio
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from agbento.errors import BodyTimedOut, BodyTooLarge, MalformedBody, UnsupportedMediaType
from agbento.formats import csv_rows, json_rows, parquet_rows

JSON, CSV, PARQUET = MEDIA_TYPES = (json_rows.MEDIA_TYPE, csv_rows.MEDIA_TYPE, parquet_rows.MEDIA_TYPE)
# Bytes; a larger body is parsed in a thread, so that the worker goes on to answer probes.
_PARSED_AT_ONCE = 256 * 1024
_SMALL = 16 * 1024
_LONGEST_TYPE = 1000  # characters of a Content-Type
_CHARSETS = ("utf-8", "utf8", "us-ascii")
# The header fields that say how a body is to be read, and its answer written.
_READ = frozenset({b"accept", b"content-encoding", b"content-length", b"content-type", b"upgrade"})

Head = Mapping[bytes, str]


@dataclass(frozen=True)
class Limits:
    """What a body may take: bytes, rows, and seconds until all of it is there."""

    max_bytes: int
    max_rows: int
    seconds: float


class Sent(NamedTuple):
    """What a body holds: rows, and whether the answer is to be an array of one object a row (else: one object).

    ``size`` is its bytes, ``seconds`` the time that parsing took. ``is_small`` says that its rows are few and short.
    """

    rows: list[Any]
    is_array: bool
    size: int
    seconds: float
    is_small: bool


def read_head(fields: Iterable[tuple[bytes, bytes]]) -> Head:
    """Give the fields that are read here, by their names in lower case, as ASGI has them.

    Of several of one name it is the first, but all of ``accept``, joined.
    """
    found: dict[bytes, str] = {}
    for name, value in fields:
        if name in _READ:
            text = value.decode("latin-1")
            if name not in found:
                found[name] = text
            elif name == b"accept":
                found[name] += f", {text}"
    return found


async def read_rows(head: Head, receive: Receive, limits: Limits, columns: Collection[str]) -> Sent:
    """Read the rows of a request.

    JSON gives an array or an object, as it is one itself; CSV and Parquet give an array. ``columns`` are the names of
    the model's columns: a table that has none of them is no table of rows.

    Raises:
        UnsupportedMediaType, BodyTimedOut, BodyTooLarge, MalformedBody: the body is of a kind, size or form that is
            not read.
        starlette.requests.ClientDisconnect: the caller is gone.
    """
    media_type = _media_type(head)
    try:
        with _Within(limits.seconds):
            body = await _read(head, receive, limits.max_bytes)
    except TimeoutError:
        detail = f"the body did not come within {limits.seconds:g} s"
        raise BodyTimedOut(detail, headers={"Connection": "close"}) from None
    if not body and b"upgrade" in head:
        # The server ends such a request after its head, whatever its length says.
        raise MalformedBody(
            "the body was lost, because the request asks for an upgrade of the connection (h2c, a WebSocket): "
            "send it as HTTP/1.1 without; Java's HttpClient has version(HTTP_1_1)"
        )
    # A few bytes of Parquet may be many rows, or long texts.
    if len(body) <= _PARSED_AT_ONCE and media_type != PARQUET:
        return _parse(body, media_type, limits, columns)
    return await anyio.to_thread.run_sync(_parse, body, media_type, limits, columns)


def _parse(body: bytes, media_type: str, limits: Limits, columns: Collection[str]) -> Sent:
    began, is_array = time.perf_counter(), True
    if media_type == JSON:
        rows, is_array = json_rows.parse(body, limits.max_rows)
    elif media_type == CSV:
        rows = csv_rows.parse(body, limits.max_rows, limits.max_bytes, columns)
    else:
        rows = parquet_rows.parse(body, limits.max_rows, limits.max_bytes, columns)
    is_small = len(body) <= _SMALL and media_type != PARQUET
    return Sent(rows, is_array, len(body), time.perf_counter() - began, is_small)


def _media_type(head: Head) -> str:
    if (encoding := head.get(b"content-encoding") or "identity").lower() != "identity":
        raise UnsupportedMediaType(f"the body is {encoding[:80]}-encoded, expected it as it is")
    if (content_type := head.get(b"content-type", JSON)) == JSON:
        return JSON
    header = Message()
    # The email package fails on what no one sends, such as a parameter's part with thousands of digits.
    header["Content-Type"] = content_type if len(content_type) <= _LONGEST_TYPE else ""
    if (media_type := header.get_content_type()) not in MEDIA_TYPES:
        told = f"the body is {content_type[:80]!r}, expected {', '.join(MEDIA_TYPES[:-1])} or {MEDIA_TYPES[-1]}"
        raise UnsupportedMediaType(told, headers={"Accept": ", ".join(MEDIA_TYPES)})
    if media_type != PARQUET and (charset := header.get_content_charset("utf-8")) not in _CHARSETS:
        raise UnsupportedMediaType(f"the body is in {charset[:80]!r}, expected utf-8")
    if media_type == CSV and str(header.get_param("header", "present")).lower() == "absent":
        raise UnsupportedMediaType("the body is CSV without a header, expected the column names in the first line")
    return media_type


async def _read(head: Head, receive: Receive, max_bytes: int) -> bytes:
    if len(declared := head.get(b"content-length", "")) > 18 or int(declared or 0) > max_bytes:
        raise _too_large(max_bytes)
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > max_bytes:
            raise _too_large(max_bytes)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _too_large(max_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"the body is larger than {max_bytes} bytes (MAX_BODY_BYTES): send fewer rows at once, or Parquet",
        # What is unread of the body stays unread: the connection ends with the answer.
        headers={"Connection": "close"},
    )


class _Within:
    """``asyncio.timeout`` at a tenth of its price, and for Python 3.10 too: a timer that cancels the task.

    Raises TimeoutError where the time is over.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._is_over = seconds, False

    def __enter__(self) -> None:
        self._task: asyncio.Task[Any] | None = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._end)

    def _end(self) -> None:
        self._is_over = True
        if self._task is not None:
            self._task.cancel()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
        if self._is_over and kind is asyncio.CancelledError:
            if (uncancel := getattr(self._task, "uncancel", None)) is not None:  # since Python 3.11
                uncancel()
            raise TimeoutError from None
