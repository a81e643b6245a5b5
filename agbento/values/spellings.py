"""How numbers and dates may be spelled in a text: one set of patterns, for reading values and for the OpenAPI document.

Each pattern is written for ``re.fullmatch`` and holds in ECMA 262 as well: ASCII only, no look-behind, no flags. What a
pattern matches needs no further check: its number fits, its date exists.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

TRUE: Final = r"[tT][rR][uU][eE]|\+?0*1(?:\.0*)?"
FALSE: Final = r"[fF][aA][lL][sS][eE]|[+-]?0+(?:\.0*)?"
NOT_FINITE: Final = r"[+-]?(?:[nN][aA][nN]|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?)"
DECIMAL: Final = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
NUMBER: Final = rf"{DECIMAL}(?:[eE][+-]?[0-9]+)?"

FIRST_YEAR, LAST_YEAR = 1678, 2261  # those that 64 bits of nanoseconds since 1970 hold from end to end
_DIGITS: Final = 40  # of a number that a pattern names to its last digit


def whole(low: int, high: int) -> str:
    """Match the whole numbers of ``[low, high]`` (which holds 0): ``12``, ``+012``, ``12.0``, ``12.``, ``.0``."""
    return rf"(?:\+?{_up_to(high)}|-{_up_to(-low)})(?:\.0*)?|[+-]?\.0+"


def fraction(low: int, high: int) -> str:
    """Match the decimals that are no whole numbers and, cut to one, lie in ``[low, high]`` (which holds 0)."""
    return rf"(?:\+?{_up_to(high)}|-{_up_to(-low)}|[+-]?)\.0*[1-9][0-9]*"


def real(limit: float) -> str:
    """Match numbers whose spelling shows that their size is at most ``limit``.

    Without an exponent those are all up to ``limit``, or, where that has more than 40 digits, below the largest power
    of ten in it. With one, they are numbers of few digits before the point, and below that power at any of them.
    """
    zeros = len(f"{limit:.0f}") - 1
    top, itself = (int(limit), rf"0*{int(limit)}(?:\.0*)?|") if zeros < _DIGITS else (10**zeros, "")
    plain = rf"{_up_to(top - 1)}(?:\.[0-9]*)?|{itself}\.[0-9]+"
    few = min(17, zeros // 2)  # digits of a double
    long = rf"(?:[0-9]{{1,{few}}}(?:\.[0-9]*)?|\.[0-9]+)[eE](?:-[0-9]+|\+?{_up_to(zeros - few)})"
    return rf"[+-]?(?:{plain}|{long}|[0-9](?:\.[0-9]*)?[eE]\+?{_up_to(zeros - 1)})"


def number(value: float) -> str:
    """Match the usual spellings of one number: with a sign, zeros before it, and zeros behind the point."""
    whole, _, rest = f"{abs(Decimal(str(value))):f}".partition(".")  # without an exponent
    whole, rest = whole.lstrip("0"), rest.rstrip("0")
    sign = "-" if value < 0 else r"\+?" if value else "[+-]?"
    if rest:
        return rf"{sign}0*{whole}\.{rest}0*"
    return rf"{sign}0*{whole}(?:\.0*)?" if whole else rf"{sign}(?:0+(?:\.0*)?|\.0+)"


def _up_to(limit: int) -> str:
    """Match the digits of the whole numbers from 0 to ``limit``, with any zeros before them.

    There is one way to match a text, so a long one that does not match takes no longer.
    """
    if limit == 0:
        return "0+"
    digits = str(limit)
    if not digits.strip("9"):
        return rf"0*(?:0|[1-9][0-9]{{0,{len(digits) - 1}}})"
    ways = [rf"[1-9][0-9]{{0,{len(digits) - 2}}}"] if len(digits) > 1 else []
    for i, digit in enumerate(digits):
        least = 1 if i == 0 else 0
        if int(digit) > least:
            ways.append(rf"{digits[:i]}[{least}-{int(digit) - 1}][0-9]{{{len(digits) - 1 - i}}}")
    return rf"0*(?:0|{'|'.join([*ways, digits])})"


_TIME: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?"
_SIGNED: Final = r"[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?"
_OFFSET: Final = rf"(?:[zZ]|{_SIGNED})"
_LONG_MONTHS, _SHORT_MONTHS = "(?:0?[13578]|1[02])", "(?:0?[469]|11)"
_NAMES: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_LONG, _SHORT = "0?[1-9]|[12][0-9]|3[01]", "0?[1-9]|[12][0-9]|30"
# pandas takes "PMZ" for the name of a zone, and knows none of that name.
_HALF_DAY: Final = rf"(?:0?[1-9]|1[0-2]):[0-5][0-9](?::[0-5][0-9])? ?[aApP][mM](?: ?{_SIGNED}| [zZ])?"
_CLOCK: Final = rf"(?:{_TIME}(?: ?{_OFFSET})?|{_HALF_DAY})"


def iso_date(any_year: bool = False) -> str:
    """Match ISO 8601's calendar dates that exist, alone or with a time after a T or a space, and perhaps an offset.

    Years are those of ``FIRST_YEAR`` to ``LAST_YEAR``, or, with ``any_year``, all of four digits.
    """
    year, leap = ("[0-9]{4}", _leap_years(0, 9999)) if any_year else (_YEAR, _LEAP_YEAR)
    long, short = "(?:0[1-9]|[12][0-9]|3[01])", "(?:0[1-9]|[12][0-9]|30)"
    days = rf"(?:0[13578]|1[02])-{long}|(?:0[469]|11)-{short}|02-(?:0[1-9]|1[0-9]|2[0-8])"
    return rf"(?:{year}-(?:{days})|{leap}-02-29)(?:[tT ]{_TIME}{_OFFSET}?)?"


def moment(iso: str) -> str:
    """Match the texts of ``iso_date`` that mean one moment, where they have no offset or that of UTC.

    ``iso`` is the moment in UTC as ``datetime.isoformat`` writes it, ``2026-01-31T12:00:00``, perhaps with a fraction.
    """
    date, _, time = iso.partition("T")
    clock, _, fraction = time.partition(".")
    if fraction := fraction.rstrip("0"):
        clock = rf"{clock}\.{fraction}0{{0,{9 - len(fraction)}}}"
    elif clock.endswith(":00"):
        clock = rf"{clock[:5]}(?::00(?:\.0{{1,9}})?)?"
    else:
        clock = rf"{clock}(?:\.0{{1,9}})?"
    clock = rf"[tT ]{clock}(?:[zZ]|[+-]00(?::?00)?)?"
    return f"{date}(?:{clock})?" if time == "00:00:00" else f"{date}{clock}"


def other_date() -> str:
    """Match dates that exist in spellings that pandas reads beside those of ISO 8601.

    ``1/31/2026`` with slashes, dots or hyphens, the month first, unless that number is above 12; ``2026/1/31``;
    ``31 Jan 2026``, ``31-January-2026``, ``Jan 31, 2026``. Each alone or with a time after a space, in 24 hours or
    with AM or PM, and perhaps an offset.
    """
    ways = [way for separator in ("/", r"\.", "-") for way in _in_numbers(separator)]
    ways += _named("{day}-{month}-{year}", "{day} {month} {year}", "{month} {day},? {year}")
    return rf"(?:{'|'.join(ways)})(?: {_CLOCK})?"


def _in_numbers(separator: str) -> Iterator[str]:
    long, short, february = rf"(?:{_LONG})", rf"(?:{_SHORT})", "(?:0?[1-9]|1[0-9]|2[0-8])"
    s = separator
    in_order = rf"{_LONG_MONTHS}{s}{long}|{_SHORT_MONTHS}{s}{short}|0?2{s}{february}"
    turned = rf"(?:1[3-9]|2[0-9]|3[01]){s}{_LONG_MONTHS}|(?:1[3-9]|2[0-9]|30){s}{_SHORT_MONTHS}|(?:1[3-9]|2[0-8]){s}0?2"
    yield rf"(?:{in_order}|{turned}){s}{_YEAR}"
    yield rf"(?:0?2{s}29|29{s}0?2){s}{_LEAP_YEAR}"
    yield rf"{_YEAR}{s}(?:{in_order})"
    yield rf"{_LEAP_YEAR}{s}0?2{s}29"


def _named(*forms: str) -> list[str]:
    lengths = ((_LONG, (0, 2, 4, 6, 7, 9, 11)), (_SHORT, (3, 5, 8, 10)), ("0?[1-9]|1[0-9]|2[0-8]", (1,)))
    ways = []
    for form in forms:
        for days, months in lengths:
            names = "|".join(_any_case(_NAMES[month]) for month in months)
            ways.append(form.format(day=rf"(?:{days})", month=rf"(?:{names})", year=_YEAR))
        ways.append(form.format(day="29", month=_any_case(_NAMES[1]), year=_LEAP_YEAR))
    return ways


def _any_case(name: str) -> str:
    """Match a month's name or its first three letters, in any case."""
    letters = [f"[{letter.lower()}{letter.upper()}]" for letter in name]
    rest = f"(?:{''.join(letters[3:])})?" if letters[3:] else ""
    return "".join(letters[:3]) + rest


def _leap_years(first: int, last: int) -> str:
    """Match the leap years from ``first`` to ``last``, the centuries that have the same ones together."""
    by_ends: dict[str, list[str]] = {}
    for century in range(first // 100, last // 100 + 1):
        years = range(max(first, century * 100), min(last, century * 100 + 99) + 1)
        ends = "|".join(f"{year % 100:02d}" for year in years if calendar.isleap(year))
        by_ends.setdefault(ends, []).append(f"{century:02d}")
    return "(?:" + "|".join(f"(?:{'|'.join(centuries)})(?:{ends})" for ends, centuries in by_ends.items()) + ")"


_YEAR: Final = r"(?:167[89]|16[89][0-9]|1[789][0-9]{2}|2[01][0-9]{2}|22[0-5][0-9]|226[01])"
_LEAP_YEAR: Final = _leap_years(FIRST_YEAR, LAST_YEAR)
