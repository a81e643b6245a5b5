from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect

from agbento.bodies import Limits, read_head, read_rows
from agbento.errors import BodyTimedOut, BodyTooLarge, MalformedBody, RequestError, UnsupportedMediaType
from tests.parquet_bytes import written

LIMIT = 1000
LIMITS = Limits(max_bytes=LIMIT, max_rows=10, seconds=0.2)


def read(
    body: bytes,
    *headers: tuple[str, str],
    chunk: int = 10,
    limits: Limits = LIMITS,
    columns: Sequence[str] = ("a", "b"),
) -> tuple[list[Any], bool]:
    """Read a body as a server hands it over: in chunks."""
    chunks = [body[i : i + chunk] for i in range(0, len(body), chunk)] or [b""]
    messages = [{"type": "http.request", "body": c, "more_body": i < len(chunks) - 1} for i, c in enumerate(chunks)]
    waiting = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(waiting)

    raw = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers]
    sent = asyncio.run(read_rows(read_head(raw), receive, limits, columns))
    assert sent.size == len(body)
    assert 0 < sent.seconds < 60
    return sent.rows, sent.is_array


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


TABLE = pa.table({"a": [1, 2], "x": ["y", None]})
LARGE = Limits(max_bytes=100_000, max_rows=10, seconds=0.2)


@pytest.mark.parametrize(
    "content_type",
    ["text/csv", "Text/CSV", "text/csv; charset=utf-8", 'text/csv;header=present;charset="US-ASCII"'],
)
@pytest.mark.parametrize("lines", [1, 2])
def test_csv_by_any_name_is_an_array(content_type: str, lines: int) -> None:
    assert read(b"a,b\r\n" + b"1,\r\n" * lines, ("content-type", content_type)) == (
        [{"a": "1", "b": ""}] * lines,
        True,
    )


@pytest.mark.parametrize("content_type", ["application/vnd.apache.parquet", "Application/Vnd.Apache.Parquet;x=y"])
def test_parquet_by_any_name_is_an_array(content_type: str) -> None:
    header = ("content-type", content_type)
    assert read(written(TABLE), header, limits=LARGE) == ([{"a": 1, "x": None}, {"a": 2, "x": None}], True)
    assert read(written(TABLE.slice(1)), header, limits=LARGE) == ([{"a": 2, "x": None}], True)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "json",
        "text/plain",
        "application/csv",
        "application/x-parquet",
        "application/parquet",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "text/csv, application/json",
    ],
)
def test_other_kinds_of_body(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType) as raised:
        read(b"{}", ("content-type", content_type))
    assert raised.value.detail.endswith("expected application/json, text/csv or application/vnd.apache.parquet")
    assert raised.value.headers == {"Accept": "application/json, text/csv, application/vnd.apache.parquet"}


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (("content-type", "application/json; foo=bar; charset=utf-16"), "in 'utf-16', expected utf-8"),
        (("content-type", "application/json; charset=latin-1"), "latin-1"),
        (("content-type", "text/csv; charset=windows-1252"), "windows-1252"),
        (("content-type", "text/csv; header=absent"), "expected the column names"),
        (("content-encoding", "gzip"), "gzip-encoded"),
        # The email package makes a whole number of it, which Python refuses.
        (("content-type", "text/csv; charset*" + "1" * 4400 + "=x"), "the body is 'text/csv; charset*111"),
    ],
)
def test_other_ways_to_write_a_body(header: tuple[str, str], told: str) -> None:
    with pytest.raises(UnsupportedMediaType) as raised:
        read(b"{}", header)
    assert told in raised.value.detail


def test_a_body_of_each_kind_is_of_its_own_kind_only() -> None:
    bodies = {"application/json": b'{"a": 1}', "text/csv": b"a\n1\n", "application/vnd.apache.parquet": written(TABLE)}
    for content_type in bodies:
        for other, body in bodies.items():
            if other != content_type:
                with pytest.raises(MalformedBody):
                    read(body, ("content-type", content_type), limits=LARGE)


@given(st.text(max_size=60) | st.text("aplictonj/sexv;=\"'*%0 ,", max_size=60).map("application/json;charset".__add__))
def test_any_content_type_is_read_or_refused(content_type: str) -> None:
    try:
        read(b"{}", ("content-type", content_type))
    except RequestError as error:
        assert 400 <= error.status < 500


def test_the_limit_is_the_largest_body_that_is_read() -> None:
    assert read(b"{" + b" " * (LIMIT - 2) + b"}") == ([{}], False)
    with pytest.raises(BodyTooLarge) as raised:
        read(b"{" + b" " * (LIMIT - 1) + b"}")
    assert raised.value.headers == {"Connection": "close"}


@pytest.mark.parametrize("length", [str(LIMIT + 1), "9" * 30])
def test_a_length_beyond_the_limit_is_refused_before_the_body_comes(length: str) -> None:
    with pytest.raises(BodyTooLarge):
        read(b"{}", ("content-length", length))


def test_a_few_bytes_of_parquet_are_not_taken_for_few_rows() -> None:
    """They may be many, or long texts."""

    async def is_small(body: bytes, media_type: str) -> bool:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        return (await read_rows({b"content-type": media_type}, receive, LARGE, ("a", "b"))).is_small

    assert asyncio.run(is_small(b"a,b\n1,2\n", "text/csv"))
    assert not asyncio.run(is_small(b"a,b\n1,2\n" + b"\n" * 20_000, "text/csv"))
    assert not asyncio.run(is_small(written(TABLE), "application/vnd.apache.parquet"))


def test_too_many_rows() -> None:
    assert len(read(b"[1,1,1,1,1,1,1,1,1,1]")[0]) == LIMITS.max_rows
    with pytest.raises(BodyTooLarge, match="11 rows, expected at most 10"):
        read(b"[1,1,1,1,1,1,1,1,1,1,1]")
    with pytest.raises(BodyTooLarge, match="more than 10 rows"):
        read(b"a\n" + b"1\n" * 11, ("content-type", "text/csv"))
    with pytest.raises(BodyTooLarge, match="11 rows, expected at most 10"):
        read(written(pa.table({"a": range(11)})), ("content-type", "application/vnd.apache.parquet"), limits=LARGE)


def test_a_body_that_does_not_come() -> None:
    async def receive() -> dict[str, Any]:
        await asyncio.sleep(10)
        raise AssertionError

    with pytest.raises(BodyTimedOut):
        asyncio.run(read_rows({}, receive, LIMITS, ("a", "b")))


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
KINDS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "int": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "float": (pa.float64(), st.floats(allow_nan=False, allow_infinity=False)),
    "bool": (pa.bool_(), st.booleans()),
    "text": (pa.string(), TEXT),
    "category": (pa.dictionary(pa.int32(), pa.string()), st.sampled_from(["", "a", "é,"])),
    "date": (pa.date32(), st.dates()),
    "time": (pa.timestamp("us"), st.datetimes()),
}
ROW = st.fixed_dictionaries({name: st.none() | values for name, (_, values) in KINDS.items()})


def as_json(value: Any) -> Any:
    """A value as a JSON caller would send it."""
    return value.isoformat() if isinstance(value, date) else value


def as_csv(value: Any) -> str:
    """The same as a CSV caller would."""
    value = as_json(value)
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def shortest(time: Any) -> Any:
    """ISO text without the zeros at the end of a fraction."""
    return time.rstrip("0") if time is not None and "." in time else time


@given(st.lists(ROW, min_size=1, max_size=5))
def test_the_same_rows_are_the_same_in_each_format(rows: list[dict[str, Any]]) -> None:
    sent = [{name: as_json(value) for name, value in row.items()} for row in rows]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(KINDS))
    writer.writeheader()
    writer.writerows({name: as_csv(value) for name, value in row.items()} for row in rows)
    table = pa.Table.from_pylist(rows, pa.schema([(name, kind) for name, (kind, _) in KINDS.items()]))

    assert as_read(json.dumps(sent).encode(), "application/json") == sent
    fields = as_read(text.getvalue().encode(), "text/csv")
    assert fields == [{name: as_csv(value) for name, value in row.items()} for row in rows]
    expected = [{**row, "time": shortest(row["time"])} for row in sent]
    assert as_read(written(table), "application/vnd.apache.parquet") == expected


def as_read(body: bytes, content_type: str) -> list[Any]:
    limits = Limits(max_bytes=1 << 20, max_rows=10, seconds=5)
    (rows, is_array) = read(body, ("content-type", content_type), chunk=1 << 20, limits=limits, columns=list(KINDS))
    assert is_array
    return rows


@given(st.binary(max_size=200))
def test_any_bytes_are_rows_or_a_fault_of_the_caller(body: bytes) -> None:
    try:
        rows, is_array = read(body)
    except RequestError as error:
        assert 400 <= error.status < 500
        return
    assert rows == json.loads(body) if is_array else rows == [json.loads(body)]


def test_a_body_that_an_upgrade_has_cost_is_told() -> None:
    with pytest.raises(MalformedBody, match="h2c"):
        read(b"", ("upgrade", "h2c"))


def test_the_fields_of_a_head_that_are_read() -> None:
    fields = [(b"host", b"x"), (b"accept", b"text/csv"), (b"content-type", b"a"), (b"accept", b"*/*;q=0.1")]
    assert read_head([*fields, (b"content-type", b"b")]) == {b"accept": "text/csv, */*;q=0.1", b"content-type": "a"}


def test_a_task_that_is_cancelled_while_its_body_comes_is_no_time_out() -> None:
    async def receive() -> dict[str, Any]:
        await asyncio.sleep(10)
        raise AssertionError

    async def ask() -> None:
        task = asyncio.ensure_future(read_rows({}, receive, replace(LIMITS, seconds=20), ("a",)))
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(ask())


def test_a_time_out_leaves_the_task_as_it_was() -> None:
    async def receive() -> dict[str, Any]:
        await asyncio.sleep(10)
        raise AssertionError

    async def ask() -> float:
        with pytest.raises(BodyTimedOut):
            await read_rows({}, receive, LIMITS, ("a",))
        return await asyncio.wait_for(asyncio.sleep(0.001, 1.5), 5)  # it is not cancelled any more

    assert asyncio.run(ask()) == 1.5


def test_a_caller_that_leaves_amid_its_body() -> None:
    messages: Iterator[dict[str, Any]] = iter(
        [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    )

    async def receive() -> dict[str, Any]:
        return next(messages)

    with pytest.raises(ClientDisconnect):
        asyncio.run(read_rows({}, receive, LIMITS, ("a",)))
