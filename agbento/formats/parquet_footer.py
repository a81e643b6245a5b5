"""A Parquet file's footer, read before pyarrow sees the file.

pyarrow believes a footer: a kilobyte may ask it for gigabytes of memory by the length of a list that it declares, or
for more of the stack than there is; and some of what it tells about a damaged one ends the process. What is needed of
the footer is read here, and what is not safe to read is refused.
https://parquet.apache.org/docs/file-format/; parquet.thrift there has the numbers of the fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from agbento.errors import BodyTooLarge, MalformedBody
from agbento.formats.thrift import BINARY, I32, I64, LIST, STRUCT, Compact, ThriftError

UNREADABLE = "the body is no Parquet file that can be read"
MAGIC = b"PAR1"
_ENCRYPTED = b"PARE"
_TAIL = 8  # the footer's length in 4 bytes, and the magic again

# pyarrow takes some 750 bytes for each column of each row group, and walks the schema's tree by recursion.
MAX_CHUNKS = 50_000
_MAX_SCHEMA = 20_000
_DEEPEST = 32
_SHARE = 8  # of the body's limit, for the footer; a column takes 100 to 300 bytes of it


@dataclass(frozen=True)
class Leaf:
    """A column that holds values: its number among all such, its physical type (the format's number), its width."""

    index: int
    type: int
    width: int


@dataclass(frozen=True)
class Chunk:
    """A leaf's pages in one row group: where they begin, how many bytes they have, and how many values."""

    start: int
    size: int
    values: int


@dataclass(frozen=True)
class RowGroup:
    """Some of the rows, and a chunk for each leaf."""

    rows: int
    chunks: list[Chunk]


@dataclass
class Footer:
    """What a file says of itself; ``leaves`` are those that are columns by themselves, not parts of one."""

    rows: int = 0
    leaves: dict[str, Leaf] = field(default_factory=dict)
    groups: list[RowGroup] = field(default_factory=list)
    _all_leaves: int = 0

    @classmethod
    def read(cls, body: bytes, max_bytes: int) -> Footer:
        """Read the footer of a file whose body may have ``max_bytes``.

        Raises:
            MalformedBody: it is no Parquet file, or contradicts itself.
            BodyTooLarge: the footer is larger than an eighth of ``max_bytes``, or has too many columns or row groups.
        """
        footer = cls()
        try:
            footer._read(_reader(body, max_bytes))
            footer._check()
        except (ThriftError, KeyError, UnicodeDecodeError) as error:
            reason = "a part that must be there is missing" if isinstance(error, KeyError) else error
            raise MalformedBody(f"{UNREADABLE}: its metadata: {reason}") from None
        return footer

    def _check(self) -> None:
        if self.rows != sum(group.rows for group in self.groups):
            raise ThriftError("the row groups do not have its number of rows")
        if any(len(group.chunks) != self._all_leaves or group.rows < 0 for group in self.groups):
            raise ThriftError("the row groups do not fit the schema")
        if any(chunk.values < 0 or min(chunk.start, chunk.size) < 0 for group in self.groups for chunk in group.chunks):
            raise ThriftError("a column with a size below zero")

    def _read(self, reader: Compact) -> None:
        for number, kind in reader.fields():
            match number, kind:
                case 2, _:
                    reader.expect(kind, LIST)
                    self._read_schema(reader)
                case 3, _:
                    reader.expect(kind, I64)
                    self.rows = reader.integer(64)
                case 4, _:
                    reader.expect(kind, LIST)
                    self._read_groups(reader)
                case _:
                    reader.skip(kind)

    def _read_schema(self, reader: Compact) -> None:
        if (size := reader.elements(STRUCT)) > _MAX_SCHEMA:
            raise BodyTooLarge(f"the Parquet file's schema has {size} elements, expected at most {_MAX_SCHEMA}")
        missing: list[int] = []  # for each group that is open, how many of its children are still to come
        for _ in range(size):
            numbers, texts = reader.scalars()
            children, kind = numbers.get((5, I32), 0), numbers.get((1, I32))
            if not 0 <= children <= size or (kind is not None and children):
                raise ThriftError("a schema that is no tree")
            if kind is not None:
                if len(missing) == 1:
                    name = texts[4, BINARY].decode("utf-8")
                    self.leaves[name] = Leaf(self._all_leaves, kind, numbers.get((2, I32), 0))
                self._all_leaves += 1
            if missing:
                missing[-1] -= 1
            missing.append(children)
            while missing and not missing[-1]:
                missing.pop()
            if len(missing) > _DEEPEST:
                raise BodyTooLarge(f"the Parquet file's columns are nested more than {_DEEPEST} deep")

    def _read_groups(self, reader: Compact) -> None:
        if (groups := reader.elements(STRUCT)) > MAX_CHUNKS:
            raise BodyTooLarge(f"the Parquet file has {groups} row groups, expected at most {MAX_CHUNKS}")
        left = MAX_CHUNKS
        for _ in range(groups):
            rows, chunks = 0, []
            for number, kind in reader.fields():
                if number == 1:
                    reader.expect(kind, LIST)
                    if (left := left - (size := reader.elements(STRUCT))) < 0:
                        told = f"more than {MAX_CHUNKS} columns, those of each row group counted"
                        raise BodyTooLarge(f"the Parquet file has {told}; write it in one row group")
                    chunks = [_chunk(reader) for _ in range(size)]
                elif number == 3:
                    reader.expect(kind, I64)
                    rows = reader.integer(64)
                else:
                    reader.skip(kind)
            self.groups.append(RowGroup(rows, chunks))


def _reader(body: bytes, max_bytes: int) -> Compact:
    if not body:
        raise MalformedBody("the body is empty, expected a Parquet file")
    if body[-4:] == _ENCRYPTED:
        raise MalformedBody("the body is an encrypted Parquet file, expected one that is not")
    if len(body) < len(MAGIC) + _TAIL or body[:4] != MAGIC or body[-4:] != MAGIC:
        raise MalformedBody("the body is no Parquet file: expected 'PAR1' as its first and its last four bytes")
    size, end = int.from_bytes(body[-_TAIL:-4], "little"), len(body) - _TAIL
    if size > end - len(MAGIC):
        raise ThriftError(f"{size} bytes, expected no more than the file has")
    if size > max_bytes // _SHARE:
        raise BodyTooLarge(f"the Parquet file has {size} bytes of metadata, expected at most {max_bytes // _SHARE}")
    return Compact(body, end - size, end)


def _chunk(reader: Compact) -> Chunk:
    numbers: dict[tuple[int, int], int] = {}
    for number, kind in reader.fields():
        if (number, kind) == (3, STRUCT):
            numbers, _ = reader.scalars()
        else:
            reader.skip(kind)
    start, dictionary = numbers[9, I64], numbers.get((11, I64), 0)
    # As pyarrow does it: the pages begin with the dictionary's, where it is before the others.
    return Chunk(dictionary if 0 < dictionary < start else start, numbers[7, I64], numbers[5, I64])
