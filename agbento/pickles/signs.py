"""By what their first bytes are known: pickles, archives, and what is compressed."""

from __future__ import annotations

import pickletools
import tarfile
from typing import Final

ZIP: Final = b"PK\x03\x04"
NPY: Final = b"\x93NUMPY"
# https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md, and the files of joblib before 0.10
UNREADABLE: Final = {b"\x04\x22\x4d\x18": "compressed by lz4", b"ZF0x": "a file of joblib before 0.10"}

_ON_ANYTHING = frozenset(
    ord(opcode.code) for opcode in pickletools.opcodes if not opcode.stack_before and "GET" not in opcode.name
)
_PACKED = (ZIP, b"PK\x05\x06", NPY, b"\x1f\x8b", b"\x78", b"BZh", b"\xfd7zXZ", b"\x5d\x00", *UNREADABLE)


def begins_pickle(first: bytes) -> bool:
    """Say whether these bytes begin with a protocol's number."""
    return len(first) > 1 and first[0] == 0x80 and first[1] <= 5


def may_hold(first: bytes | bytearray) -> bool:
    """Say whether bytes that begin so may be a pickle, an archive or compressed: else they cannot hold a name."""
    return bool(first) and (first[0] in _ON_ANYTHING or bytes(first).startswith(_PACKED))


def is_tar(first: bytes) -> bool:
    """Say whether a tar archive's first header is in these 512 bytes."""
    try:
        tarfile.TarInfo.frombuf(first, "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError):
        return False
    return True
