from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from agbento.errors import SettingsError
from agbento.schema import Feature, Schema, TwoValued
from agbento.values.policy import Policy
from agbento.values.reasons import ACTIONS, REASONS, default_action, reasons_of

SCHEMA = Schema(
    "y",
    "regression",
    (
        Feature("i", "int", "int64"),
        Feature("a float", "float", "float64"),
        Feature("b", "bool", "bool"),
        Feature("c", "category", "object", categories=("x",)),
        Feature("d", "datetime", "datetime64[ns]"),
        Feature("o", "datetime", "object"),
        Feature("t", "text", "object"),
        Feature("two", "category", "object", two_valued=TwoValued("yes", "no", "custom")),
        Feature("yes", "int", "int64", two_valued=TwoValued(7)),
        Feature("1", "float", "float64", nulls=False),
    ),
)
DEFAULT = Policy.default(SCHEMA)
YAML_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**5000), 10**5000)
    | st.floats()
    | st.text(max_size=10)
    | st.binary(max_size=5)
    | st.dates()
    | st.datetimes(timezones=st.none() | st.just(datetime.UTC))
)
NAMES = st.sampled_from([*REASONS, *(feature.name for feature in SCHEMA.features), "defaults", "features", *ACTIONS])
YAML_DATA = st.recursive(
    YAML_SCALARS | NAMES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(YAML_SCALARS | NAMES, inner, max_size=4) | st.sets(NAMES)
    ),
    max_leaves=12,
)
NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "defaults": st.dictionaries(NAMES | st.none(), st.sampled_from(ACTIONS) | YAML_SCALARS, max_size=3) | YAML_DATA,
        "features": st.dictionaries(NAMES, st.dictionaries(NAMES, st.sampled_from(ACTIONS), max_size=2) | YAML_DATA)
        | YAML_DATA,
    },
)


def read(tmp_path: Path, text: str | bytes) -> Policy:
    path = tmp_path / "policy.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Policy.read(path, SCHEMA)


def fault(tmp_path: Path, text: str | bytes) -> str:
    with pytest.raises(SettingsError) as raised:
        read(tmp_path, text)
    told = str(raised.value)
    start = f"POLICY_FILE={tmp_path / 'policy.yaml'}: "
    assert told.startswith(start)
    assert told.isprintable()
    return told.removeprefix(start)


def test_where_nobody_says_anything() -> None:
    assert set(DEFAULT.actions) == {feature.name for feature in SCHEMA.features}
    for feature in SCHEMA.features:
        expected = {reason: default_action(feature, reason) for reason in reasons_of(feature)}
        assert DEFAULT.actions[feature.name] == expected
    assert DEFAULT.unused_column == "accept"
    assert Policy.read(None, SCHEMA) == DEFAULT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "null",
        "# only a remark",
        "defaults:\nfeatures:\n",
        "defaults: {}\nfeatures: {}",
        "features: {i: , c: {}}",
    ],
)
def test_what_says_nothing_changes_nothing(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == DEFAULT


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("reason", REASONS)
def test_a_default_goes_before_what_is_done_otherwise(reason: Any, action: Any) -> None:
    policy = Policy.of({"defaults": {reason: action}}, SCHEMA)
    for feature in SCHEMA.features:
        expected = {one: action if one == reason else default_action(feature, one) for one in reasons_of(feature)}
        assert policy.actions[feature.name] == expected
    assert policy.unused_column == (action if reason == "unused_column" else "accept")


def test_a_feature_goes_before_the_defaults() -> None:
    data = {"defaults": {"null": "reject", "wrong_type": "warn"}, "features": {"c": {"null": "accept"}, "two": None}}
    policy = Policy.of(data, SCHEMA)
    assert policy.actions["c"]["null"] == "accept"
    assert policy.actions["c"]["wrong_type"] == "warn"
    assert all(actions["null"] == "reject" for name, actions in policy.actions.items() if name != "c")
    assert policy.actions["c"]["unseen_category"] == "warn"


@pytest.mark.parametrize(
    "text",
    [
        "defaults:\n  null: reject\nfeatures:\n  c:\n    null: warn\n    unseen_category: reject\n",
        "defaults:\n  'null': reject\nfeatures:\n  c: {\"null\": warn, unseen_category: reject}\n",
        '{"defaults": {"null": "reject"}, "features": {"c": {"null": "warn", "unseen_category": "reject"}}}',
        "defaults: {~: reject}\nfeatures: {c: {Null: warn, unseen_category: reject}}",
    ],
)
def test_a_file_in_yaml_or_json(tmp_path: Path, text: str) -> None:
    """In YAML a bare null is no text; here it is the reason of that name all the same."""
    policy = read(tmp_path, text)
    assert policy.actions["c"] == {**DEFAULT.actions["c"], "null": "warn", "unseen_category": "reject"}
    assert policy.actions["d"] == {**DEFAULT.actions["d"], "null": "reject"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- defaults", "the policy is no mapping"),
        ("defaults", "the policy is no mapping"),
        ("5", "the policy is no mapping"),
        ("false", "the policy is no mapping"),
        ("defaults: reject", "defaults is no mapping"),
        ("features: [i]", "features is no mapping"),
        ("features: {i: reject}", "feature 'i' is no mapping"),
        ("features: {i: []}", "feature 'i' is no mapping"),
        ("default: {null: warn}", "'default' is none of defaults, features"),
        ("features: {x: {null: warn}}", "features: the model has no feature 'x'"),
        ("features: {I: {null: warn}}", "features: the model has no feature 'I'"),
        ("features: {'1 ': {null: warn}}", "features: the model has no feature '1 '"),
        ("defaults: {nul: warn}", f"defaults: 'nul' is none of {', '.join(REASONS)}"),
        ("defaults: {null: ignore}", "defaults: null: 'ignore' is none of reject, warn, accept"),
        ("defaults: {null: }", "defaults: null: None is none of reject, warn, accept"),
        ("defaults: {null: [warn]}", "defaults: null: ['warn'] is none of reject, warn, accept"),
        ("defaults: {null: Warn}", "defaults: null: 'Warn' is none of reject, warn, accept"),
        ("defaults: {null: warn, 'null': warn}", "defaults: null is there twice"),
        ("features: {t: {null: true}}", "feature 't': null: True is none of reject, warn, accept"),
        (
            "features: {t: {unused_column: warn}}",
            "feature 't': 'unused_column' is none of missing_column, wrong_type, null",
        ),
        (
            "features: {t: {unseen_category: warn}}",
            "feature 't': 'unseen_category' is none of missing_column, wrong_type, null",
        ),
        (
            "features: {two: {unseen_category: warn}}",
            "feature 'two': 'unseen_category' is none of "
            "missing_column, wrong_type, null, unseen_value, unverified_value",
        ),
        (
            "features: {c: {unseen_value: warn}}",
            "feature 'c': 'unseen_value' is none of missing_column, wrong_type, null, unseen_category",
        ),
    ],
)
def test_what_is_not_known_is_named(tmp_path: Path, text: str, told: str) -> None:
    assert fault(tmp_path, text) == told


@pytest.mark.parametrize("name", ["yes", "1"])
def test_a_name_that_yaml_takes_for_something_else(tmp_path: Path, name: str) -> None:
    assert "a name that YAML does not take for a text needs quotes" in fault(
        tmp_path, f"features: {{{name}: {{null: warn}}}}"
    )
    assert read(tmp_path, f"features: {{'{name}': {{null: reject}}}}").actions[name]["null"] == "reject"


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    text = """
more: 1
defaults: {null: no, nothing: warn, wrong_type: refuse}
features:
  z: {null: warn}
  i: 5
  c: {date_spelling: warn, null: maybe}
"""
    told = fault(tmp_path, text).split("; ")
    assert [one.split(" is none of ")[0] for one in told] == [
        "'more'",
        "feature 'i' is no mapping",
        "defaults: null: False",
        "defaults: 'nothing'",
        "defaults: wrong_type: 'refuse'",
        "features: the model has no feature 'z'",
        "feature 'c': 'date_spelling'",
        "feature 'c': null: 'maybe'",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"\xff\xfe\x00", "'utf-8' codec can't decode"),
        (b"\x89PNG\r\n\x1a\n", "'utf-8' codec can't decode"),
        (b"\x00\x01", "special characters are not allowed"),
        ("defaults: {", "while parsing a flow node"),
        ("defaults:\n\t- x", "found character"),
        ("a: b: c", "mapping values are not allowed here"),
        ("? [1]\n: 2", "unhashable key"),
        ("--- a\n--- b", "expected a single document"),
        ("!!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("[" * 5000, "nested too deeply"),
        ("{a: " * 5000, "nested too deeply"),
        ("- " * 5000, "nested too deeply"),
        ("[" * 400 + "]" * 400, "the policy is no mapping"),
        ("defaults: {null: 2024-13-45}", "month must be in 1..12"),
        ("!!int ''", "no YAML"),
        ("!!bool x", "no YAML"),
        ("!!timestamp x", "no YAML"),
        ("&a {defaults: *a}", "defaults: 'defaults' is none of"),
        ("&a {features: {i: *a}}", "feature 'i': 'features' is none of"),
    ],
)
def test_what_is_no_policy_is_one_line(tmp_path: Path, text: str | bytes, told: str) -> None:
    assert told in fault(tmp_path, text)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"POLICY_FILE=.*/none\.yaml: No such file or directory$"):
        Policy.read(tmp_path / "none.yaml", SCHEMA)
    with pytest.raises(SettingsError, match=r"Is a directory$"):
        Policy.read(tmp_path, SCHEMA)
    with pytest.raises(SettingsError, match="null byte"):
        Policy.read(tmp_path / "\0", SCHEMA)


def check(policy: Policy) -> None:
    assert policy.unused_column in ACTIONS
    for feature in SCHEMA.features:
        assert tuple(policy.actions[feature.name]) == reasons_of(feature)
        assert set(policy.actions[feature.name].values()) <= set(ACTIONS)


@settings(max_examples=300)
@given(YAML_DATA | NEARLY)
def test_any_data_is_a_policy_or_a_value_error(data: Any) -> None:
    try:
        policy = Policy.of(data, SCHEMA)
    except ValueError as error:
        assert str(error)
    else:
        check(policy)


@settings(max_examples=200, deadline=None)
@given(st.text() | st.binary() | YAML_DATA | NEARLY | st.text("{}[]:-&*!?|>'\"% \n\tanull0x_=<~,#.", max_size=30))
def test_any_file_is_a_policy_or_a_settings_error(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "any-policy.yaml"
    try:
        path.write_bytes(
            data if isinstance(data, bytes) else (data if isinstance(data, str) else yaml.safe_dump(data)).encode()
        )
    except ValueError:  # a number of more digits than Python writes, or half of a pair of surrogates
        return
    try:
        policy = Policy.read(path, SCHEMA)
    except SettingsError as error:
        assert str(error).isprintable()
    else:
        check(policy)


@given(NEARLY)
def test_what_is_said_is_done(data: dict[str, Any]) -> None:
    """Whatever a policy of known names says stands in the outcome."""
    try:
        policy = Policy.of(data, SCHEMA)
    except ValueError:
        return
    defaults, own = data.get("defaults") or {}, data.get("features") or {}
    for feature in SCHEMA.features:
        for reason, action in policy.actions[feature.name].items():
            said = {**defaults, **(own.get(feature.name) or {})}
            assert action == said.get(
                reason, said.get(None if reason == "null" else reason, default_action(feature, reason))
            )


@pytest.mark.parametrize("text", ["defaults: {wrong_type: warn, wrong_type: accept}", "defaults: {}\ndefaults: {}"])
def test_a_key_that_is_there_twice(tmp_path: Path, text: str) -> None:
    (tmp_path / "policy.yaml").write_text(text, "utf-8")
    with pytest.raises(SettingsError, match="is there twice"):
        Policy.read(tmp_path / "policy.yaml", SCHEMA)


def test_what_a_policy_changes_is_a_policy() -> None:
    assert Policy.default(SCHEMA).changes(SCHEMA) == {}
    made = Policy.of({"defaults": dict.fromkeys(REASONS, "warn")}, SCHEMA)
    changes = made.changes(SCHEMA)
    assert changes["defaults"] == {"unused_column": "warn"}
    assert Policy.of(changes, SCHEMA) == made
