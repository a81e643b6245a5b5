from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agbento.schema import Feature, Scalar
from agbento.values.levels import (
    UNSEEN,
    bool_reader,
    category_reader,
    key_of,
    spelled_levels,
    spellings_of,
    text_reader,
)
from agbento.values.reasons import Off, Reason
from tests.outcomes import ANY_JSON, NESTED, outcome, same

LEVELS = st.lists(
    st.text(max_size=3)
    | st.integers(-3, 3)
    | st.booleans()
    | st.sampled_from(["1", "1.0", "01", "-1", "2.5", "2.50", "true", "True", "", " a"])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(10**320), 10**320),
    min_size=1,
    max_size=6,
    unique_by=key_of,
)


def category(*levels: Scalar, dtype: str = "object") -> Feature:
    return Feature("c", "category", dtype, categories=levels)


@pytest.mark.parametrize(
    ("value", "reason", "held"),
    [
        *((value, None, True) for value in (True, 1, 1.0, "true", "TRUE", "True", "1", "1.0", "+1", "01")),
        *((value, None, False) for value in (False, 0, 0.0, -0.0, "false", "FALSE", "0", "0.0", "-0")),
        (None, "null", False),
        ("", "null", False),
        *(
            (value, "wrong_type", False)
            for value in (2, -1, 0.5, math.nan, math.inf, 10**400, "yes", "t", "true\n", "2")
        ),
        *((value, "wrong_type", False) for value in NESTED),
    ],
)
def test_flags(value: Any, reason: Reason | None, held: bool) -> None:
    found = outcome(bool_reader(), value)
    assert found[0] == reason
    assert same(found[1], held)


def test_what_is_said_of_a_flag() -> None:
    with pytest.raises(Off) as raised:
        bool_reader()(2)
    assert (raised.value.expected, raised.value.taken_as) == ("true or false", "false")


@pytest.mark.parametrize("level", ["3", 3, 3.0, "3.0"])
@pytest.mark.parametrize("value", ["3", 3, 3.0, "3.0"])
def test_a_number_and_its_text_are_one_level(level: Scalar, value: Any) -> None:
    reason, held = outcome(category_reader(category("x", level, "y")), value)
    assert reason is None
    assert same(held, level)


@pytest.mark.parametrize("value", [True, 1, 1.0, "1", "1.0", "true", "True", "TRUE"])
def test_a_flag_among_texts_is_a_level(value: Any) -> None:
    assert outcome(category_reader(category(True, False, "x")), value) == (None, True)


@pytest.mark.parametrize("value", [False, 0, 0.0, "0", "0.0", "false", "False", "FALSE"])
def test_the_other_flag_among_texts_is_a_level(value: Any) -> None:
    found = outcome(category_reader(category(True, False, "x")), value)
    assert found == (None, False)
    assert found[1] is False


@pytest.mark.parametrize(
    ("levels", "value", "held"),
    [
        ((1, "1", True), 1, 1),
        ((1, "1", True), 1.0, 1),
        ((1, "1", True), "1", "1"),
        ((1, "1", True), True, True),
        ((1, "1", True), "true", True),
        ((1, "1", True), "1.0", UNSEEN),
        (("1", True), 1, UNSEEN),
        (("1", True), "1", "1"),
        (("1", True), True, True),
        ((1, True), "1", UNSEEN),
        ((1, True), 1, 1),
        ((0, False), False, False),
        (("3", "3.0"), "3", "3"),
        (("3", "3.0"), "3.0", "3.0"),
        (("3", "3.0"), 3, UNSEEN),
        (("3", "3.0"), 3.0, UNSEEN),
        ((3, "3.00"), "3.00", "3.00"),
        ((3, "3.00"), "3.0", UNSEEN),
        ((3, "3.00"), 3, 3),
        (("true", True), "true", "true"),
        (("true", True), "TRUE", True),
        (("true", True), True, True),
        (("True", "true", True), "True", "True"),
    ],
)
def test_what_is_spelled_as_two_levels_is_the_one_of_its_type(levels: Any, value: Any, held: Any) -> None:
    for ordered in (levels, levels[::-1]):
        reason, found = outcome(category_reader(category(*ordered)), value)
        assert same(found, held)
        assert reason == ("unseen_category" if held == UNSEEN else None)


@pytest.mark.parametrize("value", ["a", " a ", "A", "a\n", "\u00a0a", "ä"])
def test_blanks_and_case_belong_to_a_level(value: str) -> None:
    read = category_reader(category(" a", "b"))
    assert outcome(read, " a") == (None, " a")
    assert outcome(read, value) == ("unseen_category", UNSEEN)


@pytest.mark.parametrize("text", ["007", "1e3", "1_0", "+1", " 1", "0x1", "1.", ".5", "-", "1,5", "\u0661", "1\n"])
def test_a_text_that_no_number_is_written_as_is_only_itself(text: str) -> None:
    assert spellings_of(text) == (text,)
    assert outcome(category_reader(category(text)), text) == (None, text)


@pytest.mark.parametrize("dtype", ["object", "category"])
def test_an_empty_text_is_null_unless_it_is_a_level(dtype: str) -> None:
    assert outcome(category_reader(category("a", dtype=dtype)), "") == ("null", None)
    assert outcome(category_reader(category("a", "", dtype=dtype)), "") == (None, "")
    assert outcome(category_reader(category("a", "", dtype=dtype)), None) == ("null", None)


@pytest.mark.parametrize(
    ("level", "value"),
    [
        (10**20, 10**20),
        (10**20, "1" + "0" * 20),
        (10**20, "1" + "0" * 20 + ".0"),
        (10**20, 1e20),
        (10**400, 10**400),
        (10**400, "1" + "0" * 400),
        (2**53 + 1, 2**53 + 1),
        (1e300, 1e300),
        (0.1, "0.1"),
        (-2.5, "-2.5"),
        (1e-7, "1e-07"),
        ("123456789012345.25", 123456789012345.25),
    ],
)
def test_levels_of_any_size(level: Scalar, value: Any) -> None:
    reason, held = outcome(category_reader(category(level, "x")), value)
    assert reason is None
    assert same(held, level)


@pytest.mark.parametrize(
    ("level", "value"),
    [
        (2**53 + 1, 2.0**53),
        (10**400, 10**400 + 1),
        (1, 1.5),
        (1, math.nan),
        (1, math.inf),
        ("1", "01"),
        (0.1, 0.1 + 1e-16),
    ],
)
def test_what_is_near_a_level_is_none(level: Scalar, value: Any) -> None:
    assert outcome(category_reader(category(level, "x")), value) == ("unseen_category", UNSEEN)


def test_levels_that_are_not_known_are_whatever_comes() -> None:
    """A feature generator of the team's own may keep none: then AutoGluon is given what was sent."""
    read = category_reader(Feature("c", "category", "object"))
    for value in ("x", 3, 3.5, True):
        assert outcome(read, value) == (None, value)
    assert outcome(read, None) == ("null", None)
    assert outcome(read, [1]) == ("wrong_type", UNSEEN)


def test_a_text_that_training_had_several_times_is_a_category_too() -> None:
    read = text_reader(Feature("t", "text", "object", categories=("the red hen",)))
    assert outcome(read, "the red hen") == (None, "the red hen")
    assert outcome(read, "the red Hen") == ("unseen_category", "the red Hen")
    assert outcome(read, "") == (None, "")


@pytest.mark.parametrize("value", NESTED)
def test_what_is_no_scalar_is_no_level(value: Any) -> None:
    assert outcome(category_reader(category("x")), value) == ("wrong_type", UNSEEN)


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        (category("a", 1, True), "one of the 3 categories that training kept: 'a', 1, true"),
        (category(*"abcdef"), "one of the 6 categories that training kept: 'a', 'b', 'c', 'd', 'e', …"),
        (category(), "no category was kept"),
    ],
)
def test_what_was_expected_is_said(feature: Feature, expected: str) -> None:
    for value in (None, "never", [1]):
        with pytest.raises(Off) as raised:
            category_reader(feature)(value)
        assert (raised.value.expected, raised.value.taken_as) == (expected, "missing")


@given(LEVELS)
def test_every_level_is_itself_in_its_own_type(levels: list[Any]) -> None:
    read = category_reader(category(*levels))
    for level in levels:
        assert same(outcome(read, level)[1], level)


@given(LEVELS, ANY_JSON)
def test_what_is_held_is_a_level_that_the_value_spells(levels: list[Any], value: Any) -> None:
    reason, held = outcome(category_reader(category(*levels)), value)
    if reason is None:
        assert any(same(held, level) for level in levels)
        assert key_of(value) in {key_of(spelling) for spelling in spellings_of(held)}
        return
    assert held == (None if reason == "null" else UNSEEN)
    assert reason in ("null", "wrong_type", "unseen_category")
    assert not any(same(value, level) for level in levels)


@given(LEVELS)
def test_what_is_held_for_no_level_is_missing_to_pandas(levels: list[Any]) -> None:
    held = pd.Series([UNSEEN, None], dtype=object)
    # To pandas, too, 1 and True are one.
    categories = pd.Index(list(dict.fromkeys(levels)), dtype=object)
    assert pd.Categorical(held, categories=categories).isna().all()


@given(LEVELS)
def test_a_spelling_of_two_levels_is_of_neither(levels: list[Any]) -> None:
    meant = spelled_levels(levels)
    exact = {key_of(level) for level in levels}
    for level in levels:
        for key in {key_of(spelling) for spelling in spellings_of(level)} - exact:
            owners = [one for one in levels if key in {key_of(spelling) for spelling in spellings_of(one)}]
            assert (key in meant) == (len(owners) == 1)


def test_true_is_not_one() -> None:
    assert len({key_of(value) for value in (True, 1, "1", "True")}) == 4
    assert key_of(1) == key_of(1.0)
