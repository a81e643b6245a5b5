"""Request bodies → rows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from email.message import Message
from typing import Any

import anyio
from starlette.requests import Request

from agbento.errors import BodyTimedOut, BodyTooLarge, MalformedBody, UnsupportedMediaType
from agbento.formats import csv_rows, json_rows, parquet_rows

JSON, CSV, PARQUET = MEDIA_TYPES = (json_rows.MEDIA_TYPE, csv_rows.MEDIA_TYPE, parquet_rows.MEDIA_TYPE)
# Bytes; a larger body is parsed in a thread, so that the worker goes on to answer probes.
_PARSED_AT_ONCE = 256 * 1024
_CHARSETS = ("utf-8", "utf8", "us-ascii")


@dataclass(frozen=True)
class Limits:
    """What a body may take: bytes, rows, and seconds until all of it is there."""

    max_bytes: int
    max_rows: int
    seconds: float


async def read_rows(request: Request, limits: Limits, columns: Collection[str]) -> tuple[list[Any], bool]:
    """Read the rows of a request, and whether the answer is to be an array of one object a row (else: one object).

    JSON gives an array or an object, as it is one itself; CSV and Parquet give an array. ``columns`` are the names of
    the model's columns: a table that has none of them is no table of rows.

    Raises:
        UnsupportedMediaType, BodyTimedOut, BodyTooLarge, MalformedBody: the body is of a kind, size or form that is
            not read.
        starlette.requests.ClientDisconnect: the caller is gone.
    """
    media_type = _media_type(request)
    try:
        with anyio.fail_after(limits.seconds):
            body = await _read(request, limits.max_bytes)
    except TimeoutError:
        detail = f"the body did not come within {limits.seconds:g} s"
        raise BodyTimedOut(detail, headers={"Connection": "close"}) from None
    if not body and "upgrade" in request.headers:
        # The server ends such a request after its head, whatever its length says.
        raise MalformedBody(
            "the body was lost, because the request asks for an upgrade of the connection (h2c, a WebSocket): "
            "send it as HTTP/1.1 without; Java's HttpClient has version(HTTP_1_1)"
        )
    if len(body) <= _PARSED_AT_ONCE:
        return _parse(body, media_type, limits, columns)
    return await anyio.to_thread.run_sync(_parse, body, media_type, limits, columns)


def _parse(body: bytes, media_type: str, limits: Limits, columns: Collection[str]) -> tuple[list[Any], bool]:
    if media_type == CSV:
        return csv_rows.parse(body, limits.max_rows, columns), True
    if media_type == PARQUET:
        return parquet_rows.parse(body, limits.max_rows, limits.max_bytes, columns), True
    return json_rows.parse(body, limits.max_rows)


def _media_type(request: Request) -> str:
    if (encoding := request.headers.get("content-encoding") or "identity").lower() != "identity":
        raise UnsupportedMediaType(f"the body is {encoding[:80]}-encoded, expected it as it is")
    if (content_type := request.headers.get("content-type", JSON)) == JSON:
        return JSON
    header = Message()
    header["Content-Type"] = content_type
    if (media_type := header.get_content_type()) not in MEDIA_TYPES:
        told = f"the body is {content_type[:80]!r}, expected {', '.join(MEDIA_TYPES[:-1])} or {MEDIA_TYPES[-1]}"
        raise UnsupportedMediaType(told, headers={"Accept": ", ".join(MEDIA_TYPES)})
    if media_type != PARQUET and (charset := header.get_content_charset("utf-8")) not in _CHARSETS:
        raise UnsupportedMediaType(f"the body is in {charset[:80]!r}, expected utf-8")
    if media_type == CSV and str(header.get_param("header", "present")).lower() == "absent":
        raise UnsupportedMediaType("the body is CSV without a header, expected the column names in the first line")
    return media_type


async def _read(request: Request, max_bytes: int) -> bytes:
    too_large = BodyTooLarge(
        f"the body is larger than {max_bytes} bytes (MAX_BODY_BYTES): send fewer rows at once, or Parquet",
        # What is unread of the body stays unread: the connection ends with the answer.
        headers={"Connection": "close"},
    )
    if len(declared := request.headers.get("content-length", "")) > 18 or int(declared or 0) > max_bytes:
        raise too_large
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > max_bytes:
            raise too_large
        chunks.append(chunk)
    return b"".join(chunks)
