"""Request bodies → rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.message import Message
from typing import Any, NoReturn

import anyio
from starlette.requests import Request

from agbento.errors import BodyTimedOut, BodyTooLarge, MalformedBody, UnsupportedMediaType

JSON = "application/json"
_CHARSETS = ("utf-8", "utf8", "us-ascii")


@dataclass(frozen=True)
class Limits:
    """What a body may take: bytes, rows, and seconds until all of it is there."""

    max_bytes: int
    max_rows: int
    seconds: float


async def read_rows(request: Request, limits: Limits) -> tuple[list[Any], bool]:
    """Read the rows of a request, and whether they came as an array (else: as one object).

    Raises:
        UnsupportedMediaType, BodyTimedOut, BodyTooLarge, MalformedBody: the body is of a kind, size or form that is
            not read.
        starlette.requests.ClientDisconnect: the caller is gone.
    """
    _check_media_type(request)
    try:
        with anyio.fail_after(limits.seconds):
            body = await _read(request, limits.max_bytes)
    except TimeoutError:
        detail = f"the body did not come within {limits.seconds:g} s"
        raise BodyTimedOut(detail, headers={"Connection": "close"}) from None
    value = _parse(body)
    if isinstance(value, dict):
        return [value], False
    if not isinstance(value, list):
        raise MalformedBody(f"the body is a JSON {_kind(value)}, expected an object (one row) or an array of objects")
    if not value:
        raise MalformedBody("the body is an empty array, expected at least one row")
    if len(value) > limits.max_rows:
        raise BodyTooLarge(f"the body has {len(value)} rows, expected at most {limits.max_rows}")
    return value, True


def _check_media_type(request: Request) -> None:
    if (content_type := request.headers.get("content-type", JSON)) != JSON:
        header = Message()
        header["Content-Type"] = content_type
        if header.get_content_type() != JSON or "/" not in content_type:
            raise UnsupportedMediaType(f"the body is {content_type[:80]!r}, expected {JSON}", headers={"Accept": JSON})
        if (charset := header.get_content_charset("utf-8")) not in _CHARSETS:
            raise UnsupportedMediaType(f"the body is in {charset[:80]!r}, expected utf-8")
    if (encoding := request.headers.get("content-encoding") or "identity").lower() != "identity":
        raise UnsupportedMediaType(f"the body is {encoding[:80]}-encoded, expected it as it is")


async def _read(request: Request, max_bytes: int) -> bytes:
    too_large = BodyTooLarge(
        f"the body is larger than {max_bytes} bytes",
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


def _parse(body: bytes) -> Any:
    if not body.strip():
        raise MalformedBody("the body is empty, expected a JSON object or array")
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise MalformedBody(f"the body is not UTF-8: {error.reason} at byte {error.start}") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise MalformedBody(f"the body is not JSON: {error.msg} at {where}") from None
    except RecursionError:
        raise MalformedBody("the body is nested too deeply") from None
    except ValueError as error:  # a number of more digits than Python converts
        raise MalformedBody(f"the body holds a number that cannot be read: {error}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedBody(f"the body is not JSON: {name} is no JSON number; send null where there is no value")


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    return {str: "string", bool: "boolean"}.get(type(value), "number")
