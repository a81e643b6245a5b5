from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agbento.errors import BodyTooLarge, MalformedBody, RequestError
from agbento.formats.parquet_footer import Chunk, Footer, Leaf
from tests.parquet_bytes import BINARY, I32, I64, LEAF, LIST, ROOT, chunk, elements, ends, file, group, struct, written

LIMIT = 1 << 24


def nested(depth: int) -> bytes:
    """A schema of groups within groups."""
    inner = struct((3, I32, 1), (4, BINARY, b"g"), (5, I32, 1))
    return elements(ROOT, *[inner] * depth, LEAF)


def test_a_footer_that_pyarrow_wrote() -> None:
    table = pa.table({"a": ["x", None, "y"], "s": [{"u": 1, "v": 2}] * 3, "b": [1, 2, 3], "l": [[1]] * 3})
    body = written(table, row_group_size=2)
    footer = Footer.read(body, LIMIT)
    assert footer.rows == 3
    assert footer.leaves == {"a": Leaf(0, 6, 0), "b": Leaf(3, 2, 0)}
    assert [group.rows for group in footer.groups] == [2, 1]
    assert [[chunk.values for chunk in group.chunks] for group in footer.groups] == [[2] * 5, [1] * 5]
    first = footer.groups[0].chunks[0]
    assert first.start == 4
    assert footer.groups[0].chunks[1].start == first.start + first.size


@pytest.mark.parametrize(("dictionary", "start"), [(None, 20), (0, 20), (8, 8), (30, 20)])
def test_the_pages_begin_with_the_dictionary_that_is_before_them(dictionary: int | None, start: int) -> None:
    footer = Footer.read(file(groups=elements(group(1, chunk(20, 5, 1, dictionary)))), LIMIT)
    assert footer.groups[0].chunks == [Chunk(start, 5, 1)]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "empty"),
        (b"PAR1", "'PAR1'"),
        (b"a,b\n1,2\n3,4\n", "'PAR1'"),
        (b"PAR1" + b"\xff" * 4 + b"PAR1", "metadata"),
        (b"PAR1" + b"\0" * 4 + b"PAR1", "ends in the middle"),
        (file()[:-4] + b"PARE", "encrypted"),
        (file()[:30] + file()[-8:], "metadata"),
        (file(rows=2), "number of rows"),
        (file(rows=-1, groups=elements(group(-1, chunk()))), "do not fit"),
        (file(groups=elements(group(1))), "do not fit"),
        (file(groups=elements(group(1, chunk(), chunk()))), "do not fit"),
        (file(groups=elements(group(1, chunk(values=-1)))), "below zero"),
        (file(groups=elements(group(1, chunk(start=-4)))), "below zero"),
        (file(groups=elements(group(1, chunk(size=-4)))), "below zero"),
        (file(groups=elements(group(1, struct((2, I64, 0))))), "missing"),
        (file(schema=elements(ROOT, struct((1, I32, 1), (3, I32, 1)))), "missing"),
        (file(schema=elements(ROOT, struct((1, I32, 1), (4, BINARY, b"\xff")))), "utf-8"),
        (file(schema=elements(ROOT, struct((1, I32, 1), (4, BINARY, b"a"), (5, I32, 1)))), "no tree"),
        (file(schema=elements(struct((4, BINARY, b"r"), (5, I32, -1)), LEAF)), "no tree"),
        (ends(b"", struct((2, LIST, elements(ROOT, LEAF)), (3, I32, 1))), "expected 6"),
    ],
)
def test_what_is_no_footer(body: bytes, told: str) -> None:
    with pytest.raises(MalformedBody) as raised:
        Footer.read(body, LIMIT)
    assert told in raised.value.detail


@pytest.mark.parametrize(
    ("body", "told"),
    [
        # Each made pyarrow take a gigabyte, or end the process, when this was written.
        (file(groups=elements(group(1, claimed=1_000_000))), "50000 columns"),
        (file(groups=elements(claimed=1_000_000)), "1000000 row groups"),
        (file(schema=elements(claimed=1_000_000)), "1000000 elements"),
        (file(schema=nested(19_000)), "nested"),
        (file(groups=elements(*[group(1, *[chunk()] * 1000)] * 51)), "one row group"),
        (ends(b"", b"\0" * (LIMIT // 8 + 1)), "bytes of metadata"),
    ],
)
def test_footers_that_take_too_much(body: bytes, told: str) -> None:
    with pytest.raises(BodyTooLarge) as raised:
        Footer.read(body, LIMIT)
    assert told in raised.value.detail


def test_columns_nested_as_they_are_in_life_are_read() -> None:
    assert Footer.read(file(schema=nested(20)), LIMIT).leaves == {}


@given(st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), min_size=1, max_size=4))
def test_damaged_footers_are_read_or_refused(flips: list[tuple[int, int]]) -> None:
    body = bytearray(written(pa.table({"a": ["x", None], "l": [[1], []]})))
    for at, byte in flips:
        body[-1 - at % (len(body) - 4)] = byte
    try:
        footer = Footer.read(bytes(body), LIMIT)
    except RequestError:
        return
    assert footer.rows >= 0
