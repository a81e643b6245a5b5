from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agbento.formats.thrift import BINARY, I32, I64, LIST, STRUCT, Compact, ThriftError
from tests.parquet_bytes import elements, signed, struct, unsigned


def compact(data: bytes) -> Compact:
    return Compact(data, 0, len(data))


@given(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1), st.binary(max_size=300))
def test_scalars_are_read_by_number_and_kind(small: int, large: int, text: bytes) -> None:
    data = struct((1, I32, small), (3, STRUCT, struct((1, I32, 7))), (30, I64, large), (31, BINARY, text))
    reader = compact(data)
    assert reader.scalars() == ({(1, I32): small, (30, I64): large}, {(31, BINARY): text})
    assert reader.at == len(data)


# True, false, a byte, a double, a set of two, a list of truths, a map of one, an empty map, a UUID.
KINDS: list[tuple[int, bytes]] = [
    (1, b""),
    (2, b""),
    (3, b"x"),
    (4, signed(-5)),
    (7, b"8" * 8),
    (10, b"\x25" + signed(1) + signed(2)),
    (LIST, b"\x31\x01\x02\x01"),
    (LIST, elements(*[struct((1, I32, 1))] * 20)),
    (11, b"\x01\x85" + unsigned(1) + b"k" + signed(300)),
    (11, b"\0"),
    (13, b"u" * 16),
]


@pytest.mark.parametrize(("kind", "value"), KINDS)
def test_what_is_skipped_is_passed_over_to_its_end(kind: int, value: bytes) -> None:
    reader = compact(struct((1, kind, value), (2, I32, 41)))
    assert reader.scalars()[0].get((2, I32)) == 41


@pytest.mark.parametrize(
    "data",
    [
        b"",
        struct((2, I32, 1), (1, I32, 1)),  # out of order
        struct((1, I32, 1))[:-1] + b"\x05" + signed(1) + signed(9) + b"\0",  # twice
        struct((1, I32, 2**31)),  # 33 bits
        b"\x15" + b"\x80" * 9 + b"\x01\0",
        b"\x16" + b"\xff" * 20 + b"\0",
        b"\x18" + unsigned(2**31) + b"abc\0",
        b"\x19" + b"\xfc" + unsigned(2**31) + b"\0",
        b"\x1e\0",  # kind 14
        b"\x10\0",  # kind 0
        b"\x1c" * 10_000,  # structs in structs
        b"\x19\x19" * 10_000,
    ],
)
def test_what_no_writer_writes_is_refused(data: bytes) -> None:
    with pytest.raises(ThriftError):
        compact(data).scalars()


def test_the_end_that_is_given_holds() -> None:
    data = struct((1, BINARY, b"abc"))
    with pytest.raises(ThriftError, match="ends in the middle"):
        Compact(data, 0, len(data) - 1).scalars()


def test_a_list_of_another_kind_is_refused() -> None:
    assert compact(elements(claimed=3)).elements(STRUCT) == 3
    with pytest.raises(ThriftError, match="kind 5, expected 12"):
        compact(elements(claimed=3, kind=I32)).elements(STRUCT)
    with pytest.raises(ThriftError, match="kind 9, expected 12"):
        compact(b"").expect(LIST, STRUCT)


@given(st.binary(max_size=100))
def test_any_bytes_are_a_struct_or_an_error(data: bytes) -> None:
    reader: Any = compact(data)
    try:
        reader.scalars()
    except ThriftError:
        return
    assert 0 < reader.at <= len(data)
