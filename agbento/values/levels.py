"""Values of columns with levels: flags and categories → what the column holds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final

from agbento.schema import Feature, Scalar
from agbento.values import spellings
from agbento.values.reasons import Off

Reader = Callable[[Any], Any]
# What a column holds in place of a value that is none of its levels; pandas finds True among levels that hold 1.
UNSEEN: Final = "\x00 a value that is none of the levels"
# A text that a number would be written as; "007" and "1e3" are something else.
_PLAIN_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,6})?")
_MOMENT: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}) ([0-9]{2}:[0-9]{2}:[0-9]{2})")
_TRUE, _FALSE = re.compile(spellings.TRUE), re.compile(spellings.FALSE)


def bool_reader() -> Reader:
    """Give the function that reads a value of a bool column; it raises Off."""
    expected = "true or false"

    def read(value: Any) -> bool:
        if isinstance(value, (bool, int, float)) and value in (0, 1):
            return bool(value)
        if isinstance(value, str):
            if _TRUE.fullmatch(value):
                return True
            if _FALSE.fullmatch(value):
                return False
        raise Off("null" if value in (None, "") else "wrong_type", expected, False, "false")

    return read


def category_reader(feature: Feature) -> Reader:
    """Give the function that reads a value of a category column; it raises Off.

    AutoGluon compares levels by type and value: "3" is not 3. Here a value is the level that it spells, if it is one.
    """
    if feature.categories is None:
        return scalar_reader
    levels = feature.categories
    meant = spelled_levels(levels)
    shown = ", ".join(_shown(level) for level in levels[:5]) + (", …" if len(levels) > 5 else "")
    expected = f"one of the {len(levels)} categories that training kept: {shown}" if levels else "no category was kept"

    # AutoGluon makes a level of null where a column of texts had some.
    null = "null, a category of its own" if feature.nulls else "missing"

    def read(value: Any) -> Any:
        if value is None:
            raise Off("null", expected, None, null)
        if not isinstance(value, (str, int, float)):
            raise Off("wrong_type", expected, UNSEEN)
        try:
            return meant[key_of(value)]
        except KeyError:
            if value == "":
                raise Off("null", expected, None, null) from None
            raise Off("unseen_category", expected, UNSEEN) from None

    return read


def text_reader(feature: Feature) -> Reader:
    """Give the function that reads a value of a text column; it raises Off."""
    levels = None if feature.categories is None else frozenset(feature.categories)
    expected = f"one of the {len(levels or ())} texts that training kept as categories"

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise Off("null" if value is None else "wrong_type", "a text", "", "an empty text")
        if levels is not None and value and value not in levels:
            raise Off("unseen_category", expected, value, "a missing category; its words are counted")
        return value

    return read


def scalar_reader(value: Any) -> Any:
    """Read any scalar: a value of a column whose levels are not kept. Raises Off."""
    if value is None or value == "":
        raise Off("null", "a value", None)
    if not isinstance(value, (str, int, float)):
        raise Off("wrong_type", "a text, a number, true or false", UNSEEN)
    return value


def _shown(level: Scalar) -> str:
    return json.dumps(level) if isinstance(level, bool) else repr(level)


def key_of(value: Scalar) -> Hashable:
    """Give what tells scalars apart: true is not 1, and a text is no number."""
    return isinstance(value, str), isinstance(value, bool), value


def spelled_levels(levels: Sequence[Scalar]) -> dict[Hashable, Scalar]:
    """Give each spelling of a level, by its key, and the level. A spelling of two levels belongs to neither."""
    found: dict[Hashable, Scalar] = {}
    twice: set[Hashable] = set()
    exact = {key_of(level) for level in levels}
    for level in levels:
        for spelling in spellings_of(level):
            key = key_of(spelling)
            if key in found and key_of(found[key]) != key_of(level):
                twice.add(key)
            found[key] = level
    found = {key: level for key, level in found.items() if key not in twice or key in exact}
    return found | {key_of(level): level for level in levels}


def spellings_of(level: Scalar) -> tuple[Scalar, ...]:
    """Give the values that mean this level where no other level is meant by them: ``1``, ``"1"``, ``"1.0"``."""
    if isinstance(level, bool):
        return (
            (level, "true", "True", "TRUE", "1", "1.0", 1)
            if level
            else (level, "false", "False", "FALSE", "0", "0.0", 0)
        )
    if isinstance(level, str):
        if moment := _MOMENT.fullmatch(level):
            # The text of a category that is a date: pandas leaves out midnight, JSON has a T.
            day, time = moment.groups()
            return (level, f"{day}T{time}", *([day] if time == "00:00:00" else []))
        if not _PLAIN_NUMBER.fullmatch(level):
            return (level,)
        number = float(level)
        return (level, number, *_number_texts(number))
    return (level, *_number_texts(level))


def _number_texts(number: float) -> tuple[str, ...]:
    if isinstance(number, float) and not number.is_integer():
        return (str(number),)
    return str(int(number)), f"{int(number)}.0"
