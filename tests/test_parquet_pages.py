from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agbento.errors import BodyTooLarge, MalformedBody, RequestError
from agbento.formats.parquet_footer import Chunk, Footer
from agbento.formats.parquet_pages import DELTA_LENGTH_BYTE_ARRAY, PLAIN, RLE_DICTIONARY, Pages
from tests.parquet_bytes import I32, STRUCT, dictionary_page, page, struct, written

LIMIT = 100_000


def encodings(body: bytes, values: int, limit: int = LIMIT) -> set[int]:
    return Pages(body, limit).encodings(Chunk(0, len(body), values))


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {RLE_DICTIONARY}),
        ({"use_dictionary": False}, {PLAIN}),
        ({"use_dictionary": False, "column_encoding": "DELTA_LENGTH_BYTE_ARRAY"}, {DELTA_LENGTH_BYTE_ARRAY}),
        ({"dictionary_pagesize_limit": 1000, "data_page_size": 100, "write_batch_size": 10}, {RLE_DICTIONARY, PLAIN}),
    ],
)
def test_pages_that_pyarrow_wrote(version: str, compression: str, options: dict[str, Any], expected: set[int]) -> None:
    table = pa.table({"a": [f"text {i}" for i in range(1000)]})
    body = written(table, data_page_version=version, compression=compression, **options)
    (group,) = Footer.read(body, 1 << 20).groups
    assert Pages(body, 1 << 20).encodings(group.chunks[0]) == expected


def test_pages_are_read_until_the_values_are_there() -> None:
    body = dictionary_page(3) + page(2, RLE_DICTIONARY, body=b"xyz") + page(3, PLAIN, version=2) + b"\xff"
    assert encodings(body, 2) == {RLE_DICTIONARY}
    assert encodings(body, 5) == {RLE_DICTIONARY, PLAIN}
    assert encodings(body, 0) == set()
    with pytest.raises(MalformedBody):
        encodings(body, 6)


def test_a_page_that_is_none_of_values_is_passed_over() -> None:
    index = struct((1, I32, 1), (2, I32, 0), (3, I32, 2), (6, STRUCT, struct())) + b"ab"
    assert encodings(index + page(1), 1) == {PLAIN}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        page(1)[:-5],
        page(1, decompressed=-1),
        page(-1),
        page(1, body=b"abc")[:-1],
        dictionary_page(11, decompressed=10) + page(1),
        dictionary_page(-1) + page(1),
        struct((1, I32, 0), (2, I32, 0), (3, I32, 0)),
        struct((2, I32, 0), (3, I32, 0)),
        struct((1, I32, 0), (2, I32, 0), (3, I32, 0), (8, STRUCT, struct((1, I32, 1), (4, I32, 0)))),
    ],
)
def test_damaged_pages_are_refused(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        encodings(body, 1)


@pytest.mark.parametrize("chunk", [Chunk(10**6, 10, 1), Chunk(0, 10, 1), Chunk(2**62, 2**62, 1)])
def test_chunks_that_lie_outside_are_refused(chunk: Chunk) -> None:
    with pytest.raises(MalformedBody):
        Pages(page(1)[:8], LIMIT).encodings(chunk)


def test_a_page_is_as_large_as_it_says() -> None:
    assert encodings(page(1, decompressed=LIMIT), 1) == {PLAIN}
    with pytest.raises(BodyTooLarge, match="decompressed"):
        encodings(page(1, decompressed=LIMIT + 1), 1)
    with pytest.raises(BodyTooLarge):
        encodings(page(1, decompressed=2**31 - 1), 1)


def test_many_small_pages_are_too_much() -> None:
    with pytest.raises(BodyTooLarge):
        encodings(page(0) * 1000 + page(1), 1)


def test_the_same_bytes_count_as_often_as_they_are_read() -> None:
    body = page(1, decompressed=LIMIT // 4)
    pages = Pages(body, LIMIT)
    for _ in range(4):
        pages.encodings(Chunk(0, len(body), 1))
    with pytest.raises(BodyTooLarge):
        pages.encodings(Chunk(0, len(body), 1))


@given(st.binary(max_size=60))
def test_any_bytes_are_pages_or_a_fault_of_the_caller(body: bytes) -> None:
    try:
        found = encodings(body, 1)
    except RequestError:
        return
    assert len(found) >= 1
