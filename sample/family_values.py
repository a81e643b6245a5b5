"""Trainings on every kind of value that a table can hold: labels, columns, names of columns and of rows."""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import ipaddress
import pathlib
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from sample.family import ROWS, Family, by_kind, fitted, several
from sample.odd_columns import LABEL as ODD
from sample.odd_columns import odd_rows
from sample.toys import LABELS, Kind, toy_rows

DAY: Final = pd.Timestamp("2024-01-01")
MODELS: Final[dict[str, Any]] = {
    "GBM": {"num_boost_round": 3},
    "CAT": {"iterations": 3},
    "RF": {"n_estimators": 3},
    "XGB": {"n_estimators": 3},
}
_array: Final[Any] = pd.array
_coded: Final[Any] = pd.Categorical.from_codes
Values = Callable[[Any], Any]  # of the numbers 0, 1, 2, … one for each row


def _cast(dtype: str) -> Values:
    return lambda n: n.astype(dtype)


def _hundred(dtype: str) -> Values:
    return lambda n: _array(n % 100, dtype=dtype)


LABELLED: Final[dict[str, Values]] = {
    "strings": lambda n: [f"class {i}" for i in n],
    "objects of ints": lambda n: pd.Series([int(i) for i in n], dtype=object),
    "mixed": lambda n: pd.Series([[1, "two", 3.5][i] for i in n], dtype=object),
    "bool-like": lambda n: n > 0,
    "floats": lambda n: n.astype(float),
    "categories": lambda n: _coded(n, ["low", "mid", "high"]),
    "ordered": lambda n: _coded(n, ["low", "mid", "high"], ordered=True),
    "categories of ints": lambda n: _coded(n, [10, 20, 30]),
    "pandas strings": lambda n: _array([f"c{i}" for i in n], dtype="string"),
    "pyarrow strings": lambda n: _array([f"c{i}" for i in n], dtype="string[pyarrow]"),
    "nullable ints": lambda n: _array(n, dtype="Int64"),
    "dates": lambda n: DAY + pd.to_timedelta(n, unit="D"),
    "days": lambda n: pd.Series([datetime.date(2024, 1, 1 + i) for i in n], dtype=object),
    "decimals": lambda n: pd.Series([decimal.Decimal(int(i)) for i in n], dtype=object),
    "tuples": lambda n: pd.Series([(int(i), "a") for i in n], dtype=object),
    "bytes": lambda n: pd.Series([b"%d" % i for i in n], dtype=object),
    **{dtype: _cast(dtype) for dtype in ("int8", "uint8", "int16", "int32", "uint64", "float32")},
}

COLUMNS: Final[dict[str, Values]] = {
    "decimal": lambda n: [decimal.Decimal(int(i)) / 4 for i in n % 7],
    "fraction": lambda n: [fractions.Fraction(int(i), 3) for i in n % 7],
    "interval": lambda n: [pd.Interval(int(i), int(i) + 1) for i in n % 5],
    "period": lambda n: pd.PeriodIndex([pd.Period("2024-01", "M") + int(i) for i in n % 5]),
    "periods as objects": lambda n: pd.Series([pd.Period("2024-01", "M") + int(i) for i in n % 5], dtype=object),
    "complex": lambda n: pd.Series([complex(i, 1) for i in n % 5], dtype=object),
    "bytes": lambda n: [b"%d" % i for i in n % 5],
    "frozenset": lambda n: [frozenset({int(i)}) for i in n % 5],
    "uuid": lambda n: [uuid.UUID(int=int(i)) for i in n % 5],
    "address": lambda n: [ipaddress.ip_address(int(i)) for i in n % 5],
    "path": lambda n: [pathlib.PurePosixPath(f"/{i}") for i in n % 5],
    "file": lambda n: [pathlib.Path(f"/{i}") for i in n % 5],
    "standard enum": lambda n: [[enum.KEEP, enum.STRICT][i] for i in n % 2],
    "time": lambda n: [datetime.time(int(i)) for i in n % 24],
    "python timedelta": lambda n: pd.Series([datetime.timedelta(int(i)) for i in n % 5], dtype=object),
    "date": lambda n: [datetime.date(2024, 1, 1 + int(i)) for i in n % 9],
    "datetime": lambda n: pd.Series([datetime.datetime(2024, 1, 1 + int(i)) for i in n % 9], dtype=object),
    "datetime in utc": lambda n: pd.Series(
        [datetime.datetime(2024, 1, 1 + int(i), tzinfo=datetime.timezone.utc) for i in n % 9], dtype=object
    ),
    "offset dates": lambda n: (DAY + pd.to_timedelta(n, unit="h")).tz_localize("Etc/GMT+3"),
    "fixed offset dates": lambda n: (DAY + pd.to_timedelta(n, unit="h")).tz_localize(
        datetime.timezone(datetime.timedelta(hours=2))
    ),
    "timestamps": lambda n: pd.Series([DAY + pd.Timedelta(int(i), "D") for i in n % 9], dtype=object),
    "numpy scalars": lambda n: pd.Series([np.float32(i) for i in n % 5], dtype=object),
    "numpy strings": lambda n: pd.Series([np.str_(i) for i in n % 5], dtype=object),
    "numpy dates": lambda n: pd.Series([np.datetime64("2024-01-01") + int(i) for i in n % 5], dtype=object),
    "pandas nulls": lambda n: pd.Series(["a" if i else pd.NA for i in n % 5], dtype=object),
    "times that are null": lambda n: pd.Series([DAY if i else pd.NaT for i in n % 5], dtype=object),
    "strings": lambda n: _array([f"w{i}" for i in n % 5], dtype="string"),
    "pyarrow strings": lambda n: _array([f"w{i}" for i in n % 5], dtype="string[pyarrow]"),
    "arrow strings": lambda n: _array([f"w{i}" for i in n % 5], dtype="string[pyarrow_numpy]"),
    "arrow ints": lambda n: _array(n % 5, dtype="int64[pyarrow]"),
    **{dtype: _hundred(dtype) for dtype in ("Int8", "UInt16", "Float64", "Float32", "float16", "float64", "uint64")},
    "boolean": lambda n: _array(n % 2 == 0, dtype="boolean"),
    "ordered": lambda n: _coded(n % 3, ["low", "mid", "high"], ordered=True),
    "categories of dates": lambda n: pd.Categorical(DAY + pd.to_timedelta(n % 3, unit="D")),
    "categories of intervals": lambda n: pd.cut(n % 9, 3),
    "categories of periods": lambda n: pd.Categorical(
        pd.PeriodIndex([pd.Period("2024-01", "M") + int(i) for i in n % 5])
    ),
    "categories of floats": lambda n: pd.Categorical((n % 3) / 4),
    "categories of bools": lambda n: pd.Categorical(n % 3 == 0),
    "categories of strings": lambda n: pd.Categorical(_array([f"w{i}" for i in n % 5], dtype="string")),
    "categories of timedeltas": lambda n: pd.Categorical(pd.to_timedelta(n % 5, unit="D")),
}

NAMED: Final[dict[str, Callable[[pd.DataFrame], pd.DataFrame]]] = {
    "numbers": lambda frame: frame.set_axis([*range(frame.shape[1] - 1), frame.columns[-1]], axis=1),
    "numpy numbers": lambda frame: frame.set_axis([*np.arange(frame.shape[1] - 1), frame.columns[-1]], axis=1),
    "tuples": lambda frame: frame.set_axis([*((n, "a") for n in frame.columns[:-1]), frame.columns[-1]], axis=1),
    "dates": lambda frame: frame.set_axis(
        [*(DAY + pd.to_timedelta(np.arange(frame.shape[1] - 1), unit="D")), frame.columns[-1]], axis=1
    ),
    "categories": lambda frame: frame.set_axis(pd.CategoricalIndex(frame.columns), axis=1),
    "named columns": lambda frame: frame.rename_axis("columns", axis=1),
    "rows by date": lambda frame: frame.set_index(pd.date_range(DAY, periods=len(frame), tz="Europe/Paris", name="at")),
    "rows by period": lambda frame: frame.set_index(pd.period_range(DAY, periods=len(frame), freq="D")),
    "rows by text": lambda frame: frame.set_index(pd.Index([f"r{i}" for i in range(len(frame))])),
    "rows by two": lambda frame: frame.set_index(pd.MultiIndex.from_product([["a", "b"], range(len(frame) // 2)])),
    "rows by interval": lambda frame: frame.set_index(pd.interval_range(0, len(frame))),
    "rows by time": lambda frame: frame.set_index(pd.timedelta_range(0, periods=len(frame), freq="h")),
    "rows by category": lambda frame: frame.set_index(pd.CategoricalIndex([f"r{i}" for i in range(len(frame))])),
}


def value_families() -> Iterator[tuple[str, Family]]:
    """Odd columns of every raw type, labels, values and names: a second for each predictor, and there are a hundred."""
    yield from by_kind("odd", _odd)
    yield "labels", Family(several({name: partial(_labelled, make) for name, make in LABELLED.items()}))
    yield "columns", Family(several({name: partial(_valued, make) for name, make in COLUMNS.items()}))
    yield "names", Family(several({name: partial(_named, make) for name, make in NAMED.items()}))


def _odd(kind: Kind, folder: Path) -> None:
    models = {key: MODELS[key] for key in (("GBM", "CAT", "RF") if kind == "quantile" else MODELS)}
    fitted(kind, folder, odd_rows(kind, 300), label=ODD, hyperparameters=models).refit_full()


def _labelled(make: Values, folder: Path) -> None:
    frame = toy_rows("multiclass", ROWS)
    codes = frame.pop(LABELS["multiclass"]).to_numpy() - 1
    kind: Kind = "binary" if len(set(map(str, make(codes)))) == 2 else "multiclass"
    frame["label"] = make(codes)
    fitted(kind, folder, frame, label="label", hyperparameters=MODELS)


def _valued(make: Values, folder: Path) -> None:
    frame = toy_rows("regression", ROWS)[["size", "price"]]
    frame.insert(0, "odd", pd.Series(make(np.arange(ROWS))))
    fitted("regression", folder, frame, hyperparameters={key: MODELS[key] for key in ("GBM", "CAT")})


def _named(change: Callable[[pd.DataFrame], pd.DataFrame], folder: Path) -> None:
    fitted("regression", folder, change(toy_rows("regression", ROWS)), hyperparameters={"GBM": MODELS["GBM"]})
