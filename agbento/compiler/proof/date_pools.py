"""The values that are worth trying in a column of dates."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from agbento.compiler.proof.remembered import Column

_START: Final = pd.Timestamp("2024-02-29T12:34:56")
_FORMATS: Final = (
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M:%S",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%Y%m%d",
    "%d %B %Y",
    "%Y-%m-%d %H:%M:%S.%f",
)
_EDGES: Final = 512  # thresholds of moments that are tried, evenly spread
_INT64: Final = 2**63


def usual_dates(column: Column) -> tuple[Any, ...]:
    """Give dates around the mean: weeks apart, at odd times of the day."""
    mean = _mean(column)
    steps = range(-26, 27)
    return _held(column, [mean + pd.Timedelta(days=14 * step, seconds=997 * step) for step in steps])


def date_edges(column: Column, thresholds: npt.NDArray[np.float64]) -> tuple[Any, ...]:
    """Give the moments at, right before and right after ``thresholds`` (counted in the column's unit since 1970), and
    the first and the last second of months, years and leap days around the mean."""
    mean, found = _mean(column), []
    for year in range(mean.year - 2, mean.year + 3):
        for month in range(1, 13):
            first = pd.Timestamp(year, month, 1)
            found += [first, first - pd.Timedelta(seconds=1)]
        found += [pd.Timestamp(year, 3, 1) - pd.Timedelta(days=days) for days in (1, 2)]
    spread = thresholds[np.linspace(0, len(thresholds) - 1, min(len(thresholds), _EDGES)).astype(np.intp)]
    spread = spread[np.abs(spread) < float(_INT64 // 2)]
    counts = sorted({int(count) + step for count in np.floor(spread) for step in (-1, 0, 1, 2)})
    return _held(column, found) + _held_counts(column, counts)


def odd_dates(column: Column) -> tuple[Any, ...]:
    """Give null, 1970, far dates, and the first and the last moments that nanoseconds count."""
    far = [
        pd.Timestamp(text) for text in ("1970-01-01", "1969-12-31T23:59:59", "1700-01-01", "2200-12-31", "2000-02-29")
    ]
    limits = [pd.Timestamp.min, pd.Timestamp.max, pd.Timestamp.max.floor("D"), pd.Timestamp.min.ceil("D")]
    found = _held(column, [*far, *limits])
    if column.is_object:
        mean = _mean(column)
        return (*found, *odd_loose_dates(column), mean, mean.date(), mean.to_pydatetime(), pd.NaT)
    return (*found, np.datetime64("NaT", _unit(column)))


def odd_loose_dates(column: Column) -> tuple[Any, ...]:
    """Give texts in several forms, what is no date, and numbers."""
    mean = _mean(column)
    spelled = [mean.strftime(form) for form in _FORMATS]
    with_offset = [f"{mean:%Y-%m-%dT%H:%M:%S}{offset}" for offset in ("Z", "+02:00", "-1130")]
    wrong = ["", "x", "2024-13-01", "2023-02-29", "13/01/2024", "01/13/2024", "0000-00-00", "NaT", "2024", "24:00"]
    return (*spelled, *with_offset, *wrong, None, float("nan"), 0, 1_706_745_600, 2.5, True)


def moment(value: Any, column: Column) -> Any:
    """Give a date of a pool as the Python value that a row may bring: a ``Timestamp``, in the column's zone."""
    if not isinstance(value, np.datetime64):
        return value
    zone = getattr(column.dtype, "tz", None)
    found = pd.Timestamp(value)
    if zone is None or pd.isna(found):
        return found
    found = found.tz_localize("UTC")
    try:
        return found.tz_convert(zone)
    except pd.errors.OutOfBoundsDatetime:  # the last hours of nanoseconds, in a zone before or after UTC
        return found


def series(column: Column, values: list[Any]) -> pd.Series[Any]:
    """Make the column of training's dtype of ``values``, in UTC where it has a zone."""
    plain = [value.tz_convert("UTC").to_datetime64() if getattr(value, "tzinfo", None) else value for value in values]
    counted = pd.Series(np.array(plain, dtype=f"datetime64[{_unit(column)}]"))
    zone = getattr(column.dtype, "tz", None)
    return counted if zone is None else counted.dt.tz_localize("UTC").dt.tz_convert(zone)


def _held(column: Column, dates: list[pd.Timestamp]) -> tuple[Any, ...]:
    """Give ``dates`` as the column holds them: counted in its unit, or written in the forms of its training."""
    if not column.is_object:
        return tuple(date.as_unit("ns").to_datetime64().astype(f"datetime64[{_unit(column)}]") for date in dates)
    return tuple(date.strftime(_FORMATS[i % 3]) for i, date in enumerate(dates))


def _held_counts(column: Column, counts: list[int]) -> tuple[Any, ...]:
    if column.is_object:
        found = [pd.Timestamp(count) for count in counts]
        return tuple(date.isoformat() for date in found)
    return tuple(np.datetime64(count, _unit(column)) for count in counts)


def _unit(column: Column) -> Any:
    return getattr(column.dtype, "unit", None) or np.datetime_data(column.dtype)[0]


def _mean(column: Column) -> pd.Timestamp:
    if column.mean is None:
        return _START
    if column.is_object:
        return column.mean
    # AutoGluon takes the mean of the counts for nanoseconds, whatever the column counts in.
    mean = pd.Timestamp(np.datetime64(column.mean.value, _unit(column)))
    return mean if pd.Timestamp(1680, 1, 1) < mean < pd.Timestamp(2260, 1, 1) else _START
