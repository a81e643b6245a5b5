"""Bytes that can be read from any position: of a file, of memory, or unpacked."""

from __future__ import annotations

import io
import mmap
import tempfile
from pathlib import Path
from typing import IO, Final, TypeAlias, cast

from agbento.pickles.limits import MIB, Exceeded

_LONGEST_LINE: Final = 256 * MIB
_IN_MEMORY: Final = 64 * MIB


class Mapped(mmap.mmap):
    """A file in memory. Unlike a file's, its ``read`` takes no more memory than there are bytes."""

    def readline(self) -> bytes:
        """Read up to the next newline, or raise Exceeded where that is far."""
        start = self.tell()
        end = self.find(b"\n", start, start + _LONGEST_LINE)
        if end < 0 and len(self) - start > _LONGEST_LINE:
            raise Exceeded("a line that is too long")
        return self.read(end + 1 - start) if end >= 0 else self.read()

    def seekable(self) -> bool:
        """Tell zipfile that positions can be set; mmap says so itself from Python 3.13."""
        return True


# Mapped is one for those who read: mmap's type just does not say so.
Content: TypeAlias = IO[bytes]


def mapped(file: IO[bytes]) -> Content:
    """Give the content of an open file, which may be closed before the content is."""
    if file.seek(0, io.SEEK_END) == 0:
        return io.BytesIO()
    return cast(Content, Mapped(file.fileno(), 0, access=mmap.ACCESS_READ))


def opened(path: Path) -> Content:
    """Give the content of the file at ``path``; raises OSError."""
    with path.open("rb") as file:
        return mapped(file)


def size_of(content: Content) -> int:
    """Give the size in bytes; the position is at the end then."""
    return content.seek(0, io.SEEK_END) or content.tell()


def first_of(content: Content, count: int) -> bytes:
    """Give the first bytes; the position is at the start then."""
    content.seek(0)
    first = content.read(count)
    content.seek(0)
    return first


class Spill:
    """Bytes that are written one after the other, to a temporary file where they are many, and then read."""

    def __init__(self) -> None:
        self._file: IO[bytes] = io.BytesIO()
        self.size = 0

    def write(self, data: bytes) -> None:
        """Add bytes; raises OSError where the disk is full."""
        if self.size <= _IN_MEMORY < self.size + len(data) and isinstance(self._file, io.BytesIO):
            kept, self._file = self._file, tempfile.TemporaryFile()  # noqa: SIM115 - content() closes it
            self._file.write(kept.getbuffer())
        self._file.write(data)
        self.size += len(data)

    def content(self) -> Content:
        """Give what was written."""
        if isinstance(self._file, io.BytesIO):
            return self._file
        with self._file as file:
            file.flush()
            return mapped(file)
