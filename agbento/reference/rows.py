"""Rows that are given to make a reference of: CSV or Parquet, read as the service reads what callers send."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from agbento.errors import MalformedBody, RequestError
from agbento.formats import parquet_rows
from agbento.predictor import Predictions, Predictor
from agbento.reference.importance import Positions
from agbento.rows import Batch, RowReader
from agbento.schema import Schema
from agbento.text import exception_text, lacks_columns
from agbento.values.policy import Policy
from agbento.values.reasons import REASONS

MAX_ROWS: Final = 100_000  # a sample of so many tells the shares to a tenth of a percent
SEED: Final = 0
_AT_A_TIME = 50_000
_NAMED = 10
_OF_TYPE = ("wrong_type", "not_a_number", "not_a_date", "number_as_date", "not_finite")
_OFF_SHARE = 0.5  # of a column's values; with more, another column was meant


class ReferenceFault(ValueError):
    """A file that no reference can be made of; the text does not name the file."""


class GivenRows:
    """Rows of callers, and the predictor that will serve."""

    def __init__(self, batch: Batch, predictor: Predictor) -> None:
        self.batch, self._predictor = batch, predictor

    def answers(self, shuffled: str | None, rows: Positions, order: Positions) -> Predictions:
        """Answer rows of the batch, as `agbento.reference.importance.Ask` says."""
        columns = {
            name: _taken(column, order if name == shuffled else rows) for name, column in self.batch.columns.items()
        }
        return self._predictor.predict(Batch(self.batch.features, len(rows), columns))


def _taken(column: Any, positions: Positions) -> Any:
    return column[positions] if isinstance(column, np.ndarray) else [column[i] for i in positions.tolist()]


def read(file: Path, schema: Schema) -> Batch:
    """Read the file's rows as those of a request would be read, but refusing none; at most `MAX_ROWS`, sampled.

    Raises:
        ReferenceFault: it cannot be read, has no rows, lacks columns, or has something else in them.
    """
    names = [feature.name for feature in schema.features]
    try:
        rows = (_csv if file.suffix.lower() == ".csv" else _parquet)(file, names)
    except ReferenceFault:
        raise
    except RequestError as error:
        raise ReferenceFault(str(error)) from None
    except Exception as error:
        # pandas and pyarrow raise anything of a file that is none.
        raise ReferenceFault(f"expected rows as CSV (.csv) or Parquet (.parquet): {exception_text(error)}") from error
    if not rows:
        raise ReferenceFault("no rows in it")
    lenient = Policy.of({"defaults": dict.fromkeys(REASONS, "accept")}, schema)
    batch = RowReader(schema, lenient).batch(rows)
    _check_types(batch)
    return batch


def _check_types(batch: Batch) -> None:
    off: Counter[str] = Counter()
    for (name, reason, _), count in batch.counts.items():
        off[name] += count if reason in _OF_TYPE else 0
    kinds = {feature.name: feature.type for feature in batch.features}
    for name, count in off.items():
        if count > _OFF_SHARE * batch.rows:
            told = f"column {name!r}: {count} of {batch.rows} values are none of type {kinds[name]}"
            raise ReferenceFault(f"{told}; give rows as callers send them")


def _check_columns(found: Sequence[str], names: Sequence[str]) -> None:
    if missing := [name for name in names if name not in found]:
        raise ReferenceFault(lacks_columns(missing))


class _Sample:
    """A sample of parts of a table, each row as likely as any: those with the least of the numbers that are drawn."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(SEED)
        self._limit = 1.0
        self._drawn = np.empty(0)

    def chosen(self, rows: int) -> Any:
        """Draw for the next rows; give which of them may stay."""
        drawn = self._rng.random(rows)
        mask = drawn < self._limit
        self._drawn = np.concatenate([self._drawn, drawn[mask]])
        if self._drawn.size > MAX_ROWS:
            self._limit = min(self._limit, float(np.partition(self._drawn, MAX_ROWS)[MAX_ROWS]))
        return mask

    def kept(self) -> Any:
        """Tell which of all the rows that were to stay do, once there are no more."""
        return self._drawn < self._limit


def _sampled(parts: Iterator[Any], take: Callable[[Any, Any], Any]) -> tuple[list[Any], Any]:
    sample = _Sample()
    return [take(part, sample.chosen(len(part))) for part in parts], sample.kept()


def _csv(file: Path, names: list[str]) -> list[dict[str, Any]]:
    _check_columns(_header(file), names)
    options: dict[str, Any] = {"dtype": str, "na_filter": False, "encoding": "utf-8-sig", "index_col": False}
    with pd.read_csv(file, usecols=names, chunksize=_AT_A_TIME, **options) as parts:
        found, kept = _sampled(parts, lambda part, mask: part[mask])
    rows: list[dict[str, Any]] = pd.concat(found)[kept].to_dict("records") if found else []
    return rows


def _header(file: Path) -> list[str]:
    """Give the names in a CSV file's first line, once each line is known to have a field for each of them.

    pandas takes what is more in every line for an index, so that each column holds another's values.
    """
    with file.open(encoding="utf-8-sig", newline="") as text:
        lines = csv.reader(text, strict=True)
        if not (header := next(lines, [])):
            raise ReferenceFault("expected rows as CSV, with the columns' names in the first line; it is empty")
        if twice := [name for name, count in Counter(header).items() if count > 1]:
            raise ReferenceFault(f"columns that are there twice: {', '.join(map(repr, twice[:_NAMED]))}")
        for line in lines:
            if line and len(line) != len(header):
                expected = f"expected {len(header)}, as in the first"
                raise ReferenceFault(f"line {lines.line_num} has {len(line)} fields, {expected}")
            if "\0" in "".join(line):
                raise ReferenceFault(f"line {lines.line_num} has a NUL in it; expected text in UTF-8")
    return header


def _parquet(file: Path, names: list[str]) -> list[dict[str, Any]]:
    with pq.ParquetFile(file) as table:
        _check_columns(table.schema_arrow.names, names)
        parts = table.iter_batches(_AT_A_TIME, columns=names)
        found, kept = _sampled(parts, lambda part, mask: part.filter(pa.array(mask)))
    if not found:
        return []
    # Written anew, so that the service's own reader makes of each value what it makes of a caller's.
    body = io.BytesIO()
    chosen = pa.Table.from_batches(found).filter(pa.array(kept))
    pq.write_table(chosen, body)
    try:
        return parquet_rows.parse(body.getvalue(), MAX_ROWS, 1 << 40, names)
    except MalformedBody as error:
        raise ReferenceFault(error.detail.replace("the body", "it")) from None
