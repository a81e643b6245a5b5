"""What the service accepts as a feature's value, as JSON Schema: the same patterns and bounds that the readers have.

Each feature's values are cut into cases: those of no reason, and those of each reason for which one can be off. A
document lists the cases that the policy lets pass. It is coarser than the service in two-valued columns alone: where it
lists the two values of numbers, or the kept one of numbers or dates as a policy rejects unverified values, it lists
their usual spellings, those without an exponent or an offset; and where a policy rejects unseen values but no
unverified ones, it lists all where the other value is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from agbento.schema import Feature, Scalar, Schema, TwoValued
from agbento.values import spellings
from agbento.values.levels import spellings_of
from agbento.values.numbers import number_dtype, size_limit, whole_bounds
from agbento.values.policy import Policy
from agbento.values.reasons import Action, Reason

Json = dict[str, Any]
Case = tuple[Reason | None, Json]


def _text(pattern: str) -> Json:
    # In Python `$` also matches before a newline at the end.
    return {"type": "string", "pattern": rf"^(?:{pattern})$(?!\n)"}


# Patterns that many features share.
SHARED: Final[Json] = {
    "IsoDate": _text(spellings.iso_date()),
    "AnyIsoDate": _text(spellings.iso_date(any_year=True)),
    "OtherDate": _text(spellings.other_date()),
    "NumberText": _text(spellings.NUMBER),
    "NotFiniteText": _text(spellings.NOT_FINITE),
}
_NULL: Final[list[Case]] = [("null", {"type": "null"}), ("null", {"const": ""})]


def shared(name: str) -> Json:
    """Refer to one of SHARED."""
    return {"$ref": f"#/components/schemas/{name}"}


def row_schema(schema: Schema, policy: Policy) -> Json:
    """Give the JSON Schema of a row."""
    return {
        "type": "object",
        "required": [name for name, actions in policy.actions.items() if actions["missing_column"] == "reject"],
        "properties": {
            feature.name: value_schema(feature, policy.actions[feature.name]) for feature in schema.features
        },
        "additionalProperties": policy.unused_column != "reject",
    }


def value_schema(feature: Feature, actions: Mapping[Reason, Action]) -> Json:
    """Give the JSON Schema of a feature's value, with what is known of it for people."""
    ways = [way for reason, way in _cases(feature, actions) if reason is None or actions[reason] != "reject"]
    described: Json = {"anyOf": ways} if len(ways) > 1 else dict(ways[0])
    if feature.categories is not None and feature.type == "category":
        described["x-categories"] = list(feature.categories)
    if feature.two_valued is not None:
        known = (feature.two_valued.false, feature.two_valued.true)
        described["x-categories"] = [value for value in known if value is not None]
    if feature.range is not None:
        described["description"] = f"{feature.range[0]:g} to {feature.range[1]:g} in training"
    if feature.typical is not None:
        described["examples"] = [feature.typical]
    return described


def _cases(feature: Feature, actions: Mapping[Reason, Action]) -> Iterator[Case]:
    if feature.two_valued is not None:
        third: Reason = "unseen_value" if feature.two_valued.false is not None else "unverified_value"
        if feature.type == "category" or actions[third] == "reject":
            yield from _two_valued(feature, feature.two_valued, third, actions)
            return
    match feature.type:
        case "int":
            yield from _int(feature)
        case "float":
            yield from _float(feature)
        case "bool":
            yield from _bool()
        case "datetime":
            yield from _datetime()
        case "category":
            if feature.categories is None:
                actions = {**actions, "unseen_category": "accept"}  # there is none
            yield from _category(feature.categories or (), "unseen_category", actions)
        case "text":
            yield from _text_column(feature, actions)


def _text_column(feature: Feature, actions: Mapping[Reason, Action]) -> Iterator[Case]:
    if feature.categories is not None and actions["unseen_category"] == "reject":
        yield None, {"enum": ["", *feature.categories]}
    else:
        yield None, {"type": "string"}
    yield "null", {"type": "null"}
    yield "wrong_type", {"type": ["number", "boolean", "array", "object"]}


def _int(feature: Feature) -> Iterator[Case]:
    low, high = whole_bounds(feature)
    whole, fraction = spellings.whole(low, high), spellings.fraction(low, high)
    yield None, {"type": "integer", "minimum": low, "maximum": high}
    yield None, _text(whole)
    yield from _NULL
    between = {"exclusiveMinimum": low - 1, "exclusiveMaximum": high + 1}
    yield "not_a_whole_number", {"type": "number", "not": {"type": "integer"}, **between}
    yield "not_a_whole_number", _text(fraction)
    yield "out_of_range", {"type": "number", "anyOf": [{"maximum": low - 1}, {"minimum": high + 1}]}
    yield "out_of_range", {**_text(spellings.DECIMAL), "not": _text(f"{whole}|{fraction}")}
    yield "not_finite", shared("NotFiniteText")
    yield "not_a_number", _text_but(_text(spellings.DECIMAL), shared("NotFiniteText"))
    yield "wrong_type", {"type": ["boolean", "array", "object"]}


def _float(feature: Feature) -> Iterator[Case]:
    limit = size_limit(feature)
    real = _text(spellings.real(limit))
    yield None, {"type": "number", "minimum": -limit, "maximum": limit}
    yield None, real
    yield from _NULL
    yield "out_of_range", {"type": "number", "anyOf": [{"exclusiveMaximum": -limit}, {"exclusiveMinimum": limit}]}
    yield "out_of_range", {"allOf": [shared("NumberText"), {"not": real}]}
    yield "not_finite", shared("NotFiniteText")
    yield "not_a_number", _text_but(shared("NumberText"), shared("NotFiniteText"))
    yield "wrong_type", {"type": ["boolean", "array", "object"]}


def _bool() -> Iterator[Case]:
    spelled = _text(f"{spellings.TRUE}|{spellings.FALSE}")
    yield None, {"enum": [True, False, 0, 1]}
    yield None, spelled
    yield from _NULL
    yield "wrong_type", _text_but(spelled)
    yield "wrong_type", {"type": ["number", "array", "object"], "not": {"enum": [0, 1]}}


def _datetime() -> Iterator[Case]:
    iso, any_iso, other, number = map(shared, ("IsoDate", "AnyIsoDate", "OtherDate", "NumberText"))
    yield None, iso
    yield from _NULL
    yield "date_spelling", {"allOf": [other, {"not": iso}]}
    yield "number_as_date", {"type": "number"}
    yield "number_as_date", number
    yield "out_of_range", {"allOf": [any_iso, {"not": iso}]}
    yield "not_a_date", _text_but(any_iso, other, number)
    yield "wrong_type", {"type": ["boolean", "array", "object"]}


def _category(levels: tuple[Scalar, ...], unseen: Reason, actions: Mapping[Reason, Action]) -> Iterator[Case]:
    spelled = [spelling for level in levels for spelling in spellings_of(level)]
    if actions[unseen] == "reject":
        yield None, {"enum": _distinct(spelled)}
    elif "" in spelled or actions["null"] != "reject":
        yield None, {"type": ["string", "number", "boolean"]}
    else:
        yield None, {"type": ["string", "number", "boolean"], "not": {"const": ""}}
    yield "null", {"type": "null"}
    if "" not in spelled and actions[unseen] == "reject":
        yield "null", {"const": ""}
    yield "wrong_type", {"type": ["array", "object"]}


def _two_valued(feature: Feature, two: TwoValued, third: Reason, actions: Mapping[Reason, Action]) -> Iterator[Case]:
    known = tuple(value for value in (two.true, two.false) if value is not None)
    if feature.type == "category":
        yield from _category(known, third, actions)
        return
    for value in known:
        yield from _moment(str(value)) if feature.type == "datetime" else _number(feature, value)
    yield from _NULL


def _number(feature: Feature, value: Any) -> Iterator[Case]:
    """Give one value of a number column: what its dtype takes for the same, as a text in its usual spellings."""
    held = number_dtype(feature).type(value)
    if feature.type == "int":
        yield None, {"const": int(held)}
        yield None, _text(spellings.number(int(held)))
        return
    # A double between two numbers of a narrower dtype is the nearer one; from halfway, the one with an even last bit.
    limit = size_limit(feature)
    ends = [(float(held) + float(np.nextafter(held, held.dtype.type(end)))) / 2 for end in (-limit, limit)]
    low, high = (end if held.dtype.type(end) == held else float(np.nextafter(end, float(held))) for end in ends)
    yield None, {"type": "number", "minimum": low, "maximum": high}
    shortest = float(str(held))  # 0.2 of a float32 that is 0.20000000298023224
    yield None, _text("|".join(spellings.number(number) for number in dict.fromkeys((float(held), shortest))))


def _moment(value: str) -> Iterator[Case]:
    """Give one value of a date column: as training had it, and as ISO 8601 has it in UTC."""
    yield None, {"const": value}
    yield None, _text(spellings.moment(pd.to_datetime(value, format="mixed").isoformat()))


def _text_but(*others: Json) -> Json:
    return {"type": "string", "minLength": 1, "not": {"anyOf": list(others)} if len(others) > 1 else others[0]}


def _distinct(values: list[Scalar]) -> list[Scalar]:
    """Give the values without those that JSON Schema takes for the same: 1 and 1.0 are, 1 and true are not."""
    found: dict[Any, Scalar] = {}
    for value in values:
        found.setdefault((isinstance(value, bool), value), value)
    return list(found.values())
