"""CSV bodies → rows: RFC 4180 in UTF-8, commas between fields, the column names in the first line."""

from __future__ import annotations

import codecs
import csv
import io
import sys
from collections.abc import Collection, Iterator

from agbento.errors import BodyTooLarge, MalformedBody
from agbento.formats.headings import check_names
from agbento.formats.volume import check_values

MEDIA_TYPE = "text/csv"
_SHOWN = 5  # lines at fault that a message lists
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}

# The csv module has one limit for all readers, and it starts below what a field of a body may hold.
csv.field_size_limit(sys.maxsize)


def parse(body: bytes, max_rows: int, max_bytes: int, columns: Collection[str]) -> list[dict[str, str]]:
    """Give one dict a row, column name → field; an empty one, quoted or not, is "".

    A byte order mark (Excel writes one) and blank lines are skipped. All columns of the body are in the dicts, those
    that are not in ``columns``, the names of the model's columns, too; columns without a name share one entry.

    Raises:
        MalformedBody: no CSV in UTF-8, no header with any of ``columns``, a name twice, rows of another length than
            the header, or no rows.
        BodyTooLarge: more than ``max_rows`` rows, or more values than is in proportion to ``max_bytes``.
    """
    try:
        return _rows(_text(body), max_rows, max_bytes, columns)
    except MalformedBody as error:
        if body.strip() and b"\n" not in body and b"\r" not in body:
            error.detail += "; the body is one line: curl takes line breaks out unless it is told --data-binary"
        raise


def _rows(text: str, max_rows: int, max_bytes: int, columns: Collection[str]) -> list[dict[str, str]]:
    records = _records(text)
    line, header = next(records, (0, []))
    if not line:
        raise MalformedBody("the body is empty, expected CSV: a line with the column names, and a line for each row")
    check_names(header, columns, f"line {line}, the header,", _separator_hint(header))
    rows: list[dict[str, str]] = []
    faults: list[str] = []
    for line, fields in records:
        if len(fields) != len(header):
            faults.append(f"line {line} has {len(fields)}")
            if len(faults) == _SHOWN:
                break
        elif len(rows) == max_rows:
            raise BodyTooLarge(f"the body has more than {max_rows} rows, expected at most {max_rows}")
        else:
            check_values(len(rows) + 1, len(header), max_bytes)
            rows.append(dict(zip(header, fields, strict=True)))
    if faults:
        raise MalformedBody(f"expected {len(header)} fields in each line, as in the header: {', '.join(faults)}")
    if not rows:
        raise MalformedBody(f"the body ends after line {line}, the header: expected a line for each row")
    return rows


def _text(body: bytes) -> str:
    body = body.removeprefix(codecs.BOM_UTF8)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise MalformedBody(f"the body is not UTF-8: {error.reason} in line {line}; save it as CSV UTF-8") from None
    if (nul := text.find("\0")) >= 0:
        raise MalformedBody(f"line {text.count(chr(10), 0, nul) + 1} holds a NUL character, expected text")
    return text


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Give the records that are not blank, and the line, from 1, in which each begins."""
    # A carriage return ends a line only where nothing else does: pandas writes those of texts without quotes.
    reader = csv.reader(io.StringIO(text, newline="\n" if "\n" in text else "\r"), strict=True)
    line = 1
    try:
        for fields in reader:
            if fields:
                yield line, fields
            line = reader.line_num + 1
    except csv.Error as error:
        raise MalformedBody(_told(str(error), line, reader.line_num)) from None


def _told(error: str, first: int, last: int) -> str:
    if "unexpected end" in error:
        return f"the quoted field that begins in line {first} or later is never closed: expected a closing quote"
    if "new-line" in error:
        return f"line {last} has a carriage return amid a field, expected quotes around the field"
    return f"line {last} is no CSV: {error}; a quote within a quoted field is written twice"


def _separator_hint(header: list[str]) -> str:
    for separator, name in _SEPARATORS.items():
        if any(separator in field for field in header):
            return f"; expected commas between the fields, where these have {name}"
    return "; the first line must be the header"
