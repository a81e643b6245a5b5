from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agbento.schema import Feature
from agbento.values.numbers import FloatReader, IntReader, number_dtype, read_at_once, size_limit, whole_bounds
from agbento.values.reasons import Off, Reason
from tests.outcomes import ANY_JSON, NESTED, outcome, same

INTS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
FLOATS = ("float16", "float32", "float64")
INT8, UINT64 = Feature("i", "int", "int8"), Feature("u", "int", "uint64")
FLOAT32, FLOAT64 = Feature("f", "float", "float32"), Feature("d", "float", "float64")
MAX32, MAX64 = float(np.finfo("float32").max), float(np.finfo("float64").max)
FEATURES = [*(Feature(dtype, "int", dtype) for dtype in INTS), *(Feature(dtype, "float", dtype) for dtype in FLOATS)]
NAN = math.nan
NUMBERS = st.integers() | st.floats() | st.integers(-(10**320), 10**320) | st.integers(-130, 130)


def reader(feature: Feature) -> IntReader | FloatReader:
    return IntReader(feature) if feature.type == "int" else FloatReader(feature)


@pytest.mark.parametrize(
    ("value", "reason", "held"),
    [
        (1, None, 1),
        (-128, None, -128),
        (127, None, 127),
        (1.0, None, 1),
        (-0.0, None, 0),
        ("1", None, 1),
        ("+1", None, 1),
        ("-1", None, -1),
        ("001", None, 1),
        ("0" * 5000 + "1.0", None, 1),
        ("1.0", None, 1),
        ("1.", None, 1),
        ("-0", None, 0),
        (".0", None, 0),
        ("-.00", None, 0),
        ("-128", None, -128),
        (None, "null", 0),
        ("", "null", 0),
        (True, "wrong_type", 0),
        (False, "wrong_type", 0),
        (2.7, "not_a_whole_number", 2),
        (-2.7, "not_a_whole_number", -2),
        ("2.7", "not_a_whole_number", 2),
        ("+2.7", "not_a_whole_number", 2),
        ("-2.7", "not_a_whole_number", -2),
        ("-0.5", "not_a_whole_number", 0),
        (".5", "not_a_whole_number", 0),
        (127.9, "not_a_whole_number", 127),
        ("-128.9", "not_a_whole_number", -128),
        ("0" * 5000 + "1.5", "not_a_whole_number", 1),
        (128, "out_of_range", 127),
        (300, "out_of_range", 127),
        (-129, "out_of_range", -128),
        (128.5, "out_of_range", 127),
        ("128.5", "out_of_range", 127),
        ("-129.0", "out_of_range", -128),
        ("9" * 5000, "out_of_range", 127),
        (1e30, "out_of_range", 127),
        (-1e30, "out_of_range", -128),
        (10**400, "out_of_range", 127),
        (-(10**400), "out_of_range", -128),
        (math.inf, "not_finite", 0),
        (-math.inf, "not_finite", 0),
        (NAN, "not_finite", 0),
        ("NaN", "not_finite", 0),
        ("Infinity", "not_finite", 0),
        ("-inf", "not_finite", 0),
        ("1e3", "not_a_number", 0),
        ("1_0", "not_a_number", 0),
        ("\u0663", "not_a_number", 0),
        (" 5 ", "not_a_number", 0),
        ("5\n", "not_a_number", 0),
        (".", "not_a_number", 0),
        ("+", "not_a_number", 0),
        ("seven", "not_a_number", 0),
        *((value, "wrong_type", 0) for value in NESTED),
    ],
)
def test_a_value_of_a_column_of_one_byte(value: Any, reason: Reason | None, held: int) -> None:
    found = outcome(IntReader(INT8), value)
    assert found[0] == reason
    assert same(found[1], held)


@pytest.mark.parametrize(
    ("value", "reason", "held"),
    [
        (1, None, 1.0),
        (2.7, None, 2.7),
        (300, None, 300.0),
        (-MAX32, None, -MAX32),
        (2**100, None, 2.0**100),
        ("1", None, 1.0),
        ("1.0", None, 1.0),
        ("2.7", None, 2.7),
        (".5", None, 0.5),
        ("1e3", None, 1000.0),
        ("-2.5E-3", None, -0.0025),
        ("1e-400", None, 0.0),
        ("0" * 5000 + "1", None, 1.0),
        ("340282346638528859811704183484516925440", None, MAX32),
        (None, "null", NAN),
        ("", "null", NAN),
        (True, "wrong_type", NAN),
        (False, "wrong_type", NAN),
        (1e39, "out_of_range", MAX32),
        (-1e39, "out_of_range", -MAX32),
        (10**400, "out_of_range", MAX32),
        (-(10**400), "out_of_range", -MAX32),
        ("1e39", "out_of_range", MAX32),
        ("-1e400", "out_of_range", -MAX32),
        ("9" * 5000, "out_of_range", MAX32),
        ("340282346638528859811704183484516925441", "out_of_range", MAX32),
        # Within the limit, only not seen to be by the pattern: the number itself is held.
        ("12e3", None, 12000.0),
        ("-10e-3", None, -0.01),
        ("3e38", "out_of_range", 3e38),
        (math.inf, "not_finite", NAN),
        (-math.inf, "not_finite", NAN),
        (NAN, "not_finite", NAN),
        ("NaN", "not_finite", NAN),
        ("Infinity", "not_finite", NAN),
        ("+inf", "not_finite", NAN),
        ("1_0", "not_a_number", NAN),
        ("\u0663", "not_a_number", NAN),
        (" 5 ", "not_a_number", NAN),
        ("5\n", "not_a_number", NAN),
        ("infin", "not_a_number", NAN),
        ("0x1p3", "not_a_number", NAN),
        *((value, "wrong_type", NAN) for value in NESTED),
    ],
)
def test_a_value_of_a_column_of_fractions(value: Any, reason: Reason | None, held: float) -> None:
    found = outcome(FloatReader(FLOAT32), value)
    assert found[0] == reason
    assert same(found[1], held)


@pytest.mark.parametrize(
    ("value", "reason", "held"),
    [
        (2**64 - 1, None, 2**64 - 1),
        (str(2**64 - 1), None, 2**64 - 1),
        (2**64, "out_of_range", 2**64 - 1),
        (-1, "out_of_range", 0),
        ("-1", "out_of_range", 0),
        (-0.5, "not_a_whole_number", 0),
        ("-0.5", "not_a_whole_number", 0),
        ("-0", None, 0),
        (float(2**64), "out_of_range", 2**64 - 1),
    ],
)
def test_a_value_of_a_column_of_unsigned_numbers(value: Any, reason: Reason | None, held: int) -> None:
    assert outcome(IntReader(UINT64), value) == (reason, held)


def test_what_json_reads_as_an_infinity() -> None:
    read = FloatReader(FLOAT64)
    assert outcome(read, json.loads("1e38")) == (None, 1e38)
    assert outcome(read, json.loads("1e39"))[0] == "out_of_range"  # most models compute in 32 bits
    assert outcome(read, json.loads("1e400"))[0] == "not_finite"
    assert outcome(read, "1e400") == ("out_of_range", MAX32)
    assert outcome(read, json.loads(f"1{'0' * 400}")) == ("out_of_range", MAX32)


def test_what_a_reader_is_told() -> None:
    with pytest.raises(Off) as raised:
        IntReader(INT8)(2.7)
    assert (raised.value.expected, raised.value.taken_as) == ("a whole number from -128 to 127", "2")
    with pytest.raises(Off) as raised:
        FloatReader(FLOAT64)(None)
    assert raised.value.taken_as == "missing"
    with pytest.raises(Off) as raised:
        FloatReader(FLOAT64)(f"{10**20}e1")
    assert raised.value.taken_as == "1e+21"


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
@settings(max_examples=40, deadline=None)
@given(ANY_JSON | NUMBERS)
def test_what_is_held_fits_the_dtype(feature: Feature, value: Any) -> None:
    reason, held = outcome(reader(feature), value)
    column = np.array([held], number_dtype(feature))
    assert np.isfinite(column).all() or reason in ("null", "not_finite", "wrong_type", "not_a_number")
    assert feature.type == "float" or column[0] == held
    if reason is None and not isinstance(value, str):
        assert float(column[0]) == float(np.array([value]).astype(feature.dtype)[0])


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
@settings(max_examples=40, deadline=None)
@given(st.lists(ANY_JSON, max_size=3) | st.lists(NUMBERS | st.none(), max_size=6) | st.lists(st.integers(0, 127)))
def test_many_numbers_are_read_as_each_by_itself(feature: Feature, values: list[Any]) -> None:
    nulls = values.count(None) if feature.type == "float" else 0
    found = read_at_once(feature, values, nulls)
    if found is None:
        return
    assert found.dtype == number_dtype(feature)
    outcomes = [outcome(reader(feature), value) for value in values]
    assert [reason for reason, _ in outcomes if reason] == ["null"] * nulls
    np.testing.assert_array_equal(found, np.array([held for _, held in outcomes], number_dtype(feature)))


@pytest.mark.parametrize(
    ("feature", "values", "nulls"),
    [
        (INT8, [-128, 0, 127], 0),
        (UINT64, [0, 2**63 - 1], 0),
        (FLOAT32, [1, 2.5, -MAX32], 0),
        (FLOAT64, [2**70, 1.5, None, None], 2),
        (FLOAT64, [None], 1),
    ],
)
def test_numbers_that_are_read_at_once(feature: Feature, values: list[Any], nulls: int) -> None:
    found = read_at_once(feature, values, nulls)
    assert found is not None
    expected = [NAN if value is None else value for value in values]
    np.testing.assert_array_equal(found, np.array(expected, number_dtype(feature)))


@pytest.mark.parametrize(
    ("feature", "values", "nulls"),
    [
        (INT8, [1, 128], 0),
        (INT8, [1, None], 1),
        (INT8, [1, 1.0], 0),
        (INT8, [1, True], 0),
        (INT8, [1, "1"], 0),
        (INT8, [1, 10**400], 0),
        (UINT64, [1, 2**63], 0),
        (FLOAT32, [1, 1e39], 0),
        (FLOAT32, [1.0, "1"], 0),
        (FLOAT64, [1.0, True], 0),
        (FLOAT64, [1.0, 10**400], 0),
        (FLOAT64, [1.0, math.inf], 0),
        (FLOAT64, [1.0, None], 0),
        (FLOAT64, [1.0, None, NAN], 1),
        (FLOAT64, [[1.0], [2.0]], 0),
    ],
)
def test_numbers_of_which_one_is_to_be_looked_at(feature: Feature, values: list[Any], nulls: int) -> None:
    assert read_at_once(feature, values, nulls) is None


@pytest.mark.parametrize("dtype", INTS)
def test_bounds_of_whole_numbers(dtype: str) -> None:
    feature = Feature("i", "int", dtype)
    assert whole_bounds(feature) == (np.iinfo(dtype).min, np.iinfo(dtype).max)
    assert all(type(bound) is int for bound in whole_bounds(feature))


@pytest.mark.parametrize("dtype", FLOATS)
def test_limits_of_fractions(dtype: str) -> None:
    feature = Feature("f", "float", dtype)
    assert same(size_limit(feature), float(min(np.finfo(dtype).max, np.finfo("float32").max)))


@pytest.mark.parametrize(
    ("kind", "dtype", "expected"),
    [
        ("int", "Int8", "int64"),
        ("int", "bool", "int64"),
        ("int", "object", "int64"),
        ("int", "Sparse[int64, 0]", "int64"),
        ("int", "float32", "int64"),
        ("float", "Float32", "float64"),
        ("float", "int8", "float64"),
        ("float", "longdouble", "float64"),
        ("float", "float32", "float32"),
    ],
)
def test_a_column_of_another_dtype_is_as_wide_as_can_be(kind: Any, dtype: str, expected: str) -> None:
    assert number_dtype(Feature("x", kind, dtype)) == np.dtype(expected)
