from __future__ import annotations

import math
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agbento.errors import BodyTooLarge, MalformedBody, RequestError
from agbento.formats.parquet_rows import DECOMPRESSED_SHARE, parse
from agbento.formats.volume import BYTES_PER_VALUE
from tests.parquet_bytes import LIST, ROOT, TEXT_LEAF, chunk, elements, file, group, page, struct, written

LIMIT = 1 << 20


def rows(body: bytes | pa.Table, *columns: str, max_rows: int = 1000, max_bytes: int = LIMIT) -> list[dict[str, Any]]:
    body = body if isinstance(body, bytes) else written(body)
    return parse(body, max_rows, max_bytes, columns or ("a",))


def column(values: Any, kind: pa.DataType | None = None, **options: Any) -> list[Any]:
    """Column "a" of a file that has these values."""
    return [row["a"] for row in rows(written(pa.table({"a": pa.array(values, kind)}), **options))]


WHOLE = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]


@pytest.mark.parametrize("kind", WHOLE)
def test_whole_numbers(kind: pa.DataType) -> None:
    highest = 2 ** (kind.bit_width - (not str(kind).startswith("u"))) - 1
    for values in ([0, highest], [highest, None, 1]):
        found = column(values, kind)
        assert found == values
        assert all(value is None or type(value) is int for value in found)


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()])
def test_fractions(kind: pa.DataType) -> None:
    for values in ([1.5, -0.0], [0.25, None, math.inf]):
        found = column(values, kind)
        assert found == values
        assert all(value is None or type(value) is float for value in found)
    assert [str(value) for value in column([math.nan, None, -0.0], kind)] == ["nan", "None", "-0.0"]
    assert math.isnan(column([math.nan], kind)[0])


def test_truths_and_nothing() -> None:
    assert column([True, None, False]) == [True, None, False]
    assert column([True, False])[0] is True
    assert column([None, None]) == [None, None]


TEXTS = ["é", "", "a", None, "é", "a\0b"]


@pytest.mark.parametrize(
    "kind",
    [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.dictionary(pa.int8(), pa.string()),
        "large categories",
    ],
)
@pytest.mark.parametrize("use_dictionary", [True, False])
@pytest.mark.parametrize("row_group_size", [1, 4, 100])
@pytest.mark.parametrize("store_schema", [True, False])
def test_texts(kind: Any, use_dictionary: bool, row_group_size: int, store_schema: bool) -> None:
    options = {"use_dictionary": use_dictionary, "row_group_size": row_group_size, "store_schema": store_schema}
    values = pa.array(TEXTS, pa.large_string()).dictionary_encode() if kind == "large categories" else TEXTS
    assert column(values, None if values is not TEXTS else kind, **options) == TEXTS


@pytest.mark.parametrize("encoding", ["PLAIN", "DELTA_LENGTH_BYTE_ARRAY"])
def test_texts_in_other_encodings(encoding: str) -> None:
    assert column(TEXTS, use_dictionary=False, column_encoding=encoding) == TEXTS


def test_categories_of_whole_numbers() -> None:
    assert column([3, None, 5], pa.dictionary(pa.int32(), pa.int64())) == [3, None, 5]


NANO = 1_769_860_800_000_000_000  # 2026-01-31T12:00:00


@pytest.mark.parametrize(
    ("unit", "values", "texts"),
    [
        ("s", [NANO // 10**9, None], ["2026-01-31T12:00:00", None]),
        ("ms", [NANO // 10**6 + 120], ["2026-01-31T12:00:00.12"]),
        ("us", [NANO // 10**3 + 1, -1], ["2026-01-31T12:00:00.000001", "1969-12-31T23:59:59.999999"]),
        ("ns", [NANO + 123456789, NANO + 10], ["2026-01-31T12:00:00.123456789", "2026-01-31T12:00:00.00000001"]),
    ],
)
@pytest.mark.parametrize(("zone", "mark"), [(None, ""), ("UTC", "Z"), ("Asia/Kolkata", "Z"), ("+05:30", "Z")])
def test_times(unit: str, values: list[int], texts: list[str | None], zone: str | None, mark: str) -> None:
    found = column(values, pa.timestamp(unit, zone))
    assert found == [text and text + mark for text in texts]


def test_a_time_with_a_zone_is_the_same_moment() -> None:
    moment = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
    (text,) = column([moment], pa.timestamp("us", "America/New_York"))
    assert text == "2026-01-31T12:00:00Z"


@given(st.lists(st.none() | st.datetimes(), min_size=1, max_size=5))
def test_any_time_can_be_read_back(times: list[datetime | None]) -> None:
    found = column(times, pa.timestamp("us"))
    # Python 3.10 reads no fraction of one digit.
    assert [text and datetime.fromisoformat((text + ".")[:20] + text[20:].ljust(6, "0")) for text in found] == times


def test_times_beyond_the_calendar_are_no_dates() -> None:
    assert column([2**62, -(2**62)], pa.timestamp("us")) == [f"{sign}{2**62} us from 1970" for sign in ("", "-")]


def test_old_times_of_96_bits() -> None:
    times = [datetime(2026, 1, 31, 12, 0, 0, 123456), None, datetime(9999, 12, 31), datetime(1, 1, 1)]
    found = column(times, pa.timestamp("us"), use_deprecated_int96_timestamps=True)
    assert found == ["2026-01-31T12:00:00.123456", None, "9999-12-31T00:00:00", "0001-01-01T00:00:00"]


@pytest.mark.parametrize("kind", [pa.date32(), pa.date64()])
def test_dates(kind: pa.DataType) -> None:
    assert column([date(2026, 1, 31), None, date(1, 1, 1)], kind) == ["2026-01-31", None, "0001-01-01"]
    assert column(pa.array([10**8, -(10**8)], pa.int32()).cast(pa.date32())) == [
        "100000000 days from 1970",
        "-100000000 days from 1970",
    ]


@pytest.mark.parametrize("kind", [pa.decimal32(9, 4), pa.decimal64(18, 4), pa.decimal128(38, 4), pa.decimal256(76, 4)])
@pytest.mark.parametrize("as_integer", [True, False])
def test_decimals(kind: pa.DataType, as_integer: bool) -> None:
    values = [Decimal("1.5"), None, Decimal("-0.0001"), Decimal("10000")]
    assert column(values, kind, store_decimal_as_integer=as_integer) == ["1.5000", None, "-0.0001", "10000.0000"]


def test_decimals_have_no_exponent() -> None:
    assert column([Decimal("1e30"), Decimal(0)], pa.decimal128(38, 0)) == ["1" + "0" * 30, "0"]
    assert column([Decimal("1e-30")], pa.decimal128(38, 38)) == ["0." + "0" * 29 + "1" + "0" * 8]


@pytest.mark.parametrize(
    ("values", "kind", "told"),
    [
        ([b"x", None], pa.binary(), "binary"),
        ([b"xy", None], pa.binary(2), "fixed_size_binary[2]"),
        ([1, None], pa.time32("ms"), "time32[ms]"),
        ([1, None], pa.time64("ns"), "time64[ns]"),
        ([1, None], pa.duration("us"), "duration[us]"),
        ([[1], None], pa.list_(pa.int64()), "list<"),
        ([{"x": 1}, None], pa.struct({"x": pa.int64()}), "struct<"),
        ([{"x": 1, "y": 2}, None], pa.struct({"x": pa.int64(), "y": pa.int8()}), "struct<"),
        ([[("k", 1)], None], pa.map_(pa.string(), pa.int64()), "map<"),
    ],
)
def test_what_no_feature_holds_is_a_list_that_names_it(values: list[Any], kind: pa.DataType, told: str) -> None:
    for value in column(values, kind):
        assert isinstance(value, list)
        assert value[0].startswith(told)


def test_columns_that_are_not_used_are_none_and_unread() -> None:
    table = pa.table({"x": [1, 2], "a": [3, 4], "__index_level_0__": [5, 6], "l": [[1], [2]]})
    body = bytearray(written(table, compression="none"))
    assert rows(bytes(body)) == [{"x": None, "a": value, "__index_level_0__": None, "l": None} for value in (3, 4)]
    start = pq.ParquetFile(pa.BufferReader(bytes(body))).metadata.row_group(0).column(1).dictionary_page_offset
    body[4:start] = b"\xff" * (start - 4)  # the pages of x
    assert [row["a"] for row in rows(bytes(body))] == [3, 4]


def test_names_with_dots_are_names() -> None:
    table = pa.table({"a.b": [1], "a": [2], "s": [{"a": 3}], "s.a": [4], "l.list.element": [5], "l": [[6]]})
    found = rows(table, "a", "a.b", "s.a")[0]
    assert found == {"a.b": 1, "a": 2, "s": None, "s.a": 4, "l.list.element": None, "l": None}
    assert rows(table, "s", "l.list.element")[0]["s"] == ["struct<a: int64>"]


def test_a_table_of_pandas() -> None:
    import pandas as pd

    frame = pd.DataFrame({"a": pd.Categorical(["x", None]), "b": pd.array([1, None], "Int8")}, index=["p", "q"])
    found = rows(pa.Table.from_pandas(frame), "a", "b")
    assert found == [
        {"a": "x", "b": 1, "__index_level_0__": None},
        {"a": None, "b": None, "__index_level_0__": None},
    ]


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_codecs_and_pages(compression: str, version: str) -> None:
    values = ["x", None, "y"] * 100
    assert column(values, compression=compression, data_page_version=version, row_group_size=70) == values
    assert column(list(range(300)), compression=compression, data_page_version=version) == list(range(300))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "empty"),
        (b"a,b\n1,2\n" * 3, "'PAR1'"),
        (written(pa.table({"a": [1]}))[:-20], "'PAR1'"),
        (written(pa.table({"a": pa.array([], pa.int64())})), "no rows"),
        (written(pa.table({"x": [1]})), "none of the model's columns, expected such as 'a'"),
        (written(pa.table({"A": [1]})), "none of the model's columns"),
        (written(pa.Table.from_arrays([pa.array([1])] * 2, ["a", "a"])), "same name, expected each once: 'a'"),
        (written(pa.Table.from_arrays([pa.array([1])] * 3, ["a", "x", "x"])), "'x'"),
        (file(), "no Parquet file that can be read"),
        (file(groups=elements(group(1, chunk(values=2)))), "rows of its row group"),
        (file(groups=elements(group(1, chunk(values=0)))), "rows of its row group"),
        (file(rows=2**60, groups=elements(group(2**60, chunk(values=2**60)))), ""),
        (b"PAR1" + struct((2, LIST, elements())) + b"\4\0\0\0PAR1", "no rows"),
    ],
)
def test_what_is_no_rows(body: bytes, told: str) -> None:
    with pytest.raises(RequestError) as raised:
        rows(body)
    assert told in raised.value.detail
    assert raised.value.detail.isprintable()
    assert raised.value.status == (400 if told else 413)


def test_texts_that_are_not_utf_8_are_refused() -> None:
    body = written(pa.table({"a": ["xyzxyz", "b"]}), compression="none", write_statistics=False)
    damaged = body.replace(b"xyzxyz", b"\xff\xfexyzx")
    assert damaged != body
    with pytest.raises(MalformedBody):
        rows(damaged)


def test_a_page_of_another_checksum_is_refused() -> None:
    values = list(range(1000, 1100))
    table = pa.table({"a": pa.array(values, pa.int32())})
    options = {"compression": "none", "use_dictionary": False, "write_statistics": False}
    plain = written(table, **options)
    body = written(table, write_page_checksum=True, **options)
    number = (1050).to_bytes(4, "little")
    assert rows(plain.replace(number, b"\0" * 4))[50] == {"a": 0}
    with pytest.raises(MalformedBody, match="CRC"):
        rows(body.replace(number, b"\0" * 4))


def test_too_many_rows_are_refused_before_they_are_read() -> None:
    table = pa.table({"a": range(11)})
    assert len(rows(table, max_rows=11)) == 11
    with pytest.raises(BodyTooLarge, match="11 rows, expected at most 10"):
        rows(table, max_rows=10)


def test_a_text_that_comes_again_and_again_is_held_once() -> None:
    text = "x" * 10_000_000
    values = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array([text]))
    body = written(pa.table({"a": values}), compression="zstd", dictionary_pagesize_limit=1 << 30)
    assert len(body) < 100_000
    found = rows(body, max_rows=100_000, max_bytes=16 << 20)
    assert len(found) == 100_000
    assert found[0]["a"] == text
    assert len({id(row["a"]) for row in found}) == 1
    with pytest.raises(BodyTooLarge, match="decompressed"):
        rows(body, max_rows=100_000, max_bytes=1 << 20)


def test_only_what_is_used_of_a_dictionary_becomes_text() -> None:
    values = pa.DictionaryArray.from_arrays(pa.array([99_999], pa.int32()), pa.array([f"{i}" for i in range(100_000)]))
    body = written(pa.table({"a": values}), dictionary_pagesize_limit=1 << 30)
    assert rows(body, max_bytes=16 << 20) == [{"a": "99999"}]


@pytest.mark.parametrize("compression", ["zstd", "gzip", "brotli"])
def test_a_small_file_of_large_pages_is_refused(compression: str) -> None:
    text = "x" * (DECOMPRESSED_SHARE * LIMIT)
    body = written(pa.table({"a": [text]}), compression=compression, use_dictionary=False, write_statistics=False)
    assert len(body) < LIMIT // 20
    with pytest.raises(BodyTooLarge, match="decompressed"):
        rows(body)
    # Columns that are not read take nothing.
    body = written(pa.table({"a": [1], "x": [text]}), compression=compression, write_statistics=False)
    assert rows(body) == [{"a": 1, "x": None}]


def test_texts_that_grow_with_each_row_are_refused() -> None:
    values = ["x" * 10_000 + str(i) for i in range(100)]
    body = written(pa.table({"a": values}), use_dictionary=False, column_encoding="DELTA_BYTE_ARRAY")
    with pytest.raises(MalformedBody, match="plain or with a dictionary"):
        rows(body)


def test_more_values_than_a_body_of_json_may_have_are_refused() -> None:
    table = pa.table({"a": [1] * 2000} | {f"x{i}": [1] * 2000 for i in range(9)})
    body = written(table, store_schema=False, write_statistics=False)
    most = 20_000 * BYTES_PER_VALUE
    assert len(rows(body, max_rows=2000, max_bytes=most)) == 2000
    with pytest.raises(BodyTooLarge, match="20000 values, expected at most 19999"):
        rows(body, max_rows=2000, max_bytes=most - 1)


def test_a_page_that_lies_is_refused_before_there_is_room_for_it() -> None:
    for version in (1, 2):
        lies = page(1, decompressed=2**31 - 1, body=b"\0" * 8, version=version)
        with pytest.raises(BodyTooLarge, match="decompressed"):
            rows(file(groups=elements(group(1, chunk(size=len(lies)))), pages=lies))


def test_row_groups_that_share_their_pages_count_each() -> None:
    text = "x" * 10_000
    options = {"compression": "none", "use_dictionary": False, "write_statistics": False, "store_schema": False}
    whole = written(pa.table({"a": [text]}), **options)
    pages = whole[4 : len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")]
    for many in (400, 500):
        groups = elements(*[group(1, chunk(4, len(pages), kind=6))] * many)
        body = file(elements(ROOT, TEXT_LEAF), many, groups, pages)
        if many * len(text) < DECOMPRESSED_SHARE * LIMIT:
            assert rows(body) == [{"a": text}] * many
        else:
            with pytest.raises(BodyTooLarge, match="decompressed"):
                rows(body)


def table_of_all() -> pa.Table:
    return pa.table(
        {
            "a": pa.array([1, 2, None] * 10),
            "f": pa.array([1.5, None, 2.5] * 10, pa.float32()),
            "s": pa.array(["a", "bb", None] * 10),
            "c": pa.array(["x", "yy", "x"] * 10).dictionary_encode(),
            "b": pa.array([True, None, False] * 10),
            "t": pa.array([datetime(2026, 1, 2), None, None] * 10, pa.timestamp("us", "UTC")),
            "d": pa.array([Decimal(1), Decimal(2), None] * 10, pa.decimal128(20, 2)),
            "n": pa.array([date(2020, 1, 1)] * 30),
            "l": pa.array([[1], None, []] * 10),
        }
    )


ENCODINGS = {"a": "DELTA_BINARY_PACKED", "f": "BYTE_STREAM_SPLIT", "s": "DELTA_LENGTH_BYTE_ARRAY"}
FILES = [
    written(table_of_all(), **options)
    for options in (
        {},
        {"compression": "none"},
        {"compression": "zstd", "data_page_version": "2.0", "store_schema": False},
        {"compression": "none", "use_dictionary": False},
        {"compression": "gzip", "use_dictionary": False, "column_encoding": ENCODINGS},
        {"row_group_size": 7, "write_page_index": True},
    )
]


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from(FILES),
    st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 255)), min_size=1, max_size=5),
    st.sampled_from(["anywhere", "at the start", "at the end"]),
)
def test_damaged_files_are_rows_or_a_fault_of_the_caller(body: bytes, flips: list[tuple[int, int]], where: str) -> None:
    damaged = bytearray(body)
    span = len(body) if where == "anywhere" else min(len(body), 400)
    for at, byte in flips:
        damaged[-1 - at % span if where == "at the end" else at % span] = byte
    try:
        found = rows(bytes(damaged), *"afscbtdnl")
    except RequestError as error:
        assert error.status in (400, 413)
        assert error.detail.isprintable()
        assert len(error.detail) < 400
        return
    assert 0 < len(found) <= 1000


@given(st.binary(max_size=100))
def test_any_bytes_are_a_fault_of_the_caller(body: bytes) -> None:
    for text in (body, b"PAR1" + body + len(body).to_bytes(4, "little") + b"PAR1"):
        with pytest.raises(RequestError):
            rows(text)
