"""Any value in any column: what AutoGluon answers is answered the same, and what it refuses is refused."""

from __future__ import annotations

import datetime
import functools
from decimal import Decimal
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sample.odd_columns import odd_rows
from tests.compiler.test_features import Pair, pair
from tests.frames import records

pytestmark = pytest.mark.filterwarnings("ignore")

N = 120
SOME = settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
UTC, EAST = datetime.timezone.utc, datetime.timezone(datetime.timedelta(hours=2))


def more_columns() -> pd.DataFrame:
    """Columns of the dtypes that are not among the odd ones."""
    rng = np.random.default_rng(0)
    hours = pd.to_timedelta(rng.integers(0, 9000, N), unit="h")

    def choice(*values: Any) -> Any:
        return rng.choice(np.array(values, dtype=object), N)

    whole = {name: rng.integers(0, 100, N).astype(name) for name in ("uint8", "uint64", "int16", "int32", "uint32")}
    return pd.DataFrame(
        {
            **whole,
            "float16": rng.random(N).astype("float16"),
            "texts in strings": pd.array(choice("a", "b", "c"), dtype="string[python]"),
            "texts in Arrow": pd.array(choice("a", "b", "1"), dtype="string[pyarrow]"),
            "category of floats": pd.Categorical(rng.choice([1.0, 2.5, 30], N)),
            "category of bools": pd.Categorical(choice(True, False, None)),
            "category of all": pd.Categorical(choice(True, "x", 3, 2.5)),
            "category of great ints": pd.Categorical(rng.choice([2**60, 2**60 + 1, 7], N)),
            "category with rare ones": pd.Categorical(
                ["once", *choice("a", "b")[1:]], categories=["b", "once", "a", "never"], ordered=True
            ),
            "category of moments": pd.Categorical(
                rng.choice(pd.to_datetime(["2024-01-02", "2024-01-03"]).tz_localize("Europe/Paris"), N)
            ),
            "category of days": pd.Categorical([datetime.date(2024, 1, 1 + i % 3) for i in range(N)]),
            "dates in milliseconds": pd.Series(pd.Timestamp("2024-01-01") + hours).astype("datetime64[ms]"),
            "dates in UTC": pd.Timestamp("2024-01-01", tz="UTC") + hours,
            "dates of all kinds": [
                [datetime.datetime(2023, 1, 1 + i % 28, i % 24), None, f"2023-05-0{1 + i % 9}"][i % 3] for i in range(N)
            ],
            "two floats": rng.choice([0.1, 0.2], N),
            "two small floats": rng.choice([0.1, 0.2], N).astype("float16"),
            "two great floats": rng.choice([2.0**60, 5.0], N),
            "two of all": choice(1, "a"),
            "two moments": rng.choice(pd.to_datetime(["2024-01-01", "2024-06-01"]).tz_localize("UTC"), N),
            "two seconds": rng.choice(pd.to_datetime(["2024-01-01", "2024-06-01"]), N).astype("datetime64[s]"),
            "two categories": pd.Categorical(choice("p", "q")),
            "two strings": pd.array(choice("a", "b"), dtype="string"),
            "two with null": choice(None, 2),
            "long texts": [
                " ".join(rng.choice(["Alpha", "be-ta!", "ga mma 12", "Ünï", "x@y.z", "É"], rng.integers(1, 6)))
                for _ in range(N)
            ],
        }
    )


FRAME = pd.concat([odd_rows(n=N).drop(columns=["y", "constant", "id", "nullable"]), more_columns()], axis=1)
TEXTS = [
    *("", "1", "7", " 7 ", "7.0", "2.5", "1e3", "nan", "inf", "None", "True", "yes", "a", " b", "ü", "Oslo", "on", "x"),
    *("1_000", "0x10", "NaT", "2024-01-01", "2024-06-01", "06/01/2024", "2024-02-29", "2023-02-29", "2024-13-01"),
    *("2024-01-02T03:04:05", "2024-01-02 03:04:05.123456789", "2024-01-02T03:04Z", "2024-01-02T03:04:05+02:00"),
    *("2024-01-02T03:04:05-23:00", "2024-01-02T24:00:00", "2024-01-02T03:04:60", "2024-1-2", "20240102", "2024"),
    *("1677-01-01", "1678-01-01", "2261-12-31", "2262-04-12", "1500-01-01", "9999-12-31", "2024-03-31T02:30:00"),
    *("2024-10-27 02:30:00", "2024-01-02T03:04:05.1234567891", "2024-01-02T03:04:05+0200", "13/04/2024", "5 pm"),
    *("red blue RED old!! new? a b", "a\nb\tc d", "ÀÉ 12 _x @#%", "İ ß", "red red red " * 150, "id5", "\u2003"),
]
OTHERS = [
    *(None, True, False, 0, 1, 2, 3, 7, 30, -1, 127, 128, 255, 256, 300, -300, 2**31, 2**53 + 1, -(2**63), 2**63 - 1),
    *(2**63, 2**64 - 1, 2**64, 10**400, 0.0, -0.0, 0.1, 0.2, float(np.float32(0.2)), 1.0, 2.5, 2.7, -2.7, -0.5, 300.5),
    *(1e10, 1e19, -1e30, 3.4e38, 3.5e38, 1e300, float("nan"), float("inf"), -float("inf"), 2.0**60, 2**60, 2**60 + 1),
    *(np.float32(0.2), np.float64(2.5), np.float16(0.1), np.int64(3), np.int8(7), np.uint64(2**63), np.bool_(True)),
    *(np.str_("a"), np.datetime64("2024-01-02"), np.datetime64("NaT"), np.timedelta64(5, "s"), pd.NaT, pd.NA),
    *(pd.Timestamp("2024-01-02"), pd.Timestamp("2024-06-01"), pd.Timestamp("2024-01-02 03:04:05.123456789")),
    *(pd.Timestamp("2024-01-02", tz="UTC"), pd.Timestamp("2024-06-01", tz="UTC"), pd.Timestamp.min, pd.Timestamp.max),
    *(pd.Timestamp("2024-01-02", tz="Europe/Paris"), pd.Timestamp("1950-01-02 01:00:00.5"), pd.Timedelta(1)),
    *(datetime.datetime(2024, 1, 2, 3, 4, 5, 678), datetime.datetime(1500, 1, 1), datetime.datetime(2024, 1, 2)),
    *(datetime.datetime(2024, 1, 2, tzinfo=UTC), datetime.datetime(2024, 1, 2, tzinfo=EAST), datetime.date(2024, 1, 2)),
    *(datetime.date(2024, 6, 1), datetime.date(1500, 1, 1), datetime.time(3, 4), pd.Interval(0.0, 0.25)),
    *(pd.Interval(0.0, 0.25, closed="left"), pd.Period("2024-01"), (1, "a"), (3,), b"7", b"a", Decimal("2.5"), 1j),
    *(Decimal("NaN"), Decimal(1), complex(1, 0), object),
]
VALUES = st.one_of(
    st.sampled_from(TEXTS),
    st.sampled_from(OTHERS),
    st.text(max_size=12),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.datetimes(),
    st.datetimes(datetime.datetime(1600, 1, 1), datetime.datetime(2300, 1, 1)).map(str),
    st.dates().map(str),
    st.integers(-400, 400).map(str),
)


@functools.cache
def reader(column: str) -> Pair:
    """A generator of that column and a number."""
    return pair(FRAME[[column]].assign(number=np.arange(N)))


def check(found: Pair, rows: list[dict[str, Any]]) -> None:
    """The rows are answered, or refused, as AutoGluon does."""
    try:
        expected = found.expected(pd.DataFrame(rows))
    except AssertionError:
        raise
    except Exception:  # noqa: BLE001 it is pandas that raises, anything
        with pytest.raises(ValueError, match=r"cannot be read"):
            found.encoder.rows(rows)
        return
    np.testing.assert_array_equal(found.encoder.rows(rows), expected)


@pytest.mark.slow
@pytest.mark.parametrize("column", FRAME.columns)
def test_every_known_value(column: str) -> None:
    found = reader(column)
    for value in [*TEXTS, *OTHERS]:
        check(found, [{column: value, "number": 1}])


@SOME
@given(column=st.sampled_from(list(FRAME.columns)), value=VALUES)
def test_any_row(column: str, value: Any) -> None:
    check(reader(column), [{column: value, "number": 1}])


@SOME
@given(column=st.sampled_from(list(FRAME.columns)), values=st.lists(VALUES, min_size=2, max_size=4))
def test_any_rows(column: str, values: list[Any]) -> None:
    check(reader(column), [{column: value, "number": 1} for value in values])


def test_values_that_cannot_be_levels() -> None:
    for value in ([1], {"a": 1}, {1}):
        check(reader("category"), [{"category": value, "number": 1}])


FLAGS = [
    name for name in FRAME.columns if name.startswith("two") or name.split()[-1] in ("flag", "two", "bool", "gaps")
]


@functools.cache
def flags() -> Pair:
    """A generator of so many two-valued columns that AutoGluon compares them in its other way."""
    found = pair(FRAME[FLAGS].assign(number=np.arange(N)))
    assert {one.objects_below for one in found.features.inputs if one.kind == "flag"} == {128}
    return found


@SOME
@given(column=st.sampled_from(FLAGS), values=st.lists(VALUES, min_size=1, max_size=3), many=st.booleans())
def test_any_flag(column: str, values: list[Any], many: bool) -> None:
    row = records(FRAME[FLAGS])[0] | {"number": 1}
    check(flags(), [{**row, column: value} for value in (values * 128 if many else values)])


DTYPES = ("int8", "int64", "uint64", "float16", "float32", "float64", "bool", "object", "Int64", "Float64", "boolean")


@pytest.mark.slow
@pytest.mark.parametrize("column", FRAME.columns)
def test_series_of_any_dtype(column: str) -> None:
    found = reader(column)
    series: list[Any] = [pd.Series([0, 1, 1, 0]).astype(dtype) for dtype in cast(Any, DTYPES)]
    series += [pd.Series([1, None, 30], dtype=dtype) for dtype in ("Int64", "Float64", "float32", "object")]
    series += [pd.Series(["a", None, "yes"], dtype=dtype) for dtype in ("object", "string", "category")]
    series += [pd.Series([1.0, 2.5, None]).astype("category"), pd.Series(["a", None, "x"], dtype="string[pyarrow]")]
    texts: list[Any] = ["2024-01-01", "2024-06-01 03:04:05.123", None]
    days = pd.Series(pd.to_datetime(texts, format="mixed"))
    units: list[Any] = [f"datetime64[{unit}]" for unit in ("s", "ms", "us", "ns")]
    series += [days.astype(unit) for unit in units]
    series += [days.dt.tz_localize("Europe/Paris"), days.astype("category"), days.astype(object), days.dt.date]
    for one in series:
        columns = {column: one, "number": np.ones(len(one), int)}
        try:
            expected = found.expected(pd.DataFrame(columns))
        except AssertionError:
            raise
        except Exception:  # noqa: BLE001 it is pandas that raises, anything
            with pytest.raises(ValueError, match=r"cannot be read"):
                found.encoder.columns(columns)
            continue
        np.testing.assert_array_equal(found.encoder.columns(columns), expected)
