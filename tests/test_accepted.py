"""The document accepts exactly what the service does: each is asked about the same values."""

from __future__ import annotations

import itertools
import math
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agbento.accepted import SHARED, row_schema, value_schema
from agbento.errors import InvalidRows
from agbento.rows import RowReader
from agbento.schema import Feature, Schema, TwoValued
from agbento.values.policy import Policy
from agbento.values.reasons import ACTIONS, Action, Reason, reasons_of

FEATURES = (
    Feature("i", "int", "int8"),
    Feature("u", "int", "uint64"),
    Feature("f", "float", "float64"),
    Feature("h", "float", "float16"),
    Feature("b", "bool", "bool"),
    Feature("c", "category", "object", categories=("x", 3, "3.5", True, "-7")),
    Feature("e", "category", "category", categories=("", "x")),
    Feature("d", "datetime", "datetime64[ns]"),
    Feature("o", "datetime", "object"),
    Feature("t", "text", "object"),
    Feature("two", "category", "object", two_valued=TwoValued("yes", "no", "custom")),
    Feature("one", "category", "object", two_valued=TwoValued("b")),
    Feature("flag", "int", "int64", two_valued=TwoValued(1, 0, "custom")),
)
EDGES: list[Any] = [
    *(
        None,
        True,
        False,
        "",
        "x",
        " x",
        "yes",
        "no",
        "b",
        "c",
        [],
        {},
        [1],
        0,
        1,
        -1,
        1.0,
        2.7,
        3,
        "3",
        "3.0",
        3.5,
        "3.5",
    ),
    *(
        "1",
        "1.0",
        "+1",
        "01",
        "-0",
        "2.7",
        "1.",
        ".5",
        "-7",
        -7,
        "-7.0",
        "1e2",
        "1e400",
        "NaN",
        "nan",
        "-Infinity",
        "٣",
        " 5 ",
    ),
    *(127, 128, -128, -129, "127", "128", "-129", "127.5", "128.5", 127.5, 128.5, -128.5, 2**63, 2**64, 10**30, 1e30),
    *(65504.0, 65505.0, "65504", "65505", "6.5e3", "7e4", 1.7e308, "1e307", "1e308", "true", "TRUE", "False", "1\n"),
    *("2026-01-31", "2026-02-30", "2024-02-29", "2023-02-29", "1500-01-01", "9999-12-31", "2026-01-31T12:00:00+02:00"),
    *("1/31/2026", "31/1/2026", "2/30/2026", "31 Jan 2026", "Jan 2026", "now", "20260131", 1706745600, "1706745600"),
    *("2026-01-31T24:00", "2026-01-31\n", "0000-01-01"),
]
FLIPPED: dict[Action, Action] = {"reject": "accept", "warn": "reject", "accept": "reject"}
TEXTS = st.one_of(
    st.text(max_size=4),
    st.from_regex(r"[+-]?[0-9]{0,6}(\.[0-9]{0,3})?(e[0-9]{1,3})?", fullmatch=True),
    st.dates().map(str),
)
ANY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-300, 300),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
)


def agree(feature: Feature, policy: dict[Reason, Action], values: list[Any]) -> None:
    """Let the document and the reader judge the same values."""
    schema = Schema("y", "regression", (feature,))
    chosen = Policy.of({"features": {feature.name: policy}}, schema)
    reader = RowReader(schema, chosen)
    document = value_schema(feature, chosen.actions[feature.name]) | {"components": {"schemas": SHARED}}
    validator = jsonschema_rs.Draft202012Validator(document)
    for value in values:
        try:
            reader.batch([{feature.name: value}])
            accepted = True
        except InvalidRows:
            accepted = False
        assert validator.is_valid(value) == accepted, (feature.name, policy, value)


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_the_edges_under_the_defaults_and_each_other_action(feature: Feature) -> None:
    agree(feature, {}, EDGES)
    defaults = Policy.default(Schema("y", "regression", (feature,))).actions[feature.name]
    for reason in reasons_of(feature):
        if not (feature.name == "one" and reason in ("unseen_value", "unverified_value")):  # the module says why
            agree(feature, {reason: FLIPPED[defaults[reason]]}, EDGES)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_one_action_for_everything(feature: Feature, action: Action) -> None:
    agree(feature, dict.fromkeys(reasons_of(feature), action), EDGES)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(FEATURES), st.lists(ANY, min_size=1, max_size=5), st.data())
def test_any_value_under_any_policy(feature: Feature, values: list[Any], data: st.DataObject) -> None:
    reasons = [r for r in reasons_of(feature) if r not in ("unseen_value", "unverified_value")]
    agree(
        feature, data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(reasons, st.sampled_from(ACTIONS)))), values
    )


@pytest.mark.parametrize(("missing", "unused"), [*itertools.product(ACTIONS, ACTIONS)])
def test_missing_and_unused_columns(missing: Action, unused: Action) -> None:
    schema = Schema("y", "regression", FEATURES[2:4])
    policy = Policy.of({"defaults": {"missing_column": missing, "unused_column": unused}}, schema)
    validator = jsonschema_rs.Draft202012Validator(row_schema(schema, policy) | {"components": {"schemas": SHARED}})
    row: Any
    for row in ({}, {"f": 1}, {"f": 1, "h": 1}, {"f": 1, "h": 1, "more": []}, {"more": 1}, [], 1, None):
        try:
            RowReader(schema, policy).batch([row])
            accepted = True
        except InvalidRows:
            accepted = False
        assert validator.is_valid(row) == accepted, row


def test_hints_for_people() -> None:
    number = Feature("f", "float", "float64", range=(0.0, 2.5), typical=1.5)
    actions = Policy.default(Schema("y", "regression", (number, FEATURES[5], FEATURES[10]))).actions
    assert value_schema(number, actions["f"]) | {"anyOf": []} == {
        "anyOf": [],
        "description": "0 to 2.5 in training",
        "examples": [1.5],
    }
    assert value_schema(FEATURES[5], actions["c"])["x-categories"] == ["x", 3, "3.5", True, "-7"]
    assert value_schema(FEATURES[10], actions["two"])["x-categories"] == ["no", "yes"]
    assert math.isfinite(
        value_schema(FEATURES[3], Policy.default(Schema("y", "regression", FEATURES)).actions["h"])["anyOf"][0][
            "maximum"
        ]
    )


KEPT: tuple[tuple[Feature, tuple[Any, ...]], ...] = (
    (Feature("i", "int", "int64", two_valued=TwoValued(7)), (7, 7.0, "7", "+07", "7.0")),
    (Feature("u", "int", "uint64", two_valued=TwoValued(2**64 - 1)), (2**64 - 1, str(2**64 - 1))),
    (Feature("f", "float", "float32", two_valued=TwoValued(0.20000000298023224)), (0.2, "0.2", ".20", 0.2000000104)),
    (Feature("h", "float", "float16", two_valued=TwoValued(65504.0)), (65504, 65490, "65504.0")),
    (Feature("g", "float", "float64", two_valued=TwoValued(-0.5)), (-0.5, "-.5", "-0.50")),
    (
        Feature("d", "datetime", "datetime64[ns]", two_valued=TwoValued("2024-06-01T00:00:00.000000000")),
        ("2024-06-01", "2024-06-01T00:00", "2024-06-01 00:00:00.000Z", "2024-06-01t00:00+00:00"),
    ),
    (
        Feature("o", "datetime", "object", two_valued=TwoValued("06/01/2024 5:30 PM")),
        ("06/01/2024 5:30 PM", "2024-06-01T17:30", "2024-06-01 17:30:00"),
    ),
)


@pytest.mark.parametrize(("feature", "kept"), KEPT, ids=lambda given: given.name if isinstance(given, Feature) else "")
def test_a_kept_value_alone_in_its_usual_spellings(feature: Feature, kept: tuple[Any, ...]) -> None:
    schema = Schema("y", "regression", (feature,))
    policy = Policy.of({"defaults": {"unverified_value": "reject", "unseen_value": "reject"}}, schema)
    document = value_schema(feature, policy.actions[feature.name]) | {"components": {"schemas": SHARED}}
    validator = jsonschema_rs.Draft202012Validator(document)
    others = [value for _, values in KEPT for value in values if value not in kept]
    for value in (*kept, *others, *EDGES, 0.2000000105, 65520, "2024-06-01T00:00:01", "2024-06-01T17:30:30"):
        try:
            RowReader(schema, policy).batch([{feature.name: value}])
            accepted = True
        except InvalidRows:
            accepted = False
        assert validator.is_valid(value) == accepted, (feature.name, value)
        assert accepted or value not in kept, value
