from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agbento.errors import BodyTooLarge, MalformedBody, RequestError
from agbento.formats.csv_rows import parse
from agbento.formats.volume import BYTES_PER_VALUE

COLUMNS = ("a", "b")


def rows(body: str | bytes, max_rows: int = 10, max_bytes: int = 1 << 24) -> list[dict[str, str]]:
    return parse(body.encode() if isinstance(body, str) else body, max_rows, max_bytes, COLUMNS)


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_a_row_is_its_fields_by_the_names_of_the_header(end: str) -> None:
    lines = ["b,x,a", "1, 2 ,-3e5", f'"a ""b"", c","x{end}y",é']
    expected = [{"b": "1", "x": " 2 ", "a": "-3e5"}, {"b": 'a "b", c', "x": f"x{end}y", "a": "é"}]
    assert rows(end.join(lines)) == expected
    assert rows(end.join([*lines, ""])) == expected
    assert rows(b"\xef\xbb\xbf" + end.join(lines).encode()) == expected


def test_an_empty_field_is_none_quoted_or_not() -> None:
    assert rows('a,b,x\n,"",\n') == [{"a": "", "b": "", "x": ""}]
    assert rows('a\n""\n') == [{"a": ""}]
    assert rows('a,b\n" ",null\n') == [{"a": " ", "b": "null"}]


def test_blank_lines_are_no_rows() -> None:
    assert rows("\n\r\na,b\n\n1,2\n\n\n3,4\n\n") == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


def test_columns_without_a_name_are_unused() -> None:
    assert rows(",a\n0,1\n") == [{"": "0", "a": "1"}]
    assert [row["a"] for row in rows(",a,\n0,1,2\n")] == ["1"]


def test_long_fields() -> None:
    text = "ä,\n" * 3_000_000
    before = csv.field_size_limit()
    assert rows(f'a,b\n"{text}",1\n') == [{"a": text, "b": "1"}]
    # It is one for all threads: none may change it under another.
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("", "empty"),
        ("\n\r\n", "empty"),
        ("\ufeff", "empty"),
        ("a,b", "after line 1"),
        ("\na,b\n\n", "after line 2"),
        ("1,2\n3,4\n", "line 1, the header, names none of the model's columns, expected such as 'a', 'b'; the first"),
        ("A, b\n3,4\n", "first line must be the header"),
        ("a;b\n1;2\n", "expected commas between the fields, where these have semicolons"),
        ("a\tb\n1\t2\n", "tabs"),
        ("a|b\n1|2\n", "bars"),
        ("a,b,a\n1,2,3\n", "'a'"),
        ("a,x,x\n1,2,3\n", "'x'"),
        ("a,b\n1,2\n1\n1,2\n1,2,3\n", "expected 2 fields in each line, as in the header: line 3 has 1, line 5 has 3"),
        ("a,b\n" + "1\n" * 9, "line 2 has 1, line 3 has 1, line 4 has 1, line 5 has 1, line 6 has 1"),
        ('a,b\n"x\ny",2\n\n3\n', "line 5 has 1"),
        ("a,b\n \n", "line 2 has 1"),
        ('a,b\n1,2\n\n"3,4\n5,6\n', "begins in line 4 or later is never closed"),
        ('a,b\n1,"x"y\n', "line 2 is no CSV"),
        ("a\nx\ry\n", "line 2 has a carriage return amid a field"),
        ("a\r1\n2\n", "line 1 has a carriage return"),
        ('"a,b\n', "line 1 or later is never closed"),
        ("a,b\n1,\0\n", "line 2 holds a NUL"),
        (b"a,b\n1,\xe4\n", "not UTF-8: invalid continuation byte in line 2"),
        (b"\xef\xbb\xbfa,b\n1,2\n3,\xff\n", "in line 3"),
        ("a,b\n1,2\n".encode("utf-16"), "not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16-le"), "NUL"),
        (b"PAR1\x15\x04", "none of the model's columns"),
        (b'{"a": 1, "b": 2}', "none of the model's columns"),
    ],
)
def test_what_is_no_rows(body: str | bytes, told: str) -> None:
    with pytest.raises(MalformedBody) as raised:
        rows(body)
    assert told in raised.value.detail
    assert raised.value.detail.isprintable()


def test_empty_fields_are_values_too() -> None:
    body = "a,b,,,,\n" + ",,,,,\n" * 10
    assert len(rows(body, max_bytes=60 * BYTES_PER_VALUE)) == 10
    with pytest.raises(BodyTooLarge, match="60 values, expected at most 59"):
        rows(body, max_bytes=60 * BYTES_PER_VALUE - 1)


def test_too_many_rows() -> None:
    assert len(rows("a,b\n" + "1,2\n" * 10)) == 10
    with pytest.raises(BodyTooLarge, match="more than 10 rows"):
        rows("a,b\n" + "1,2\n" * 11)


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(
    st.lists(st.fixed_dictionaries({"a": TEXT, "x,\ny": TEXT, "é": TEXT}), min_size=1, max_size=5),
    # With "\n" the module does not quote for "\r".
    st.sampled_from([(csv.QUOTE_MINIMAL, "\r\n"), (csv.QUOTE_ALL, "\r\n"), (csv.QUOTE_ALL, "\n")]),
)
def test_what_the_csv_module_wrote_is_read(written: list[dict[str, Any]], style: tuple[Any, str]) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, ["a", "x,\ny", "é"], quoting=style[0], lineterminator=style[1])
    writer.writeheader()
    writer.writerows(written)
    assert rows(text.getvalue()) == [dict(row) for row in written]


@given(
    st.binary(max_size=100)
    | st.binary(max_size=100).map(b"a,b\n".__add__)
    | st.text('ab,"\n\r1', max_size=40).map(lambda text: ("a,b\n" + text).encode())
)
def test_any_bytes_are_rows_or_a_fault_of_the_caller(body: bytes) -> None:
    try:
        found = rows(body)
    except RequestError as error:
        assert 400 <= error.status < 500
        return
    assert 0 < len(found) <= 10
    assert all(row.keys() == found[0].keys() and not row.keys().isdisjoint(COLUMNS) for row in found)


def test_what_curl_makes_of_a_file_is_told() -> None:
    with pytest.raises(MalformedBody, match=r"--data-binary$"):
        rows("a,b1,23,4")
    with pytest.raises(MalformedBody, match=r"expected a line for each row$"):
        rows("a,b\n")
