"""How much reading of pickles is done before it is given up."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """What a folder's pickles may ask of their reader; beyond it there is a flaw.

    ``decompressed``: bytes that are unpacked, of all archives together; ``ratio``: unpacked to packed bytes of one
    archive, where more than ``ratio_from`` bytes are unpacked; ``depth``: of archives and pickles within each other;
    ``opcodes``: of all pickles together; ``made``: tuples, dictionaries and objects of one pickle.
    """

    decompressed: int = 32 * 2**30
    ratio: int = 1000
    ratio_from: int = 64 * MIB
    depth: int = 8
    opcodes: int = 500_000_000
    made: int = 50_000_000


class Exceeded(Exception):
    """A limit is exceeded; its text says which, for a person."""


class Budget:
    """What is left of the limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._opcodes = limits.opcodes
        self._bytes = limits.decompressed

    def opcodes(self, count: int) -> None:
        """Take so many opcodes, or raise Exceeded."""
        self._opcodes -= count
        if self._opcodes < 0:
            raise Exceeded(f"more than {self.limits.opcodes:,} opcodes")

    def unpacked(self, count: int) -> None:
        """Take so many unpacked bytes, or raise Exceeded."""
        self._bytes -= count
        if self._bytes < 0:
            raise Exceeded(f"more than {self.limits.decompressed:,} bytes unpacked")

    def check_ratio(self, unpacked: int, packed: int) -> None:
        """Raise Exceeded where this many unpacked bytes of one archive are too many for its size."""
        if unpacked > self.limits.ratio_from and unpacked > self.limits.ratio * packed:
            raise Exceeded(f"more than {self.limits.ratio:,} times its size when unpacked")
