from __future__ import annotations

import bz2
import gzip
import lzma
import os
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pickles.assembled import SYSTEM, flaws, hostile, read, uses

CALLED = (*SYSTEM, "call")
KINDS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "zlib, fast": lambda data: zlib.compress(data, 1),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
}
each_kind = pytest.mark.parametrize("compress", KINDS.values(), ids=list(KINDS))


@each_kind
@pytest.mark.parametrize("file", ["model.pkl", "model.pkl.gz", "any"])
def test_compressed_pickles_are_read(compress: Callable[[bytes], bytes], file: str) -> None:
    for protocol in range(6):
        reading = read(compress(hostile(protocol)), file)
        assert CALLED in uses(reading)
        assert reading.flaws == ()
        assert {use.where.file for use in reading.uses} == {f"{file}!"}


@each_kind
def test_more_than_a_piece_is_unpacked(compress: Callable[[bytes], bytes]) -> None:
    data = b"\x80\x04B" + (4_500_000).to_bytes(4, "little") + os.urandom(1_500_000) + bytes(3_000_000) + b"0"
    reading = read(compress(data + hostile(2)), "a")
    assert CALLED in uses(reading)
    assert reading.flaws == ()


@each_kind
def test_members_one_behind_the_other_are_read(compress: Callable[[bytes], bytes]) -> None:
    whole = hostile(4)
    assert CALLED in uses(read(compress(whole[:9]) + compress(whole[9:]), "a"))
    assert CALLED in uses(read(compress(compress(whole)), "a"))


@pytest.mark.parametrize("zeros", [1, 8192, 3_000_000])
def test_padding_hides_nothing(zeros: int) -> None:
    content = gzip.compress(b"") + bytes(zeros) + gzip.compress(hostile(2))
    assert gzip.decompress(content) == hostile(2)
    assert CALLED in uses(read(content, "a.gz"))
    assert read(gzip.compress(b"fine") + bytes(zeros), "a.gz").flaws == ()


@each_kind
def test_what_was_unpacked_before_a_fault_counts(compress: Callable[[bytes], bytes]) -> None:
    data = compress(hostile(2) + os.urandom(500_000))
    for broken in (data[:-50_000], data[:450_000] + os.urandom(99)):
        reading = read(broken, "a")
        assert CALLED in uses(reading) or compress is bz2.compress
        assert "broken" in flaws(reading)


def test_what_cannot_be_unpacked_is_a_flaw() -> None:
    assert "lz4" in flaws(read(b"\x04\x22\x4d\x18abc", "a"))
    assert "before 0.10" in flaws(read(b"ZF0x1f              ", "a"))
    assert "broken" in flaws(read(gzip.compress(b"N.")[:6], "a"))
    assert read(b"x,y\n1,2\n", "a.csv").flaws == ()
    assert read(b"x^2\n", "a.csv").flaws == ()


@given(st.sampled_from(list(KINDS)), st.data())
def test_mutated_content_is_read(kind: str, drawn: st.DataObject) -> None:
    data = KINDS[kind](hostile(2) * 3)
    at = drawn.draw(st.integers(0, len(data) - 1))
    read(data[:at] + drawn.draw(st.binary(max_size=5)) + data[at + 2 :], "a")


@given(st.sampled_from([b"\x1f\x8b\x08", b"x", b"x\x9c", b"BZh9", b"\xfd7zXZ\0", b"]\0\0", b"PK\3\4"]), st.binary())
def test_random_content_is_read(magic: bytes, data: bytes) -> None:
    assert read(magic + data, "a").uses == ()
