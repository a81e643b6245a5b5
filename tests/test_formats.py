"""The same rows as JSON, CSV and Parquet, written by what people write them with, have the same answers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Any, get_args

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agbento.bodies import CSV, JSON, PARQUET
from agbento.formats import csv_rows, json_rows, parquet_rows
from agbento.rows import RowReader
from sample.odd_columns import odd_rows
from sample.toys import Kind
from tests.served_models import Asked, InProcess

pytestmark = pytest.mark.slow

ROWS = 200
Row = dict[str, Any]


def some_rows(kind: Kind) -> pd.DataFrame:
    """Rows with nulls, and with categories that training did not have."""
    frame = called_by_text(odd_rows(kind, n=ROWS, seed=9).astype({"category": object}))
    frame.loc[::20, "category"] = "Rome"
    frame.loc[::30, ["category", "texts"]] = None
    return frame


def called_by_text(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with levels that JSON cannot hold as `GET /model` calls them."""
    names = ("intervals", "category of dates")
    return frame.assign(**{name: [str(value) for value in frame[name].astype(object)] for name in names})


def records(frame: pd.DataFrame) -> list[Row]:
    """The rows as JSON has them: dates in ISO 8601, null where there is no value."""
    columns = {
        str(name): [None if pd.isna(value) else _plain(value) for value in frame[name].astype(object)] for name in frame
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value


def csv_text(rows: list[Row]) -> str:
    """The rows as the csv module writes them."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def parquet(table: pa.Table, **options: Any) -> bytes:
    held = io.BytesIO()
    pq.write_table(table, held, **options)
    return held.getvalue()


def with_dictionaries(frame: pd.DataFrame) -> pa.Table:
    """The frame with each column of texts as a dictionary and the indices into it."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    for i, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            table = table.set_column(i, field.name, table.column(i).dictionary_encode())
    return table


BODIES: dict[str, tuple[str, Callable[[pd.DataFrame], bytes]]] = {
    "JSON of pandas": (
        JSON,
        lambda frame: frame.to_json(orient="records", date_format="iso", double_precision=15).encode(),
    ),
    "csv": (CSV, lambda frame: csv_text(records(frame)).encode()),
    "csv, BOM, all quoted": (
        CSV,
        lambda frame: frame.to_csv(index=False, quoting=csv.QUOTE_ALL, lineterminator="\r\n").encode("utf-8-sig"),
    ),
    "CSV of pandas": (CSV, lambda frame: frame.to_csv().encode()),
    "Parquet of pandas": (PARQUET, lambda frame: frame.to_parquet(engine="pyarrow")),
    "Parquet of pandas, zstd": (PARQUET, lambda frame: frame.to_parquet(compression="zstd", index=True)),
    "Parquet with dictionaries": (PARQUET, lambda frame: parquet(with_dictionaries(frame))),
    "Parquet of small parts": (
        PARQUET,
        lambda frame: parquet(
            pa.Table.from_pandas(frame), row_group_size=7, use_dictionary=False, data_page_version="2.0"
        ),
    ),
}


def numbers_of(asked: Asked) -> tuple[list[Row], list[tuple[Any, ...]]]:
    """The answers with each number as it is written, and row, column and reason of each warning."""
    assert (asked.status, asked.media_type) == (200, JSON), asked.body
    answers = json.loads(asked.body, parse_float=str, parse_int=str)
    told = [warning for answer in answers for warning in answer.pop("warnings", ())]
    return answers, [(int(warning["row"]), warning["column"], warning["reason"]) for warning in told]


def flat(answer: Row) -> dict[str, str]:
    """An answer as the fields of CSV."""
    fields: dict[str, str] = {}
    for key, value in answer.items():
        if isinstance(value, dict):
            fields |= {f"{key}.{name}": text for name, text in value.items()}
        else:
            fields[key] = json.dumps(value) if isinstance(value, bool) else value
    return fields


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_format_has_the_same_answers(kind: Kind, odd_in_process: Mapping[str, InProcess]) -> None:
    model, frame = odd_in_process[kind], some_rows(kind)
    expected, warnings = numbers_of(model.ask(json.dumps(records(frame)).encode()))
    assert len(expected) == ROWS
    assert {column for _, column, _ in warnings} == {"category", "dates gaps"}
    for name, (media_type, write) in BODIES.items():
        answers, told = numbers_of(model.ask(write(frame), media_type))
        assert answers == expected, name
        assert told == warnings, name


def test_every_format_has_the_same_values(odd_in_process: Mapping[str, InProcess]) -> None:
    # Trees cut: what is a little off may well have the same answer.
    model, frame = odd_in_process["regression"], some_rows("regression")
    columns = model.answering.columns
    readers: dict[str, Callable[[bytes], list[Any]]] = {
        JSON: lambda body: json_rows.parse(body, ROWS)[0],
        CSV: lambda body: csv_rows.parse(body, ROWS, 1 << 20, columns),
        PARQUET: lambda body: parquet_rows.parse(body, ROWS, 2**24, columns),
    }
    reader = RowReader(model.schema)
    expected = reader.batch(records(frame)).frame()
    for name in ("int 64", "uint.16", "float 64", "größe", "float gaps", "bool", "dates", "dates gaps", "text"):
        known = frame[name].notna()
        assert expected.loc[known, name].tolist() == frame.loc[known, name].tolist(), name
    for name, (media_type, write) in BODIES.items():
        found = reader.batch(readers[media_type](write(frame))).frame()
        # pandas writes no more than 15 digits of a number as JSON.
        pd.testing.assert_frame_equal(found, expected, check_exact=name != "JSON of pandas", obj=name)


@pytest.mark.parametrize("kind", get_args(Kind))
def test_answers_as_csv_have_the_same_numbers(kind: Kind, odd_in_process: Mapping[str, InProcess]) -> None:
    model, frame = odd_in_process[kind], some_rows(kind)
    body = json.dumps(records(frame)).encode()
    expected, warnings = numbers_of(model.ask(body))
    for sent, media_type in ((body, JSON), (csv_text(records(frame)).encode(), CSV), (frame.to_parquet(), PARQUET)):
        asked = model.ask(sent, media_type, accept=CSV)
        assert (asked.status, asked.media_type.split(";")[0]) == (200, CSV)
        found = list(csv.DictReader(io.StringIO(asked.body.decode(), newline=""), strict=True))
        told = [warning for fields in found for warning in json.loads(fields.pop("warnings") or "[]")]
        assert [(warning["row"], warning["column"], warning["reason"]) for warning in told] == warnings
        assert found == [flat(answer) for answer in expected]
    # One row is an object in JSON, and one line below the header in CSV.
    alone = model.ask(json.dumps(records(frame)[1]).encode(), accept=CSV).body.decode()
    assert [flat(expected[1]).items() <= fields.items() for fields in csv.DictReader(io.StringIO(alone))] == [True]


@pytest.mark.parametrize("kind", get_args(Kind))
def test_the_answers_are_autogluons_of_the_same_frame(kind: Kind, odd_in_process: Mapping[str, InProcess]) -> None:
    # The frame as training had it: nothing of the service has touched it.
    model, frame = odd_in_process[kind], odd_rows(kind, n=ROWS, seed=9)
    answers = model.ask(called_by_text(frame).to_parquet(), PARQUET).json()
    for answer in answers:
        answer.pop("warnings", None)
    assert answers == model.expected(frame)
