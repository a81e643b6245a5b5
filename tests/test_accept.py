from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agbento.errors import NotAcceptable
from agbento.formats.accept import CSV, JSON, preferred


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        ("", JSON),
        (" , ,", JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("text/csv", CSV),
        ("Text/CSV", CSV),
        ("text/*", CSV),
        ("application/*", JSON),
        ("text/csv, application/json", JSON),  # equals
        ("text/csv, */*", JSON),
        ("text/csv, */*;q=0.9", CSV),
        ("text/csv,application/json;q=0.5", CSV),
        ("text/csv;q=0.4 , application/json ; q=0.5", JSON),
        ("text/csv;Q=0.001, application/json;q=0", CSV),
        ("*/*;q=0.1, text/*;q=0.5", CSV),
        ("*/*, application/json;q=0.1", CSV),  # the most specific has the say
        ("text/*, text/csv;q=0.1, application/json;q=0.2", JSON),
        ("application/*;q=0, */*", CSV),
        ("application/json;q=0, text/csv;q=1.000", CSV),
        ("application/problem+json, text/csv", CSV),
        # Parameters: what is sent has these, and no other.
        ("text/csv;charset=utf-8", CSV),
        ('text/csv; charset="UTF-8"; header=present', CSV),
        ("text/csv;charset=latin-1, application/json;q=0.1", JSON),
        ("text/csv;q=0.1, text/csv;charset=utf-8, application/json;q=0.5", CSV),
        ("application/json;q=0.5;ext=1, text/csv;q=0.6;ext", CSV),
        ("text/csv;, application/json;q=0.1", CSV),
        # RFC 9110's example, in our types.
        ("text/*;q=0.3, text/csv;q=0.7, text/csv;header=absent, text/csv;header=present;q=0.4, */*;q=0.5", JSON),
        # What cannot be read is as if it were not there.
        ("text/csv;q=2", JSON),
        ("text/csv;q=", JSON),
        ("text/csv;q=0.1234, application/json;q=0.1", JSON),
        ("text/csv;q=high, */*;q=0.1", JSON),
        ("text/csv;q=-1", JSON),
        ("csv", JSON),
        (";text/csv", JSON),
        ("; , text/csv", CSV),
        ("text/", JSON),
        ("*/csv", JSON),
        ("text/csv;charset, application/json;q=0.1", JSON),
        ("image/png;q=x, text/csv", CSV),
        ('text/csv;x="a,b', JSON),
        ('image/png;x="a, text/csv", application/json;q=0.1', JSON),
        # A browser's, and the default of old Java clients.
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", JSON),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", JSON),
    ],
)
def test_preferred(accept: str | None, expected: str) -> None:
    assert preferred(accept) == expected


@pytest.mark.parametrize(
    "accept",
    [
        "image/png",
        "application/xml, text/html",
        "application/json;q=0, text/csv;q=0.0",
        "*/*;q=0",
        "application/json;charset=utf-16",
        "application/vnd.apache.parquet",
        "text/csv;header=absent",
    ],
)
def test_what_there_is_not(accept: str) -> None:
    with pytest.raises(NotAcceptable) as raised:
        preferred(accept)
    assert raised.value.status == 406
    assert JSON in raised.value.detail
    assert CSV in raised.value.detail


def test_a_long_refusal_is_short() -> None:
    with pytest.raises(NotAcceptable) as raised:
        preferred("image/png, " * 1000)
    assert len(raised.value.detail) < 300


@given(st.text() | st.text("textcsvaplijon/*;,q=.01\"\\ '", max_size=80))
def test_any_header_has_an_answer(accept: str) -> None:
    try:
        assert preferred(accept) in (JSON, CSV)
    except NotAcceptable as error:
        assert error.detail.isprintable()


@pytest.mark.parametrize("part", ['"', '\\"', '"\\', "a/b;", "a/b;q=", ",", ";", 'a/b;c="', " "])
def test_a_long_header_takes_no_long_time(part: str) -> None:
    began = time.perf_counter()
    with contextlib.suppress(NotAcceptable):
        preferred("text/csv;" + part * 20_000)
    assert time.perf_counter() - began < 20  # a quadratic one takes minutes


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_the_larger_weight_wins(json: int, csv: int) -> None:
    header = f"application/json;q={json / 1000:.3f}, text/csv;q={csv / 1000:.3f}"
    if json == csv == 0:
        with pytest.raises(NotAcceptable):
            preferred(header)
    else:
        assert preferred(header) == (CSV if csv > json else JSON)
