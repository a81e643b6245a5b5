from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agbento.errors import BodyTooLarge, MalformedBody, RequestError
from agbento.formats.json_rows import parse


def test_an_object_is_one_row_and_an_array_is_many() -> None:
    assert parse(b'{"a": 1}', 10) == ([{"a": 1}], False)
    assert parse(b' [{"a": 1}, 2, null]\n', 10) == ([{"a": 1}, 2, None], True)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"nul", "line 1, column 1"),
        (b'{"a": 1}}', "Extra data"),
        (b'{"a":\n 1,}', "line 2, column 4"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": Infinity}', "Infinity"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'\xef\xbb\xbf{"a": 1}', "BOM"),
        ("{}".encode("utf-16"), "not UTF-8: invalid start byte at byte 0"),
        ("{}".encode("utf-16-be"), "not JSON"),
        (b'"\xe4"', "byte 1"),
        (b'{"a": "\xed\xa0\x80"}', "not UTF-8"),  # a lone surrogate, which only an escape can name
        (b"null", "null"),
        (b"true", "boolean"),
        (b"1.5", "number"),
        (b'"a"', "string"),
        (b"[]", "at least one row"),
        (b'{"a": ' + b"9" * 5000 + b', "b": }', "not JSON: Expecting value at line 1, column 5014"),
        (b'{"a": ' + b"9" * 5000 + b', "b": NaN}', "NaN"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"a": 1, "b": 2, "a": 3}', "'a' twice"),
        (b'{"a": 1, "a": 1}', "'a' twice"),
        (b'[{"b": 0}, {"c": {"x": 1, "\\u0078": 2}}]', "'x' twice"),
    ],
)
def test_what_is_no_rows(body: bytes, told: str) -> None:
    with pytest.raises(MalformedBody) as raised:
        parse(body, 10)
    assert told in raised.value.detail


def test_a_whole_number_of_any_length_is_one() -> None:
    rows, _ = parse(b'{"a": ' + b"9" * 5000 + b', "b": -' + b"1" * 10**6 + b', "c": 12}', 10)
    assert rows[0]["a"] > 10**4000
    assert rows[0]["b"] < -(10**4000)
    assert rows[0]["c"] == 12


def test_a_name_that_comes_twice_makes_a_short_message() -> None:
    name = "\n" + "x" * 100_000
    with pytest.raises(MalformedBody) as raised:
        parse(f"{{{json.dumps(name)}: 1, {json.dumps(name)}: 2}}".encode(), 10)
    assert raised.value.detail.isprintable()
    assert len(raised.value.detail) < 200


def test_what_only_the_row_reader_can_judge_is_let_pass() -> None:
    rows, _ = parse(b'{"a": 1e400, "b": "\\ud800", "c": [{}], "d": 1e-400, "e": ' + b"9" * 4000 + b"}", 10)
    assert rows == [{"a": math.inf, "b": "\ud800", "c": [{}], "d": 0.0, "e": int("9" * 4000)}]


def test_long_texts() -> None:
    text = "ä" * 10_000_000
    assert parse(json.dumps([{"a": text}, {text: 1}], ensure_ascii=False).encode(), 10)[0] == [{"a": text}, {text: 1}]


def test_too_many_rows() -> None:
    assert len(parse(b"[1,1,1]", 3)[0]) == 3
    with pytest.raises(BodyTooLarge, match="4 rows, expected at most 3"):
        parse(b"[1,1,1,1]", 3)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.dictionaries(st.text(), VALUES, max_size=5), st.booleans())
def test_what_was_written_is_read(row: dict[str, Any], ascii_only: bool) -> None:
    text = json.dumps(row, ensure_ascii=ascii_only)
    assert parse(text.encode(), 10) == ([row], False)
    assert parse(f"[{text}, {text}]".encode(), 10) == ([row, row], True)


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


@given(st.binary(max_size=200) | st.text(alphabet='[]{}",:1ae \\u', max_size=30).map(str.encode))
def test_any_bytes_are_rows_or_a_fault_of_the_caller(body: bytes) -> None:
    try:
        rows, is_array = parse(body, 10)
    except RequestError as error:
        assert 400 <= error.status < 500
        return
    assert (rows if is_array else rows[0]) == json.loads(body, object_pairs_hook=unique)
