"""Compressed content: gzip, zlib, bz2, xz and lzma, as joblib and AutoGluon write them."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from agbento.pickles.content import Content, Spill, first_of, size_of
from agbento.pickles.limits import MIB, Budget

_PIECE: Final = 4096  # what an unpickler could have had before an error is not lost
_ERRORS: Final = (zlib.error, lzma.LZMAError, OSError, ValueError, EOFError, MemoryError)


class _Decompressor(Protocol):
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...


class _Zlib:
    """A decompressor of zlib as those of bz2 and lzma are: it keeps what it was not asked for yet."""

    def __init__(self, bits: int) -> None:
        self._inner = zlib.decompressobj(bits)

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


# First bytes; whether nothing else begins so; how to decompress.
_KINDS: Final[tuple[tuple[bytes, bool, Callable[[], _Decompressor]], ...]] = (
    (b"\x1f\x8b\x08", True, lambda: _Zlib(31)),
    (b"BZh", True, bz2.BZ2Decompressor),
    (b"\xfd7zXZ", True, lzma.LZMADecompressor),
    (b"\x78", False, lambda: _Zlib(15)),
    (b"\x5d\x00", False, lzma.LZMADecompressor),
)


@dataclass(frozen=True)
class Unpacked:
    """What came out before the end or a fault; ``sure`` where nothing but a compressed file begins so."""

    content: Content
    fault: str | None
    sure: bool


def unpacked(content: Content, budget: Budget) -> Unpacked | None:
    """Decompress content that begins as a compressed file does, or give None.

    Raises Exceeded, and OSError where a disk is full.
    """
    packed = size_of(content)
    first = first_of(content, 8)
    kind = next(((sure, make) for magic, sure, make in _KINDS if first.startswith(magic)), None)
    if kind is None:
        return None
    sure, make = kind
    spill = Spill()

    def write(data: bytes) -> None:
        budget.unpacked(len(data))
        spill.write(data)
        budget.check_ratio(spill.size, packed)

    fault = _decompress(content, make, write)
    if fault is not None and not spill.size and not sure:
        return None
    return Unpacked(spill.content(), fault, sure)


def _decompress(content: Content, make: Callable[[], _Decompressor], write: Callable[[bytes], None]) -> str | None:
    """Decompress all members, one behind the other, and say what is wrong with the last one."""
    data = _past_zeros(content, content.read(_PIECE))
    while data:
        decompressor = make()
        while not decompressor.eof:
            try:
                out = decompressor.decompress(data, MIB)
            except _ERRORS as error:
                return str(error)
            write(out)
            data = b"" if len(out) == MIB or decompressor.eof else content.read(_PIECE)
            if not data and len(out) < MIB and not decompressor.eof:
                return "it ends early"
        data = _past_zeros(content, decompressor.unused_data)
    return None


def _past_zeros(content: Content, data: bytes) -> bytes:
    """Go on to what follows the padding between two members, however long it is; none: the content ends there."""
    while not (data := data.lstrip(b"\0")):
        if not (data := content.read(_PIECE)):
            break
    return data
