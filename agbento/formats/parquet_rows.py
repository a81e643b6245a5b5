"""Parquet bodies → rows: https://parquet.apache.org/docs/file-format/."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from agbento.errors import BodyTooLarge, MalformedBody
from agbento.formats.headings import check_names
from agbento.formats.parquet_footer import MAX_CHUNKS, UNREADABLE, Footer, Leaf
from agbento.formats.parquet_pages import DELTA_LENGTH_BYTE_ARRAY, PLAIN, PLAIN_DICTIONARY, RLE_DICTIONARY, Pages
from agbento.formats.volume import check_values
from agbento.text import one_line, shown

MEDIA_TYPE = "application/vnd.apache.parquet"

# Columns that are read may take so many times the body's limit when they are decompressed. Parquet compresses what it
# has encoded already, commonly to a half or a quarter; JSON and CSV within the limit would be larger than this.
DECOMPRESSED_SHARE = 4

_EPOCH = datetime(1970, 1, 1)
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_WIDEST = 32  # bytes of a number: those of a decimal256
_BYTE_ARRAY, _FIXED_LEN_BYTE_ARRAY = 6, 7  # physical types
# What pyarrow raises for files that it cannot read.
_FAULTS = (pa.ArrowException, OSError, UnicodeDecodeError)

Values = list[Any]


def parse(body: bytes, max_rows: int, max_bytes: int, columns: Collection[str]) -> list[dict[str, Any]]:
    """Give one dict a row, column name → value as JSON would have it.

    Dates and times are ISO 8601 text, in UTC with a "Z" where they have a time zone; decimals are text of all their
    digits; NaN stays NaN. A column of a type that no feature has (binary, time, list …) is a list with the type's name
    in each row: the row reader refuses it. Columns that are not in ``columns``, the names of the model's columns, are
    not read: they are None in each row.

    Raises:
        MalformedBody: no Parquet file that can be read, none of ``columns``, a name twice, or no rows.
        BodyTooLarge: more than ``max_rows`` rows, or more to decompress or to hold than is in proportion to
            ``max_bytes``.
    """
    footer = Footer.read(body, max_bytes)
    if not footer.rows:
        raise MalformedBody("the Parquet file has no rows, expected at least one")
    if footer.rows > max_rows:
        raise BodyTooLarge(f"the body has {footer.rows} rows, expected at most {max_rows}")
    try:
        file = _open(body)
        names = file.schema_arrow.names
        check_values(footer.rows, len(names), max_bytes)
        check_names(names, columns, "the Parquet file's schema")
        return _rows(body, file, footer, frozenset(columns), Pages(body, DECOMPRESSED_SHARE * max_bytes))
    except _FAULTS as error:
        reason = one_line(str(error).strip().split("\n")[0], 120) or type(error).__name__
        raise MalformedBody(f"{UNREADABLE}: {reason}") from None


def _open(body: bytes, **options: Any) -> pq.ParquetFile:
    return pq.ParquetFile(
        pa.BufferReader(body),
        # INT96 counts nanoseconds, but not within the years that 64 bits of them reach.
        coerce_int96_timestamp_unit="us",
        thrift_string_size_limit=len(body),
        thrift_container_size_limit=MAX_CHUNKS,
        arrow_extensions_enabled=False,
        page_checksum_verification=True,  # where the file has checksums
        **options,
    )


def _rows(
    body: bytes, file: pq.ParquetFile, footer: Footer, columns: frozenset[str], pages: Pages
) -> list[dict[str, Any]]:
    held: dict[str, Values] = {}
    to_read: dict[str, int] = {}
    by_dictionary: list[int] = []
    for field in file.schema_arrow:
        leaf = footer.leaves.get(field.name)
        if field.name not in columns:
            held[field.name] = [None] * footer.rows
        elif leaf is None or not _is_readable(field.type, leaf):
            held[field.name] = [[one_line(str(field.type), 60)]] * footer.rows
        else:
            to_read[field.name] = leaf.index
            encodings = _encodings(footer, leaf, pages)
            if _is_text(field.type) and _through_dictionary(field.name, encodings):
                by_dictionary.append(leaf.index)
    file = _open(body, metadata=file.metadata, read_dictionary=by_dictionary)
    for name, index in to_read.items():
        held[name] = _column(file, name, index, footer.rows)
    names = file.schema_arrow.names
    return [dict(zip(names, row, strict=True)) for row in zip(*(held[name] for name in names), strict=True)]


def _encodings(footer: Footer, leaf: Leaf, pages: Pages) -> set[int]:
    """Measure a column's pages in all row groups, and give the encodings that they have."""
    found: set[int] = set()
    for group in footer.groups:
        chunk = group.chunks[leaf.index]
        if chunk.values != group.rows:  # pyarrow makes room for as many as the chunk says
            raise MalformedBody(f"{UNREADABLE}: a column does not have the rows of its row group")
        found |= pages.encodings(chunk)
    return found


def _through_dictionary(name: str, encodings: set[int]) -> bool:
    """Tell whether texts are to be read as Arrow's dictionaries: one that comes again and again is held once.

    Raises:
        MalformedBody: they are encoded so that a few bytes may stand for many, and pyarrow would write out all.
    """
    if encodings <= {PLAIN, PLAIN_DICTIONARY, RLE_DICTIONARY}:
        return True
    if encodings <= {PLAIN, DELTA_LENGTH_BYTE_ARRAY}:
        return False
    told = f"the Parquet file's column '{shown(name, 60)}' is encoded in a way that is not read here"
    raise MalformedBody(f"{told}; write its texts plain or with a dictionary (version 1.0 of data pages)")


def _column(file: pq.ParquetFile, name: str, leaf: int, rows: int) -> Values:
    table = file.reader.read_all(column_indices=[leaf], use_threads=False)
    if table.column_names != [name] or table.num_rows != rows:
        raise MalformedBody(f"{UNREADABLE}: column '{shown(name, 60)}' does not have all its rows")
    column = table.column(0)
    column.validate(full=True)  # what is damaged may point anywhere
    read = _reader(column.type)
    return [value for chunk in column.chunks for value in read(chunk)]


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_readable(kind: pa.DataType, leaf: Leaf) -> bool:
    """Tell whether a column's values are scalars as a feature may have them, and of bounded width unless text."""
    if _is_text(kind):
        return leaf.type == _BYTE_ARRAY
    types = pa.types
    tests = (types.is_null, types.is_boolean, types.is_integer, types.is_floating, types.is_decimal)
    others = (types.is_timestamp, types.is_date)
    # Widths of other types mean nothing: fastparquet writes 64 for 8 bytes.
    is_bounded = leaf.type != _BYTE_ARRAY and (leaf.type != _FIXED_LEN_BYTE_ARRAY or leaf.width <= _WIDEST)
    return is_bounded and any(test(kind) for test in (*tests, *others))


def _reader(kind: pa.DataType) -> Callable[[pa.Array], Iterable[Any]]:
    if pa.types.is_dictionary(kind):
        return _read_dictionary
    if pa.types.is_timestamp(kind):
        return _timestamp_reader(kind.unit, "Z" if kind.tz is not None else "")
    if pa.types.is_date(kind):
        return _read_dates
    if pa.types.is_decimal(kind):
        return lambda array: (None if value is None else format(value, "f") for value in array.to_pylist())
    return _plain


def _plain(array: pa.Array) -> Any:
    # By way of NumPy it takes a tenth of the time, but there null is NaN.
    return array.to_pylist() if array.null_count else array.to_numpy(zero_copy_only=False).tolist()


def _read_dictionary(array: pa.DictionaryArray) -> Iterable[Any]:
    used = array.indices.unique()
    values = dict(zip(_plain(used), array.dictionary.take(used).to_pylist(), strict=True))
    return map(values.__getitem__, _plain(array.indices))


def _timestamp_reader(unit: str, zone: str) -> Callable[[pa.Array], Iterable[Any]]:
    per_second = _PER_SECOND[unit]
    digits = len(str(per_second)) - 1

    def text(value: int) -> str:
        seconds, fraction = divmod(value, per_second)
        try:
            moment = (_EPOCH + timedelta(seconds=seconds)).isoformat()
        except OverflowError:
            return f"{value} {unit} from 1970"
        point = "." + f"{fraction:0{digits}}".rstrip("0") if fraction else ""
        return f"{moment}{point}{zone}"

    return lambda array: (None if value is None else text(value) for value in _plain(array.cast(pa.int64())))


def _read_dates(array: pa.Array) -> Iterable[Any]:
    def text(days: int) -> str:
        try:
            return (_EPOCH + timedelta(days=days)).date().isoformat()
        except OverflowError:
            return f"{days} days from 1970"

    return (None if days is None else text(days) for days in _plain(array.cast(pa.int32())))
