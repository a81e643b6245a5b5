"""Thrift's compact protocol, in which Parquet's metadata is written: read field by field, nothing built.

https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

from collections.abc import Iterator

I32, I64, BINARY, LIST, STRUCT = 5, 6, 8, 9, 12
_TRUE, _FALSE, _BYTE, _I16, _DOUBLE, _SET, _MAP, _UUID = 1, 2, 3, 4, 7, 10, 11, 13
_FIXED = {_BYTE: 1, _DOUBLE: 8, _UUID: 16}
_NUMBERS = (_I16, I32, I64)
_DEEPEST = 32


class ThriftError(ValueError):
    """Bytes that are no Thrift, or Thrift as no writer of Parquet writes it."""


class Compact:
    """A position, ``at``, in bytes that hold structs, and what is read there.

    It is stricter than other readers, which must not see another thing in the same bytes: the fields of a struct come
    in the order of their numbers, each once, and a number of 32 bits has no more.
    """

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self._data, self.at, self._end = data, at, end

    def fields(self) -> Iterator[tuple[int, int]]:
        """Give number and kind of each field of the struct that begins here; the caller reads or skips its value."""
        last = 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            number = last + step if step else self.integer()
            if number <= last:
                raise ThriftError(f"field {number} after field {last}")
            last = number
            yield number, kind

    def integer(self, bits: int = 32) -> int:
        """Read a signed number of at most so many bits."""
        value = self._unsigned(bits)
        return (value >> 1) ^ -(value & 1)

    def scalars(self) -> tuple[dict[tuple[int, int], int], dict[tuple[int, int], bytes]]:
        """Read the struct that begins here, and give its numbers and its byte strings, by number and kind of field.

        A field of another kind than it should have is as if it were not there, for other readers too.
        """
        numbers: dict[tuple[int, int], int] = {}
        texts: dict[tuple[int, int], bytes] = {}
        for number, kind in self.fields():
            if kind in _NUMBERS:
                numbers[number, kind] = self.integer(64 if kind == I64 else 32)
            elif kind == BINARY:
                size = self._unsigned(32)
                self.take(size)
                texts[number, kind] = self._data[self.at - size : self.at]
            else:
                self.skip(kind)
        return numbers, texts

    def elements(self, kind: int) -> int:
        """Read the head of a list whose elements are of ``kind``, and give how many there are."""
        size, found = self._list()
        if found != kind:
            raise ThriftError(f"a list of kind {found}, expected {kind}")
        return size

    def expect(self, found: int, kind: int) -> None:
        """Check a field's kind."""
        if found != kind:
            raise ThriftError(f"a field of kind {found}, expected {kind}")

    def skip(self, kind: int, depth: int = 0) -> None:
        """Pass over a field's value of this kind."""
        if depth > _DEEPEST:
            raise ThriftError("structs are nested too deeply")
        if kind in _NUMBERS:
            self._unsigned(64)
        elif kind == BINARY:
            self.take(self._unsigned(32))
        elif kind == STRUCT:
            for _, inner in self.fields():
                self.skip(inner, depth + 1)
        elif kind in (LIST, _SET):
            size, inner = self._list()
            for _ in range(size):
                self._skip_element(inner, depth + 1)
        elif kind == _MAP:
            self._skip_map(depth + 1)
        elif kind not in (_TRUE, _FALSE):  # a field's truth value is its kind
            self._skip_fixed(kind)

    def _skip_element(self, kind: int, depth: int) -> None:
        if kind in (_TRUE, _FALSE):
            self.take(1)
        else:
            self.skip(kind, depth)

    def _skip_map(self, depth: int) -> None:
        if size := self._unsigned(32):
            kinds = self._byte()
            for _ in range(size):
                self._skip_element(kinds >> 4, depth)
                self._skip_element(kinds & 15, depth)

    def _skip_fixed(self, kind: int) -> None:
        if kind not in _FIXED:
            raise ThriftError(f"a value of kind {kind}, which there is not")
        self.take(_FIXED[kind])

    def _list(self) -> tuple[int, int]:
        head = self._byte()
        return head >> 4 if head < 0xF0 else self._unsigned(32), head & 15

    def _unsigned(self, bits: int) -> int:
        value, shift = 0, 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                break
            shift += 7
            if shift >= bits:
                raise ThriftError(f"a number of more than {bits} bits")
        if value >> bits:
            raise ThriftError(f"a number of more than {bits} bits")
        return value

    def _byte(self) -> int:
        if self.at >= self._end:
            raise ThriftError("it ends in the middle")
        self.at += 1
        return self._data[self.at - 1]

    def take(self, size: int) -> None:
        """Pass over so many bytes."""
        if size > self._end - self.at:
            raise ThriftError("it ends in the middle")
        self.at += size
