"""What can be off with a value of a request: the reasons, where each can occur, and what is done about it unless told.

AutoGluon answers most of these without a word: it puts something else in the value's place.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final, Literal, get_args

from agbento.schema import Feature

Action = Literal["reject", "warn", "accept"]
Reason = Literal[
    "missing_column",
    "wrong_type",
    "not_a_number",
    "not_a_whole_number",
    "not_finite",
    "out_of_range",
    "not_a_date",
    "number_as_date",
    "date_spelling",
    "null",
    "unseen_category",
    "unseen_value",
    "unverified_value",
    "unused_column",
]
# How often a thing was off: (feature, reason, action); the feature is "" for columns that the model does not use.
Counts = Counter[tuple[str, Reason, Action]]
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)

_EVERYWHERE: Final[tuple[Reason, ...]] = ("missing_column", "wrong_type", "null")
_BY_TYPE: Final[dict[str, tuple[Reason, ...]]] = {
    "int": ("not_a_number", "not_a_whole_number", "not_finite", "out_of_range"),
    "float": ("not_a_number", "not_finite", "out_of_range"),
    "datetime": ("not_a_date", "number_as_date", "out_of_range", "date_spelling"),
    "category": ("unseen_category",),
    "bool": (),
    "text": (),
}
_TWO_VALUED: Final[tuple[Reason, ...]] = ("unseen_value", "unverified_value")


class Off(Exception):
    """A value that is off.

    ``expected`` says what would not be. ``held`` is what the column holds where the policy lets the value pass, and
    ``taken_as`` says so to a reader.
    """

    def __init__(self, reason: Reason, expected: str, held: Any, taken_as: str = "missing") -> None:
        self.reason, self.expected, self.held, self.taken_as = reason, expected, held, taken_as


def reasons_of(feature: Feature) -> tuple[Reason, ...]:
    """Give the reasons for which a value of this feature can be off."""
    if feature.two_valued is None and feature.type == "text" and feature.categories is not None:
        return (*_EVERYWHERE, "unseen_category")
    if feature.two_valued is None:
        return (*_EVERYWHERE, *_BY_TYPE[feature.type])
    own = tuple(reason for reason in _BY_TYPE[feature.type] if reason != "unseen_category")
    return (*_EVERYWHERE, *own, *_TWO_VALUED)


def default_action(feature: Feature, reason: Reason) -> Action:
    """Give what is done where no policy says anything; docs/values.md gives the reason of each."""
    match reason:
        case "null":
            # AutoGluon puts the mean of training in place of a null date, whether training had nulls or not.
            is_date = feature.type == "datetime" and feature.two_valued is None
            return "warn" if is_date or never_null(feature) else "accept"
        case "date_spelling":
            # A column of texts was spelled in some way in training, and was read as it is read here.
            return "warn" if feature.holds_timestamps else "accept"
        case "unseen_category":
            # A text is new more often than not, and its words count all the same.
            return "accept" if feature.type == "text" else "warn"
        case "unseen_value":
            return "warn"
        case "unverified_value" | "unused_column":
            return "accept"
        case _:
            return "reject"


def never_null(feature: Feature) -> bool:
    """Tell whether training is known to have had no null in this column; int and bool columns cannot hold one."""
    return feature.nulls is False or feature.type in ("int", "bool")
