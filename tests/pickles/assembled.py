"""Pickles that are assembled opcode by opcode, in every protocol, and how they are read."""

from __future__ import annotations

import io
import struct

from agbento.pickles.limits import Limits
from agbento.pickles.names import found_here
from agbento.pickles.reader import Reader
from agbento.pickles.reading import Reading

PROTOCOLS = range(6)
COMMAND = "touch canary"
SYSTEM = ("os", "system")


def read(data: bytes, file: str = "model.pkl", limits: Limits | None = None) -> Reading:
    reader = Reader(limits or Limits(), found_here)
    reader.read(io.BytesIO(data), file)
    return reader.reading()


def uses(reading: Reading) -> set[tuple[str, str, str]]:
    return {(use.module, use.name, use.way) for use in reading.uses}


def flaws(reading: Reading) -> str:
    return "\n".join(flaw.what for flaw in reading.flaws)


def begun(protocol: int) -> bytes:
    return b"\x80" + bytes([protocol]) if protocol >= 2 else b""


def text(value: str, protocol: int = 2) -> bytes:
    encoded = value.encode()
    return b"X" + struct.pack("<I", len(encoded)) + encoded if protocol else b"V" + encoded + b"\n"


def data(value: bytes) -> bytes:
    return b"B" + struct.pack("<I", len(value)) + value


def named(module: str, name: str, protocol: int = 2) -> bytes:
    if protocol >= 4:
        return text(module) + text(name) + b"\x93"
    return f"c{module}\n{name}\n".encode()


def called(callee: bytes, *args: bytes) -> bytes:
    return callee + b"(" + b"".join(args) + b"tR"


def system(protocol: int = 2) -> bytes:
    return called(named(*SYSTEM, protocol), text(COMMAND, protocol))


def hostile(protocol: int = 2) -> bytes:
    """Give a whole pickle that runs a command."""
    return begun(protocol) + system(protocol) + b"."
