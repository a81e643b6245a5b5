from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from agbento.bodies import Limits, read_rows
from agbento.errors import BodyTimedOut, BodyTooLarge, MalformedBody, RequestError, UnsupportedMediaType

LIMIT = 1000
LIMITS = Limits(max_bytes=LIMIT, max_rows=10, seconds=0.2)


def read(body: bytes, *headers: tuple[str, str], chunk: int = 10) -> tuple[list[Any], bool]:
    """Read a body as a server hands it over: in chunks."""
    chunks = [body[i : i + chunk] for i in range(0, len(body), chunk)] or [b""]
    messages = [{"type": "http.request", "body": c, "more_body": i < len(chunks) - 1} for i, c in enumerate(chunks)]
    waiting = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(waiting)

    raw = [(name.encode(), value.encode()) for name, value in headers]
    request = Request({"type": "http", "method": "POST", "path": "/predict", "headers": raw}, receive)
    return asyncio.run(read_rows(request, LIMITS))


def test_an_object_is_one_row_and_an_array_is_many() -> None:
    assert read(b'{"a": 1}') == ([{"a": 1}], False)
    assert read(b'[{"a": 1}, 2]') == ([{"a": 1}, 2], True)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON; charset=UTF-8",
        'application/json; charset="utf-8"',
        "application/json;charset=utf-8;foo=bar",
    ],
)
def test_json_by_any_name(content_type: str) -> None:
    assert read(b"{}", ("content-type", content_type)) == ([{}], False)


@pytest.mark.parametrize(
    "header",
    [
        ("content-type", "text/csv"),
        ("content-type", ""),
        ("content-type", "json"),
        ("content-type", "application/json; foo=bar; charset=utf-16"),
        ("content-type", "application/json; charset=latin-1"),
        ("content-encoding", "gzip"),
    ],
)
def test_other_kinds_of_body(header: tuple[str, str]) -> None:
    with pytest.raises(UnsupportedMediaType):
        read(b"{}", header)


def test_the_limit_is_the_largest_body_that_is_read() -> None:
    assert read(b"{" + b" " * (LIMIT - 2) + b"}") == ([{}], False)
    with pytest.raises(BodyTooLarge) as raised:
        read(b"{" + b" " * (LIMIT - 1) + b"}")
    assert raised.value.headers == {"Connection": "close"}


@pytest.mark.parametrize("length", [str(LIMIT + 1), "9" * 30])
def test_a_length_beyond_the_limit_is_refused_before_the_body_comes(length: str) -> None:
    with pytest.raises(BodyTooLarge):
        read(b"{}", ("content-length", length))


def test_too_many_rows() -> None:
    assert len(read(b"[1,1,1,1,1,1,1,1,1,1]")[0]) == LIMITS.max_rows
    with pytest.raises(BodyTooLarge, match="11 rows, expected at most 10"):
        read(b"[1,1,1,1,1,1,1,1,1,1,1]")


def test_a_body_that_does_not_come() -> None:
    async def receive() -> dict[str, Any]:
        await asyncio.sleep(10)
        raise AssertionError

    request = Request({"type": "http", "method": "POST", "path": "/predict", "headers": []}, receive)
    with pytest.raises(BodyTimedOut):
        asyncio.run(read_rows(request, LIMITS))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"nul", "line 1, column 1"),
        (b'{"a": 1}}', "Extra data"),
        (b'{"a": Infinity}', "Infinity"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'\xef\xbb\xbf{"a": 1}', "BOM"),
        ("{}".encode("utf-16"), "UTF-8"),
        (b'"\xe4"', "byte 1"),
        (b"null", "null"),
        (b"true", "boolean"),
        (b"1.5", "number"),
        (b"[]", "at least one row"),
    ],
)
def test_what_is_no_rows(body: bytes, told: str) -> None:
    with pytest.raises(MalformedBody) as raised:
        read(body)
    assert told in raised.value.detail


@given(st.binary(max_size=200))
def test_any_bytes_are_rows_or_a_fault_of_the_caller(body: bytes) -> None:
    try:
        rows, is_array = read(body)
    except RequestError as error:
        assert 400 <= error.status < 500
        return
    assert rows == json.loads(body) if is_array else rows == [json.loads(body)]
