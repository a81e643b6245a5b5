"""Moments: texts in ISO 8601 → nanoseconds since 1970, and what a date's parts are."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from operator import attrgetter

import numpy as np

from agbento.compiler.arrays import Array

UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}  # nanoseconds in one
DAY = 86_400 * 10**9
EPOCH = datetime.datetime(1970, 1, 1)
_EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()
# What pandas reads in one way only: the years that nanoseconds hold, and fractions of at most nine digits.
_ISO = re.compile(
    r"(1[6-9][0-9]{2}|2[01][0-9]{2})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?",
    re.ASCII,
)
_FIRST_YEAR = 1678


def iso_moment(text: str) -> tuple[int, bool] | None:
    """Give the nanoseconds of a text in ISO 8601, and whether it names a zone; None where it is no such text.

    Nanoseconds are in UTC; without a zone they are those of the clock.
    """
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    if int(year) < _FIRST_YEAR:
        return None
    try:
        whole = datetime.datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
    except ValueError:
        return None
    since = whole - EPOCH
    moment = (since.days * 86_400 + since.seconds) * 10**9 + (int(fraction.ljust(9, "0")) if fraction else 0)
    if zone is None or zone == "Z":
        return moment, zone is not None
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if hours > 14 or minutes > 59:
        return None
    offset = (hours * 60 + minutes) * 60 * 10**9
    return moment - (-offset if zone[0] == "-" else offset), True


def date_of(moment: int) -> datetime.date:
    """Give the date of a moment from 1678 to 2261, in nanoseconds since 1970."""
    return datetime.date.fromordinal(_EPOCH_DAY + moment // DAY)


DATE_PARTS: dict[str, Callable[[datetime.date], int]] = {
    "year": attrgetter("year"),
    "month": attrgetter("month"),
    "day": attrgetter("day"),
    "dayofweek": datetime.date.weekday,
    "day_of_week": datetime.date.weekday,
    "weekday": datetime.date.weekday,
}
# Of nanoseconds since 1970.
TIME_PARTS: dict[str, Callable[[int], int]] = {
    "hour": lambda moment: moment % DAY // (3600 * 10**9),
    "minute": lambda moment: moment % (3600 * 10**9) // (60 * 10**9),
    "second": lambda moment: moment % (60 * 10**9) // 10**9,
}


def part_of(moments: Array, part: str) -> Array:
    """Give one part of each moment (datetime64, no NaT): shape (n,) of int64; "time" is the number in its own unit."""
    days = moments.astype("M8[D]")
    seconds = (moments - days).astype("m8[s]").astype(np.int64)
    found: Array
    match part:
        case "time":
            found = moments.astype(np.int64)
        case "year":
            found = moments.astype("M8[Y]").astype(np.int64) + 1970
        case "month":
            found = moments.astype("M8[M]").astype(np.int64) % 12 + 1
        case "day":
            found = (days - days.astype("M8[M]").astype("M8[D]")).astype(np.int64) + 1
        case "dayofweek" | "day_of_week" | "weekday":
            found = (days.astype(np.int64) + 3) % 7
        case "hour":
            found = seconds // 3600
        case "minute":
            found = seconds // 60 % 60
        case "second":
            found = seconds % 60
        case _:
            raise ValueError(f"no part of a date: {part!r}")
    return found
