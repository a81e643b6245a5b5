"""Made-up rows: readable by any schema, inside what the model says of its features."""

import json
import math
import subprocess
import sys
from datetime import datetime
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agbento.examples import example_rows
from agbento.rows import RowReader
from agbento.schema import Feature, Schema

INT64 = st.integers(-(2**53), 2**53)  # a range is a pair of JSON numbers: whole numbers beyond this are not exact there
FINITE = st.floats(allow_nan=False, allow_infinity=False)
TAKEN = st.floats(-3.4e38, 3.4e38)  # beyond, the service takes none
LEVELS = st.lists(st.one_of(st.text(), st.integers(), FINITE), min_size=1, max_size=5, unique_by=str)


def ranges(numbers: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | st.lists(numbers, min_size=2, max_size=2).map(lambda pair: tuple(map(float, sorted(pair))))


@st.composite
def features(draw: st.DrawFn) -> Feature:
    name = draw(st.text(min_size=1, max_size=8))
    kind: Any = draw(st.sampled_from(["int", "float", "bool", "category", "datetime", "text"]))
    match kind:
        case "int":
            return Feature(name, kind, "int64", range=draw(ranges(INT64)))
        case "float":
            return Feature(name, kind, "float64", range=draw(ranges(TAKEN)))
        case "category":
            return Feature(name, kind, "object", categories=draw(st.none() | LEVELS.map(tuple)))
        case "datetime":
            return Feature(name, kind, draw(st.sampled_from(["object", "datetime64[ns]"])))
    return Feature(name, kind, "object")


def inside(feature: Feature, value: object) -> bool:
    low, high = feature.range or (0.0, 100.0)
    match feature.type:
        case "int":
            return type(value) is int and low <= value <= high
        case "float":
            return type(value) is float and math.isfinite(value) and low <= value <= high
        case "bool":
            return type(value) is bool
        case "category":
            return value in feature.categories if feature.categories else isinstance(value, str) and bool(value)
        case "datetime":
            return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is None
    return isinstance(value, str) and 3 <= len(value.split()) <= 8


@given(st.lists(features(), min_size=1, max_size=8, unique_by=lambda f: f.name), st.integers())
def test_every_value_is_what_its_feature_says(drawn: list[Feature], seed: int) -> None:
    described = json.loads(json.dumps([feature.to_json() for feature in drawn]))
    for row in islice(example_rows(described, seed), 5):
        assert list(row) == [feature.name for feature in drawn]
        assert {f.name: row[f.name] for f in drawn if not inside(f, row[f.name])} == {}


@given(st.lists(features(), min_size=1, max_size=8, unique_by=lambda f: f.name), st.integers())
def test_rows_go_through_json_and_are_read_without_a_fault(drawn: list[Feature], seed: int) -> None:
    made = list(islice(example_rows([feature.to_json() for feature in drawn], seed), 5))
    sent = json.loads(json.dumps(made, allow_nan=False))
    assert sent == made
    frame = RowReader(Schema("label", "regression", tuple(drawn))).batch(sent).frame()
    assert frame.shape == (5, len(drawn))
    assert not frame.isna().any(axis=None)


@given(st.lists(features(), min_size=1, max_size=4, unique_by=lambda f: f.name), st.integers())
def test_the_same_seed_gives_the_same_rows(drawn: list[Feature], seed: int) -> None:
    described = [feature.to_json() for feature in drawn]
    assert list(islice(example_rows(described, seed), 3)) == list(islice(example_rows(described, seed), 3))


FIVE: list[dict[str, Any]] = [
    {"name": "n", "type": "int", "range": [0, 50]},
    {"name": "x", "type": "float"},
    {"name": "flag", "type": "bool"},
    {"name": "city", "type": "category", "categories": ["Oslo", "Porto"]},
    {"name": "when", "type": "datetime"},
    {"name": "note", "type": "text"},
]


def test_values_vary_with_the_row_and_with_the_seed() -> None:
    made = list(islice(example_rows(FIVE, 1), 50))
    for feature in FIVE:
        assert len({row[feature["name"]] for row in made}) > 1, feature["name"]
    assert list(islice(example_rows(FIVE, 2), 50)) != made


@pytest.mark.parametrize(
    ("feature", "lowest", "highest"),
    [
        ({"name": "a", "type": "int", "range": [0.4, 0.6]}, 1, 1),  # no whole number inside: the next one
        ({"name": "a", "type": "int", "range": [-1.5, 1.5]}, -1, 1),
        ({"name": "a", "type": "int", "dtype": "int8"}, 0, 100),
        ({"name": "a", "type": "float", "range": [-1.7e308, 1.7e308]}, -1.7e308, 1.7e308),
        ({"name": "a", "type": "float", "range": [2.5, 2.5]}, 2.5, 2.5),
        ({"name": "a", "type": "float", "range": [-math.inf, 3.0]}, 0.0, 100.0),
    ],
)
def test_a_range_at_its_ends(feature: dict[str, Any], lowest: float, highest: float) -> None:
    values = [row["a"] for row in islice(example_rows([feature]), 200)]
    assert all(lowest <= value <= highest for value in values)
    assert all(type(value) is (int if feature["type"] == "int" else float) for value in values)


def test_an_unknown_type_is_named() -> None:
    with pytest.raises(ValueError, match=r"'photo': unknown type 'image'"):
        next(example_rows([{"name": "photo", "type": "image"}]))


def test_it_needs_the_standard_library_alone() -> None:
    """Locust patches sockets and threads: what the load test imports must not drag pandas or AutoGluon in."""
    heavy = (
        "import sys, agbento.examples; print(sorted({'pandas', 'numpy', 'autogluon', 'bentoml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
