from __future__ import annotations

import calendar
import itertools
import math
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agbento.values import spellings

INTS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
FLOATS = ("float16", "float32", "float64")
BOUNDS = {dtype: (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)) for dtype in INTS}
LIMITS = {dtype: float(np.finfo(dtype).max) for dtype in FLOATS}
PATTERNS = {
    "TRUE": spellings.TRUE,
    "FALSE": spellings.FALSE,
    "NOT_FINITE": spellings.NOT_FINITE,
    "DECIMAL": spellings.DECIMAL,
    "NUMBER": spellings.NUMBER,
    "iso_date": spellings.iso_date(),
    "any_iso_date": spellings.iso_date(any_year=True),
    "other_date": spellings.other_date(),
    "moment": spellings.moment("2026-01-31T12:00:00.25"),
    "midnight": spellings.moment("2026-01-31T00:00:00"),
    "number 0": spellings.number(0),
    "number 1": spellings.number(1.0),
    "number -2.5": spellings.number(-2.5),
    **{f"whole {dtype}": spellings.whole(*bounds) for dtype, bounds in BOUNDS.items()},
    **{f"fraction {dtype}": spellings.fraction(*bounds) for dtype, bounds in BOUNDS.items()},
    **{f"real {dtype}": spellings.real(limit) for dtype, limit in LIMITS.items()},
}
EVERY_PATTERN = pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
EVERY_INT = pytest.mark.parametrize("dtype", INTS)
FEW = settings(max_examples=30, deadline=None)  # for each of many patterns
EVERY_FLOAT = pytest.mark.parametrize("dtype", FLOATS)
ISO, ANY_ISO, OTHER = (re.compile(PATTERNS[name]) for name in ("iso_date", "any_iso_date", "other_date"))
# Decimals in every spelling, as long as those of a uint64 and longer.
DECIMALS = st.from_regex(r"[+-]?0{0,3}[0-9]{0,23}(\.[0-9]{0,4})?", fullmatch=True)
ALPHABET = "0123456789+-.eE:/ tTzZaApPmM,JanFebruaymchilugstpoevdNIf\n\u0663"


def matches(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text) is not None


def near(*bounds: float) -> st.SearchStrategy[int]:
    """Whole numbers around the bounds, and any."""
    return (
        st.sampled_from(bounds).flatmap(lambda bound: st.integers(int(bound) - 300, int(bound) + 300)) | st.integers()
    )


@EVERY_INT
@FEW
@given(data=st.data())
def test_whole_numbers_are_those_of_the_dtype(dtype: str, data: st.DataObject) -> None:
    low, high = BOUNDS[dtype]
    pattern, number = PATTERNS[f"whole {dtype}"], data.draw(near(low, 0, high))
    size, sign = str(abs(number)), "-" if number < 0 else data.draw(st.sampled_from(["", "+"]))
    zeros = "0" * data.draw(st.integers(0, 40))
    for text in (f"{sign}{size}", f"{sign}{zeros}{size}", f"{sign}{size}.", f"{sign}{size}.{zeros}"):
        assert matches(pattern, text) == (low <= number <= high), text


@EVERY_INT
@FEW
@given(DECIMALS | st.from_regex(spellings.DECIMAL, fullmatch=True))
def test_a_decimal_is_whole_or_a_fraction_or_neither_fits(dtype: str, text: str) -> None:
    low, high = BOUNDS[dtype]
    is_number = matches(spellings.DECIMAL, text)
    fits = is_number and low <= int(Decimal(text)) <= high
    is_whole = is_number and Decimal(text) == int(Decimal(text))
    assert matches(PATTERNS[f"whole {dtype}"], text) == (fits and is_whole)
    assert matches(PATTERNS[f"fraction {dtype}"], text) == (fits and not is_whole)


@EVERY_INT
@pytest.mark.parametrize("kind", ["whole", "fraction"])
@FEW
@given(data=st.data())
def test_what_matches_can_be_cut_to_the_dtype(kind: str, dtype: str, data: st.DataObject) -> None:
    number = Decimal(data.draw(st.from_regex(PATTERNS[f"{kind} {dtype}"], fullmatch=True)))
    assert np.array([int(number)], dtype)[0] == int(number)
    assert (int(number) == number) == (kind == "whole")


@EVERY_FLOAT
@FEW
@given(data=st.data())
def test_what_is_matched_as_real_is_finite_in_the_dtype(dtype: str, data: st.DataObject) -> None:
    number = float(data.draw(st.from_regex(PATTERNS[f"real {dtype}"], fullmatch=True)))
    assert abs(number) <= LIMITS[dtype]
    assert np.isfinite(np.array([number]).astype(dtype)).all()


@EVERY_FLOAT
@FEW
@given(data=st.data())
def test_a_real_without_an_exponent_is_one_up_to_the_limit(dtype: str, data: st.DataObject) -> None:
    """Where it has more than 40 digits: below the largest power of ten in it."""
    top = int(LIMITS[dtype]) if dtype != "float64" else 10**308
    number, rest = data.draw(near(-top, 0, top)), data.draw(st.from_regex(r"(\.[0-9]{0,5})?", fullmatch=True))
    size = abs(Fraction(f"{number}{rest}0" if rest else number))
    assert matches(PATTERNS[f"real {dtype}"], f"{number}{rest}") == (size < top or (size == top and dtype != "float64"))


@EVERY_FLOAT
@FEW
@given(data=st.data())
def test_a_float_as_python_writes_it_is_real(dtype: str, data: st.DataObject) -> None:
    width: Any = int(dtype.removeprefix("float"))
    number = data.draw(st.floats(width=width, allow_nan=False, allow_infinity=False))
    zeros = math.floor(math.log10(LIMITS[dtype]))
    # The sliver: with an exponent, numbers as large as the largest power of ten that the dtype holds.
    in_sliver = "e" in repr(number) and abs(number) >= 10.0**zeros
    assert matches(PATTERNS[f"real {dtype}"], repr(number)) == (not in_sliver)
    assert matches(PATTERNS[f"real {dtype}"], f"{number:+.17E}") == (abs(number) < 10.0**zeros)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("65504", True),
        ("65504.", True),
        ("0065504.000", True),
        ("65503.99", True),
        ("65504.01", False),
        ("65505", False),
        ("9.9e3", True),
        ("9.9e+0003", True),
        ("0.1E-999", True),
        ("1e4", False),
        ("12e3", False),
        ("12e2", True),
        (".5e2", True),
        ("123e-2", False),
        (".5", True),
        ("-.5", True),
        ("", False),
        (".", False),
        ("+", False),
        ("e5", False),
        ("1e", False),
    ],
)
def test_reals_of_two_bytes(text: str, is_one: bool) -> None:
    assert matches(PATTERNS["real float16"], text) == is_one


@pytest.mark.parametrize("exponent", range(300, 312))
def test_exponents_of_eight_bytes_go_up_to_307(exponent: int) -> None:
    for text in (f"9.99e{exponent}", f"1E+{exponent}", f"-0.1e0{exponent}"):
        assert matches(PATTERNS["real float64"], text) == (exponent <= 307)
    assert matches(PATTERNS["real float64"], f"1e-{exponent}")


@given(st.from_regex(spellings.NUMBER, fullmatch=True) | st.from_regex(spellings.DECIMAL, fullmatch=True))
def test_a_number_is_one_to_python(text: str) -> None:
    assert not math.isnan(float(text))
    assert matches(spellings.NUMBER, text)


@given(st.from_regex(spellings.NOT_FINITE, fullmatch=True))
def test_what_is_not_finite_is_not_to_python(text: str) -> None:
    assert not math.isfinite(float(text))


@pytest.mark.parametrize("name", ["NUMBER", "DECIMAL", *(name for name in PATTERNS if " " in name)])
@pytest.mark.parametrize(
    "text", ["", "1_0", "٣", "1٣", " 5 ", "5 ", "5\n", "\n5", "0x5", "1,5", "--1", "1.2.3", "½", "1e5.0"]
)
def test_no_number(name: str, text: str) -> None:
    assert not matches(PATTERNS[name], text)


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False), st.data())
def test_the_spellings_of_one_number(value: float, other: float, data: st.DataObject) -> None:
    pattern = spellings.number(value)
    assert float(data.draw(st.from_regex(pattern, fullmatch=True))) == value
    plain = f"{Decimal(repr(value)):f}"
    sign, size = ("-", plain[1:]) if plain.startswith("-") else (data.draw(st.sampled_from(["", "+"])), plain)
    more = "00" if "." in size else ".00"
    for text in (f"{sign}{size}", f"{sign}00{size}", f"{sign}{size}{more}"):
        assert matches(pattern, text), text
    assert other == value or not matches(pattern, f"{Decimal(repr(other)):f}")


@pytest.mark.parametrize("text", ["true", "True", "TRUE", "tRuE", "1", "+1", "001", "1.", "1.00"])
def test_true(text: str) -> None:
    assert matches(spellings.TRUE, text)
    assert not matches(spellings.FALSE, text)


@pytest.mark.parametrize("text", ["false", "False", "FALSE", "0", "+0", "-0", "000", "0.", "0.0"])
def test_false(text: str) -> None:
    assert matches(spellings.FALSE, text)
    assert not matches(spellings.TRUE, text)


@pytest.mark.parametrize(
    "text", ["", "yes", "t", "-1", "1.5", "10", "2", "\uff54rue", "true ", "true\n", "1\n", ".", "+"]
)
def test_neither_true_nor_false(text: str) -> None:
    assert not matches(spellings.TRUE, text)
    assert not matches(spellings.FALSE, text)


def exists(year: int, month: int, day: int) -> bool:
    """Tell whether the calendar has this day; datetime has no year 0."""
    return 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year or 2000, month)[1]


def test_iso_dates_are_those_that_exist() -> None:
    for year, month, day in itertools.product(range(1670, 2270), range(14), range(33)):
        text = f"{year}-{month:02d}-{day:02d}"
        assert (ISO.fullmatch(text) is not None) == (1678 <= year <= 2261 and exists(year, month, day)), text


def test_leap_days_of_all_years() -> None:
    for year in range(10_000):
        assert (ANY_ISO.fullmatch(f"{year:04d}-02-29") is not None) == calendar.isleap(year), year
        assert ANY_ISO.fullmatch(f"{year:04d}-02-28T23:59Z")
        assert not ANY_ISO.fullmatch(f"{year:04d}-02-30")


@pytest.mark.parametrize(
    "rest",
    [
        *("T00:00", " 00:00", "t23:59", "T23:59:59", "T23:59:59.9", "T23:59:59.123456789", "T12:00Z"),
        *("T12:00z", "T12:00+14:59", "T12:00-00:00", "T12:00+0130", "T12:00+01", " 12:00:00.5-05"),
    ],
)
def test_times_that_are_iso(rest: str) -> None:
    assert ISO.fullmatch(f"2026-01-31{rest}")
    assert ANY_ISO.fullmatch(f"9999-01-31{rest}")


@pytest.mark.parametrize(
    "rest",
    [
        *(" ", "T", "T1:00", "T24:00", "T12:60", "T12:00:60", "T12", "T1200", "T12:00:00."),
        *("T12:00:00.1234567890", "  12:00", "T12:00 Z", "T12:00+15:00", "T12:00+01:60", "T12:00ZZ", "Z"),
        *("+01:00", "T12:00+1", "T12:00:00,5", "\n", "T12:00\n"),
    ],
)
def test_times_that_are_not_iso(rest: str) -> None:
    assert not ISO.fullmatch(f"2026-01-31{rest}")
    assert not ANY_ISO.fullmatch(f"2026-01-31{rest}")


@pytest.mark.parametrize("separator", "/.-")
@pytest.mark.parametrize("year", [1677, 1678, 1700, 1900, 2000, 2023, 2024, 2100, 2261, 2262])
def test_dates_in_numbers_are_those_that_exist(year: int, separator: str) -> None:
    for one, two in itertools.product(range(35), range(35)):
        month, day = (one, two) if one <= 12 else (two, one)
        is_one = 1678 <= year <= 2261 and exists(year, month, day)
        for spelled in ((f"{one:02d}", f"{two:02d}"), (str(one), str(two))):
            text = separator.join((*spelled, str(year)))
            assert (OTHER.fullmatch(text) is not None) == is_one, text
            text = separator.join((str(year), *spelled))
            assert (OTHER.fullmatch(text) is not None) == (is_one and one <= 12), text


@pytest.mark.parametrize("year", [1677, 1678, 1700, 2000, 2023, 2024, 2261, 2262])
def test_named_dates_are_those_that_exist(year: int) -> None:
    for month, day in itertools.product(range(1, 13), range(33)):
        is_one = 1678 <= year <= 2261 and exists(year, month, day)
        for name in (calendar.month_name[month], calendar.month_abbr[month].upper()):
            for form in ("{d} {m} {y}", "{d}-{m}-{y}", "{m} {d}, {y}", "{m} {d} {y}", "{m} {d:02d} {y}"):
                text = form.format(d=day, m=name, y=year)
                assert (OTHER.fullmatch(text) is not None) == is_one, text


@pytest.mark.parametrize(
    "rest",
    [
        *(" 00:00", " 23:59:59.5", " 12:00+01:00", " 12:00 Z", " 12:00z", " 1:05 PM", " 12:00am"),
        *(" 01:05:09 Pm", " 1:05 PM Z", " 1:05pm-05:00", " 1:05 PM +0530"),
    ],
)
def test_times_behind_other_dates(rest: str) -> None:
    for day in ("1/31/2026", "31 Jan 2026", "January 31, 2026", "2026.1.31"):
        assert OTHER.fullmatch(day + rest)


@pytest.mark.parametrize(
    "rest",
    [
        *("T12:00", " 1:05", " 24:00", " 13:00 PM", " 0:30 AM", " 1 PM", " 1:60 PM", "Z", " 1:05 PMZ"),
        *(" 1:05 amz", " 12:00 UTC", " ", "\n", " 12:00\n"),
    ],
)
def test_times_that_are_not_behind_other_dates(rest: str) -> None:
    for day in ("1/31/2026", "31 Jan 2026", "January 31, 2026", "2026.1.31"):
        assert not OTHER.fullmatch(day + rest)


@pytest.mark.parametrize(
    "text", ["now", "today", "2026", "2026-01", "20260131", "2026-W05-6", "2026Q1", "Jan 2026", "31.1.26"]
)
def test_what_pandas_reads_beside_these_dates_is_none(text: str) -> None:
    assert not ANY_ISO.fullmatch(text)
    assert not OTHER.fullmatch(text)


_CLOCK = re.compile(r"[ tT](\d+):(\d+)(?::(\d+)(?:\.(\d+))?)? ?([aApP]?)[mM]? ?([zZ]?|([+-])(\d\d):?(\d*))")
_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}


def meant(text: str) -> pd.Timestamp:
    """Read a date of either pattern by itself: the moment, in UTC."""
    clock = re.search(r"[ tT]\d+:.*$", text)
    numbers = [int(number) for number in re.findall(r"\d+", text[: clock.start()] if clock else text)]
    name = re.search("[a-zA-Z]{3}", text[: clock.start()] if clock else text)
    if name:
        (day, year), month = numbers, _MONTHS[name[0].lower()]
    elif numbers[0] > 31:
        year, month, day = numbers
    else:
        (month, day, year) = numbers if numbers[0] <= 12 else (numbers[1], numbers[0], numbers[2])
    stamp = pd.Timestamp(year, month, day, tz="UTC").as_unit("ns")
    if clock:
        found = _CLOCK.fullmatch(clock[0])
        assert found
        hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
        if found[5]:
            hour = hour % 12 + (12 if found[5] in "pP" else 0)
        stamp += pd.Timedelta(hours=hour, minutes=minute, seconds=second)
        stamp += pd.Timedelta(int((found[4] or "").ljust(9, "0")), unit="ns")
        if found[7]:
            offset = pd.Timedelta(hours=int(found[8]), minutes=int(found[9] or 0))
            stamp -= offset if found[7] == "+" else -offset
    return stamp


def by_autogluon(text: str) -> pd.Timestamp:
    """Read a date as AutoGluon reads a column of texts."""
    stamp = pd.to_datetime(pd.Series([text]), utc=True, errors="coerce", format="mixed")[0]
    assert isinstance(stamp, pd.Timestamp)
    return stamp


@settings(max_examples=300, deadline=None)
@given(st.from_regex(ISO, fullmatch=True))
def test_an_iso_date_is_read_as_one_expects(text: str) -> None:
    """Where T and Z are small, pandas reads no more than microseconds."""
    stamp = pd.to_datetime(text, format="mixed", utc=True)
    assert stamp == by_autogluon(text)
    assert stamp.floor("us") == meant(text).floor("us")
    upper = pd.to_datetime(text.upper(), format="mixed", utc=True)
    assert upper == by_autogluon(text.upper()) == pd.to_datetime(upper.value, utc=True) == meant(text)


@settings(max_examples=300, deadline=None)
@given(st.from_regex(OTHER, fullmatch=True))
def test_another_date_is_read_as_one_expects(text: str) -> None:
    """To the microsecond; whether pandas reads more depends on the spelling."""
    stamp = pd.to_datetime(text, format="mixed", utc=True)
    assert stamp == by_autogluon(text) == pd.to_datetime(stamp.as_unit("ns").value, utc=True)
    assert stamp in (meant(text), meant(text).floor("us"))


def moment(stamp: pd.Timestamp) -> str:
    """Give the pattern of a moment, in UTC."""
    return spellings.moment(stamp.tz_convert("UTC").tz_localize(None).isoformat())


@FEW
@given(st.from_regex(ISO, fullmatch=True), st.from_regex(ISO, fullmatch=True), st.data())
def test_a_moment_is_matched_in_all_its_spellings(text: str, other: str, data: st.DataObject) -> None:
    without_offset = re.sub(r"([zZ]|[+-]\d\d:?\d*)$", "", text) if ":" in text else text
    rest = data.draw(st.sampled_from(["", "Z", "z", "+00", "-00:00", "+0000"])) if ":" in text else ""
    pattern = moment(meant(without_offset))
    assert matches(pattern, without_offset + rest)
    spelled = data.draw(st.from_regex(pattern, fullmatch=True))
    assert ISO.fullmatch(spelled)
    assert meant(spelled) == meant(without_offset)
    assert meant(other) == meant(without_offset) or not matches(pattern, other)
    for nanoseconds in (1, 10**9, 60 * 10**9):
        assert not matches(moment(meant(without_offset) + pd.Timedelta(nanoseconds, unit="ns")), without_offset + rest)


@given(st.from_regex(ANY_ISO, fullmatch=True))
def test_years_that_do_not_fit_are_the_only_difference(text: str) -> None:
    assert (ISO.fullmatch(text) is not None) == (1678 <= int(text[:4]) <= 2261)


@EVERY_PATTERN
@FEW
@given(data=st.data())
def test_no_pattern_matches_other_digits_or_lines(pattern: str, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(pattern, fullmatch=True))
    digits = [i for i, letter in enumerate(text) if letter.isdigit()]
    wrong = [f"{text}\n", f"\n{text}", f"{text}\x00", f"{text} ", f"{text}\u2028"]
    if digits:
        at = data.draw(st.sampled_from(digits))
        # Digits to Python: the Arabic ones, and the wide ones.
        wrong += [text[:at] + chr(ord(zero) + int(text[at])) + text[at + 1 :] for zero in "\u0660\uff10"]
    assert not any(matches(pattern, one) for one in wrong)


@cache
def by_ecma(pattern: str) -> Callable[[str], bool]:
    """Match as a validator of JSON Schema does."""
    schemas = pytest.importorskip("jsonschema_rs")
    validator = schemas.validator_for({"type": "string", "pattern": rf"^(?:{pattern})$(?!\n)"})
    return lambda text: bool(validator.is_valid(text))


@EVERY_PATTERN
@FEW
@given(data=st.data())
def test_patterns_mean_the_same_in_a_schema(pattern: str, data: st.DataObject) -> None:
    drawn = data.draw(st.from_regex(pattern, fullmatch=True))
    at, letter = data.draw(st.integers(0, len(drawn))), data.draw(st.sampled_from(ALPHABET))
    spoiled = (drawn[:at] + drawn[at + 1 :], drawn[:at] + letter + drawn[at:], drawn[:at] + letter + drawn[at + 1 :])
    for text in (drawn, f"{drawn}\n", *spoiled, data.draw(st.text(ALPHABET, max_size=25))):
        assert by_ecma(pattern)(text) == matches(pattern, text), text


@EVERY_PATTERN
@pytest.mark.timeout(20, func_only=True)
def test_a_long_text_is_soon_done_with(pattern: str) -> None:
    """A pattern that tries each end of each part takes hours over a body of megabytes."""
    for head, part in itertools.product(("", "-", "0.", "1.", "2026-01-31T12:00:00.", "1e", "1.5e"), "0123"):
        assert not matches(pattern, head + part * 200_000 + "x")
