"""Request bodies → rows."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from starlette.requests import Request

from agbento.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType

JSON = "application/json"


async def read_rows(request: Request, max_bytes: int) -> tuple[list[Any], bool]:
    """Read the rows of a request, and whether they came as an array (else: as one object).

    Raises:
        UnsupportedMediaType, BodyTooLarge, MalformedBody: the body is of a kind, size or form that is not read.
    """
    _check_media_type(request)
    value = _parse(await _read(request, max_bytes))
    if isinstance(value, dict):
        return [value], False
    if not isinstance(value, list):
        raise MalformedBody(f"the body is a JSON {_kind(value)}, expected an object (one row) or an array of objects")
    if not value:
        raise MalformedBody("the body is an empty array, expected at least one row")
    return value, True


def _check_media_type(request: Request) -> None:
    media_type, _, parameters = request.headers.get("content-type", JSON).partition(";")
    if media_type.strip().lower() != JSON:
        raise UnsupportedMediaType(f"the body is {media_type.strip()!r}, expected {JSON}", headers={"Accept": JSON})
    charset = parameters.lower().replace(" ", "").replace('"', "")
    if charset.startswith("charset=") and charset not in ("charset=utf-8", "charset=utf8", "charset=us-ascii"):
        raise UnsupportedMediaType(f"the body has {charset!r}, expected charset=utf-8")
    if (encoding := request.headers.get("content-encoding", "identity").lower()) != "identity":
        raise UnsupportedMediaType(f"the body is {encoding}-encoded, expected it as it is")


async def _read(request: Request, max_bytes: int) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > max_bytes:
            # What is unread of the body stays unread: the connection ends with the answer.
            raise BodyTooLarge(f"the body is larger than {max_bytes} bytes", headers={"Connection": "close"})
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
