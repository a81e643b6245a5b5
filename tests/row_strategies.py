"""Hypothesis strategies of the values that a feature accepts, and of those that it may not."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from agbento.schema import Feature, Schema
from agbento.values import spellings
from agbento.values.levels import spellings_of
from agbento.values.numbers import size_limit, whole_bounds

ASCII = st.characters(max_codepoint=127)
WORDS = st.text(max_size=12)  # without lone surrogates
ANY_NUMBER = st.one_of(
    st.integers(-300, 300),
    st.integers(),
    st.integers(-(10**400), 10**400),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([-0.0, 5e-324, 1.7976931348623157e308, 2**53 + 1, 2**63, 2**64, 0.1, 1e22]),
)
ANY_TEXT = st.one_of(
    st.text(st.characters(), max_size=8),  # with lone surrogates
    st.text("0123456789+-.eE:TZ/ ", max_size=20),
    st.sampled_from(
        ["", "NaN", "-Infinity", "null", "true", "now", "١٢", "1_000", "0x10", "\x00", "\ud800", "1\n", " 1"]
    ),
    st.from_regex(spellings.iso_date(any_year=True), fullmatch=True, alphabet=ASCII),
)
ANY_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), ANY_NUMBER, ANY_TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=6,
)


def texts(feature: Feature) -> st.SearchStrategy[str]:
    """Texts that are a value of the feature under the default policy, in any spelling; no lone surrogates, no NUL."""
    match feature.type:
        case "int":
            low, high = whole_bounds(feature)
            return _spelled(spellings.whole(low, high))
        case "float":
            return _spelled(spellings.real(size_limit(feature)))
        case "bool":
            return _spelled(f"{spellings.TRUE}|{spellings.FALSE}")
        case "datetime":
            return st.one_of(_spelled(spellings.iso_date()), _spelled(spellings.other_date()))
        case "category":
            known = [text for level in _levels(feature) for text in spellings_of(level) if isinstance(text, str)]
            return st.one_of(*([st.sampled_from(known)] if known else []), _CSV_TEXT)
        case "text":
            return _CSV_TEXT


def values(feature: Feature) -> st.SearchStrategy[Any]:
    """JSON values that the feature takes under the default policy: valid, oddly spelled, null, unseen."""
    ways: list[st.SearchStrategy[Any]] = [st.none(), texts(feature)]
    match feature.type:
        case "int":
            low, high = whole_bounds(feature)
            near = st.integers(max(low, -300), min(high, 300))
            ways += [st.integers(low, high), near, near.map(float)]
        case "float":
            # The document writes the limit as the shortest decimal of it, a little less than the limit itself.
            limit, whole = size_limit(feature), int(size_limit(feature) * 0.999)
            ways += [st.floats(-limit, limit), st.integers(-whole, whole), st.floats(-300, 300).map(_short)]
        case "bool":
            ways += [st.booleans(), st.sampled_from([0, 1, 0.0, 1.0])]
        case "category":
            known = [value for level in _levels(feature) for value in spellings_of(level)]
            ways += [st.sampled_from(known)] * 2 + [st.booleans(), ANY_NUMBER, WORDS]
    if feature.two_valued is not None:
        ways.append(st.sampled_from([v for v in (feature.two_valued.true, feature.two_valued.false) if v is not None]))
    return st.one_of(ways)


def rows(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    """Rows of values that each feature takes, some with more columns."""
    more = st.dictionaries(st.text(max_size=4), ANY_JSON, max_size=2)
    known = st.fixed_dictionaries({feature.name: values(feature) for feature in schema.features})
    return st.builds(lambda unused, row: {**unused, **row}, more, known)


def tables(features: Iterable[Feature]) -> st.SearchStrategy[list[dict[str, str]]]:
    """Rows of texts alone, as CSV has them."""
    row = st.fixed_dictionaries({feature.name: st.just("") | texts(feature) for feature in features})
    return st.lists(row, min_size=1, max_size=3)


def written(value: Any) -> bytes:
    """A JSON text that any parser reads."""
    return json.dumps(value).encode("ascii")


def _levels(feature: Feature) -> list[Any]:
    if feature.two_valued is None:
        return list(feature.categories or ())
    return [value for value in (feature.two_valued.true, feature.two_valued.false) if value is not None]


def _spelled(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(pattern, fullmatch=True, alphabet=ASCII)


def _short(value: float) -> float:
    return round(value, 2)


_CSV_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
