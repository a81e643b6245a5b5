"""Zip archives, torch's among them: their members, one after the other."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from agbento.pickles.content import Content, Spill, first_of, size_of
from agbento.pickles.limits import MIB, Budget
from agbento.pickles.signs import ZIP

_END: Final = b"PK\x05\x06"
_END_SIZE: Final = 22
_LOCATOR_64: Final = b"PK\x06\x07"
_ERRORS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    OSError,
    ValueError,
    EOFError,
    RuntimeError,  # encrypted, or (NotImplementedError) compressed in an unknown way
    IndexError,
    KeyError,
    OverflowError,
    MemoryError,
)


@dataclass(frozen=True)
class Member:
    """A member, as far as it could be unpacked, and what is wrong with it."""

    name: str
    content: Content
    fault: str | None


def ending(content: Content) -> int:
    """Count the ends of archives near the end of the content: it is one where there is any."""
    size = size_of(content)
    content.seek(max(0, size - _END_SIZE - 65535))
    return content.read(_END_SIZE + 65535).count(_END)


def _said_start(content: Content) -> int:
    """Give where the directory begins by what the archive's end says: readers are free to look there."""
    size = size_of(content)
    tail_at = max(0, size - _END_SIZE - 65535)
    content.seek(tail_at)
    tail = content.read(_END_SIZE + 65535)
    at = tail.rfind(_END)
    if (locator := tail[max(0, at - 20) : at])[:4] == _LOCATOR_64 and len(locator) == 20:
        (end_64,) = struct.unpack_from("<Q", locator, 8)
        content.seek(min(end_64, size))
        start: int = struct.unpack_from("<Q", content.read(56), 48)[0]
    else:
        start = struct.unpack_from("<L", tail, at + 16)[0]
    return start


def members(content: Content, budget: Budget, flaw: Callable[[str], None]) -> Iterator[Member]:
    """Unpack the members of what may be a zip archive; none where it is not. Raises Exceeded.

    ``flaw`` is told of what other readers may see in another way.
    """
    if size_of(content) < _END_SIZE or not zipfile.is_zipfile(content):
        if first_of(content, 4) == ZIP:
            flaw("a zip archive that is cut off")
        return
    if ending(content) > 1:
        flaw("a zip archive with two ends")
    packed, spent = size_of(content), 0
    try:
        with zipfile.ZipFile(content) as archive:
            # Readers that do not look for the directory where zipfile does would find other members.
            if archive.start_dir != _said_start(content):
                flaw("a zip archive behind other content")
            if any(info.filename.rpartition("/")[2] == "constants.pkl" for info in archive.infolist()):
                flaw("a TorchScript program")
            for info in archive.infolist():
                member, spent = _unpack(archive, info, budget, packed, spent)
                yield member
    except _ERRORS as error:
        flaw(f"a zip archive that cannot be read: {error}")


def _unpack(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget, packed: int, spent: int
) -> tuple[Member, int]:
    """Unpack one member, and give what of the archive is unpacked by now."""
    spill, fault = Spill(), None
    try:
        with archive.open(info) as file:
            while data := file.read(MIB):
                budget.unpacked(len(data))
                spill.write(data)
                budget.check_ratio(spent + spill.size, packed)
    except _ERRORS as error:
        fault = str(error) or type(error).__name__
    return Member(info.filename, spill.content(), fault), spent + spill.size
