"""The pages of a Parquet file's columns, measured before pyarrow reads them.

A page says how large it is when it is decompressed, and pyarrow makes room for that. The sizes of whole columns in the
footer are no help: they may lie, and several columns may be the same bytes.
https://parquet.apache.org/docs/file-format/data-pages/; parquet.thrift has the numbers of the fields.
"""

from __future__ import annotations

from agbento.errors import BodyTooLarge, MalformedBody
from agbento.formats.parquet_footer import UNREADABLE, Chunk
from agbento.formats.thrift import I32, STRUCT, Compact, ThriftError

PLAIN, PLAIN_DICTIONARY, DELTA_LENGTH_BYTE_ARRAY, RLE_DICTIONARY = 0, 2, 6, 8
_LEAST = 1024  # what a page counts at least, for the time that it takes
_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3
_HEADER = {_DATA: 5, _DICTIONARY: 7, _DATA_V2: 8}  # the field that has a page's own header
_ENCODING = {_DATA: 2, _DATA_V2: 4}  # and there the field of the values' encoding


class Pages:
    """What the pages of the columns that are to be read take decompressed, added up, must be within a limit."""

    def __init__(self, body: bytes, limit: int) -> None:
        self._body, self._limit, self._taken = body, limit, 0

    def encodings(self, chunk: Chunk) -> set[int]:
        """Add a chunk's pages, and give the numbers of the encodings in which their values are.

        Raises:
            MalformedBody: they do not fit the chunk or the body.
            BodyTooLarge: with all that were added before, they take more than the limit.
        """
        found: set[int] = set()
        values, end = chunk.values, chunk.start + chunk.size
        reader = Compact(self._body, chunk.start, min(end, len(self._body)))
        try:
            while values > 0:
                count, encoding = self._page(reader)
                values -= count
                if encoding is not None:
                    found.add(encoding)
        except (ThriftError, KeyError):
            raise MalformedBody(f"{UNREADABLE}: a column's pages are damaged") from None
        return found

    def _page(self, reader: Compact) -> tuple[int, int | None]:
        """Pass over one page; give how many values it has, and their encoding (None: it is no page of values)."""
        numbers: dict[int, int] = {}
        headers: dict[int, dict[tuple[int, int], int]] = {}
        for number, kind in reader.fields():
            if kind == I32:
                numbers[number] = reader.integer()
            elif kind == STRUCT:
                headers[number], _ = reader.scalars()
            else:
                reader.skip(kind)
        page, decompressed, compressed = numbers[1], numbers[2], numbers[3]
        header = headers[_HEADER[page]] if page in _HEADER else {}
        if min(decompressed, compressed, *header.values(), 0) < 0:
            raise ThriftError("a size below zero")
        if page == _DICTIONARY and header[1, I32] > decompressed:
            raise ThriftError("a dictionary of more values than bytes")  # pyarrow makes room for them
        reader.take(compressed)
        self._taken += max(decompressed, compressed, _LEAST)
        if self._taken > self._limit:
            raise BodyTooLarge(f"the Parquet file's columns take more than {self._limit} bytes decompressed")
        return (header[1, I32], header[_ENCODING[page], I32]) if page in _ENCODING else (0, None)
