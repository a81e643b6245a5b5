from __future__ import annotations

from dataclasses import replace

import pytest

from agbento.schema import Feature, TwoValued
from agbento.values.reasons import ACTIONS, REASONS, Action, Off, Reason, default_action, never_null, reasons_of

INT, FLOAT = Feature("i", "int", "int64"), Feature("f", "float", "float64")
FLAG, CATEGORY, TEXT = Feature("b", "bool", "bool"), Feature("c", "category", "object"), Feature("t", "text", "object")
DATE, DATE_TEXT = Feature("d", "datetime", "datetime64[ns]"), Feature("o", "datetime", "object")
ZONED = Feature("z", "datetime", "datetime64[ns, UTC]")
PLAIN = (INT, FLOAT, FLAG, CATEGORY, TEXT, DATE, DATE_TEXT, ZONED)
TWO_VALUED = tuple(replace(feature, two_valued=TwoValued(1)) for feature in PLAIN if feature is not FLAG)
NUMBERS = {"not_a_number", "not_finite", "out_of_range"}
DATES = {"not_a_date", "number_as_date", "out_of_range", "date_spelling"}


@pytest.mark.parametrize(
    ("feature", "own"),
    [
        (INT, NUMBERS | {"not_a_whole_number"}),
        (FLOAT, NUMBERS),
        (FLAG, set()),
        (CATEGORY, {"unseen_category"}),
        (TEXT, set()),
        (DATE, DATES),
        (DATE_TEXT, DATES),
    ],
    ids=lambda value: value.name if isinstance(value, Feature) else "",
)
def test_reasons_of_a_feature(feature: Feature, own: set[str]) -> None:
    everywhere = {"missing_column", "wrong_type", "null"}
    assert set(reasons_of(feature)) == everywhere | own
    of_two = replace(feature, two_valued=TwoValued("x"))
    assert set(reasons_of(of_two)) == everywhere | {"unseen_value", "unverified_value"} | own - {"unseen_category"}


def test_every_reason_occurs_somewhere() -> None:
    found = {reason for feature in (*PLAIN, *TWO_VALUED) for reason in reasons_of(feature)}
    assert found | {"unused_column"} == set(REASONS)
    assert "unused_column" not in found


@pytest.mark.parametrize("feature", [*PLAIN, *TWO_VALUED], ids=lambda feature: feature.name)
def test_every_reason_is_named_once_and_has_an_action(feature: Feature) -> None:
    reasons = reasons_of(feature)
    assert len(reasons) == len(set(reasons))
    assert {default_action(feature, reason) for reason in reasons} <= set(ACTIONS)


@pytest.mark.parametrize(
    ("feature", "reason", "action"),
    [
        *((feature, "missing_column", "reject") for feature in (*PLAIN, *TWO_VALUED)),
        *((feature, "wrong_type", "reject") for feature in (*PLAIN, *TWO_VALUED)),
        *((INT, reason, "reject") for reason in (*sorted(NUMBERS), "not_a_whole_number")),
        *((DATE, reason, "reject") for reason in ("not_a_date", "number_as_date", "out_of_range")),
        (DATE, "date_spelling", "warn"),
        (ZONED, "date_spelling", "warn"),
        (DATE_TEXT, "date_spelling", "accept"),
        (replace(DATE_TEXT, dtype="string"), "date_spelling", "accept"),
        (CATEGORY, "unseen_category", "warn"),
        *((feature, "unseen_value", "warn") for feature in TWO_VALUED),
        *((feature, "unverified_value", "accept") for feature in TWO_VALUED),
        (INT, "unused_column", "accept"),
    ],
)
def test_what_is_done_unless_told(feature: Feature, reason: Reason, action: Action) -> None:
    assert default_action(feature, reason) == action


@pytest.mark.parametrize(
    ("feature", "action"),
    [
        (INT, "warn"),
        (FLAG, "warn"),
        (FLOAT, "accept"),
        (replace(FLOAT, nulls=True), "accept"),
        (replace(FLOAT, nulls=False), "warn"),
        (CATEGORY, "accept"),
        (replace(CATEGORY, nulls=False), "warn"),
        (TEXT, "accept"),
        (DATE, "warn"),
        (replace(DATE, nulls=True), "warn"),
        (DATE_TEXT, "warn"),
        (replace(DATE, two_valued=TwoValued("2024-01-01")), "accept"),
        (replace(DATE, two_valued=TwoValued("2024-01-01"), nulls=False), "warn"),
        (replace(INT, two_valued=TwoValued(1)), "warn"),
        (replace(FLOAT, two_valued=TwoValued(1.0)), "accept"),
    ],
)
def test_null_is_told_where_training_had_none(feature: Feature, action: Action) -> None:
    assert default_action(feature, "null") == action


@pytest.mark.parametrize("nulls", [None, False, True])
def test_ints_and_flags_are_never_null(nulls: bool | None) -> None:
    assert never_null(replace(INT, nulls=nulls))
    assert never_null(replace(FLAG, nulls=nulls))
    assert never_null(replace(FLOAT, nulls=nulls)) == (nulls is False)


def test_what_is_off_is_missing_unless_told() -> None:
    off = Off("null", "a number", None)
    assert (off.reason, off.expected, off.held, off.taken_as) == ("null", "a number", None, "missing")
    assert Off("null", "a number", 0, "0").taken_as == "0"
