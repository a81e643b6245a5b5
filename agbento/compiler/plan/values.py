"""Single values of a plan as JSON, with their types: levels of object columns, and what flags are compared with.

Booleans, ints, floats and strings are JSON's own (NaN and infinities as Python's json writes them). Anything else is an
object with one member, its type: {"float32": 0.1}, {"date": "2026-01-31"}, {"timestamp": [nanoseconds, unit, zone]} …
"""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import numpy as np


def encode(value: Any) -> Any:
    """Turn a value into what ``json.dumps`` writes.

    Raises:
        TypeError: it is of a type that has no form here.
    """
    kind = type(value)
    if kind in (bool, int, float, str):
        return value
    if isinstance(value, (np.bool_, np.integer, np.floating)) and value.dtype.itemsize <= 8:
        return {value.dtype.name: value.item()}
    if kind is np.str_:
        return str(value)
    if kind is np.datetime64:
        return {"datetime64": [int(value.astype(np.int64)), np.datetime_data(value)[0]]}
    if kind is tuple:
        return {"tuple": [encode(one) for one in value]}
    if kind is datetime.date:
        return {"date": value.isoformat()}
    if kind is Decimal:
        return {"decimal": str(value)}
    if kind is bytes:
        return {"bytes": value.hex()}
    if kind.__name__ == "Timestamp":
        return {"timestamp": [value.value, value.unit, None if value.tzinfo is None else str(value.tzinfo)]}
    raise TypeError(f"a value of type {kind.__name__}")


def decode(told: Any) -> Any:
    """Turn what ``json.loads`` read back into the value that ``encode`` took. Imports pandas for timestamps only."""
    if not isinstance(told, dict):
        return told
    ((kind, inner),) = told.items()
    match kind:
        case "datetime64":
            return np.datetime64(*inner)
        case "tuple":
            return tuple(decode(one) for one in inner)
        case "date":
            return datetime.date.fromisoformat(inner)
        case "decimal":
            return Decimal(inner)
        case "bytes":
            return bytes.fromhex(inner)
        case "timestamp":
            import pandas as pd

            value, unit, zone = inner
            return pd.Timestamp(value, tz="UTC").tz_convert(zone).as_unit(unit)
    return np.dtype(kind).type(inner)
