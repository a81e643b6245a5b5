"""Parquet files for tests: whole ones by pyarrow, and metadata byte by byte, which pyarrow would not write."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

I32, I64, BINARY, LIST, STRUCT = 5, 6, 8, 9, 12


def written(table: pa.Table, **options: Any) -> bytes:
    """A file of this table."""
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def unsigned(number: int) -> bytes:
    """A varint."""
    parts = []
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def signed(number: int) -> bytes:
    """A varint, zigzag."""
    return unsigned(number << 1 if number >= 0 else (-number << 1) - 1)


def elements(*values: bytes, claimed: int | None = None, kind: int = STRUCT) -> bytes:
    """A list, which may claim another length than it has."""
    return bytes([0xF0 | kind]) + unsigned(len(values) if claimed is None else claimed) + b"".join(values)


def struct(*fields: tuple[int, int, Any]) -> bytes:
    """A struct of (number, kind, value) fields, in the order given."""
    parts, last = [], 0
    for number, kind, value in fields:
        step = number - last
        parts.append(bytes([step << 4 | kind]) if 0 < step < 16 else bytes([kind]) + signed(number))
        if kind in (I32, I64):
            value = signed(value)
        elif kind == BINARY:
            value = unsigned(len(value)) + value
        parts.append(value)
        last = number
    return b"".join(parts) + b"\0"


ROOT = struct((4, BINARY, b"schema"), (5, I32, 1))
LEAF = struct((1, I32, 1), (3, I32, 1), (4, BINARY, b"a"))  # int32
TEXT_LEAF = struct((1, I32, 6), (3, I32, 1), (4, BINARY, b"a"), (6, I32, 0))


def group(rows: int, *chunks: bytes, claimed: int | None = None) -> bytes:
    """A row group."""
    return struct((1, LIST, elements(*chunks, claimed=claimed)), (2, I64, 0), (3, I64, rows))


def chunk(start: int = 4, size: int = 10, values: int = 1, dictionary: int | None = None, kind: int = 1) -> bytes:
    """A column of a row group."""
    plain, path = elements(signed(0), kind=I32), elements(unsigned(1) + b"a", kind=BINARY)
    fields: list[tuple[int, int, Any]] = [(1, I32, kind), (2, LIST, plain), (3, LIST, path), (4, I32, 0)]
    fields += [(5, I64, values), (6, I64, 0), (7, I64, size), (9, I64, start)]
    if dictionary is not None:
        fields.append((11, I64, dictionary))
    return struct((2, I64, 0), (3, STRUCT, struct(*fields)))


def file(schema: bytes = elements(ROOT, LEAF), rows: int = 1, groups: bytes | None = None, pages: bytes = b"") -> bytes:
    """A file of one column, one row and no pages, unless told otherwise."""
    groups = elements(group(1, chunk())) if groups is None else groups
    metadata = struct((1, I32, 2), (2, LIST, schema), (3, I64, rows), (4, LIST, groups))
    return ends(pages, metadata)


def ends(pages: bytes, metadata: bytes) -> bytes:
    """A file of these parts."""
    return b"PAR1" + pages + metadata + len(metadata).to_bytes(4, "little") + b"PAR1"


def page(values: int, encoding: int = 0, decompressed: int = 10, body: bytes = b"", version: int = 1) -> bytes:
    """A data page: its header, and its bytes as they are."""
    sizes = [(1, I32, 0 if version == 1 else 3), (2, I32, decompressed), (3, I32, len(body))]
    if version == 1:
        own = (5, STRUCT, struct((1, I32, values), (2, I32, encoding), (3, I32, 3), (4, I32, 3)))
    else:
        own = (8, STRUCT, struct((1, I32, values), (2, I32, 0), (3, I32, values), (4, I32, encoding)))
    return struct(*sizes, own) + body


def dictionary_page(values: int, decompressed: int = 10, body: bytes = b"") -> bytes:
    """A dictionary's page."""
    sizes = [(1, I32, 2), (2, I32, decompressed), (3, I32, len(body))]
    return struct(*sizes, (7, STRUCT, struct((1, I32, values), (2, I32, 0)))) + body
