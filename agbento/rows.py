"""Rows of a request → the columns that the predictor takes, or the faults that they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from agbento.errors import Fault, InvalidRows
from agbento.schema import Feature, Schema
from agbento.values import Reader, Refused, column, reader

# More would be an answer of gigabytes for a request of megabytes.
MAX_FAULTS = 1000
_SHOWN = 60  # characters of a received value that a fault repeats


class RowReader:
    """Reads rows for one schema."""

    def __init__(self, schema: Schema) -> None:
        self._readers = [(feature, reader(feature)) for feature in schema.features]

    def frame(self, rows: Sequence[Any]) -> pd.DataFrame:
        """Turn rows (objects as JSON gives them) into a DataFrame of the schema's columns, in the schema's order.

        Columns that the model does not use are ignored.

        Raises:
            InvalidRows: with one fault for each value that cannot be used, over all rows and columns; MAX_FAULTS at
                the most.
        """
        faults = [
            Fault(i, None, "not_an_object", "an object with a value for each feature", _show(row))
            for i, row in enumerate(rows)
            if not isinstance(row, Mapping)
        ]
        columns: dict[str, Any] = {}
        for feature, read in self._readers if not faults else ():
            values = _values(feature, read, rows, faults)
            if not faults:
                columns[feature.name] = column(feature, values)
            elif len(faults) >= MAX_FAULTS:
                break
        if faults:
            raise _invalid(faults, len(rows))
        return pd.DataFrame(columns, index=pd.RangeIndex(len(rows)))


def _values(feature: Feature, read: Reader, rows: Sequence[Mapping[str, Any]], faults: list[Fault]) -> list[Any]:
    name, values = feature.name, []
    for i, row in enumerate(rows):
        try:
            values.append(read(row[name]))
        except KeyError:
            faults.append(Fault(i, name, "missing_column", f"a value of type {feature.type}", "no such column"))
        except Refused as refusal:
            faults.append(Fault(i, name, refusal.reason, refusal.expected, _show(row[name])))
    return values


def _invalid(faults: list[Fault], rows: int) -> InvalidRows:
    more = f" (and {len(faults) - 1} more)" if 1 < len(faults) < MAX_FAULTS else ""
    if len(faults) >= MAX_FAULTS:
        del faults[MAX_FAULTS:]
        more = f" (and more than {MAX_FAULTS - 1} others, of which so many are listed)"
    faults.sort(key=lambda fault: fault.row)
    first = faults[0]
    where = f"row {first.row}, " if rows > 1 or len(faults) > 1 or first.column is None else ""
    where += f"column {first.column!r}" if first.column is not None else ""
    told = f"{first.reason.replace('_', ' ')}: expected {first.expected}, received {first.received}"
    return InvalidRows(f"{where.removesuffix(', ')}: {told}{more}", faults)


def _show(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = repr(value[:_SHOWN] if isinstance(value, str) else value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
