"""Predictors with a column of every kind: what is read of them, and rows answered as the training rows."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from autogluon.tabular import TabularPredictor

from agbento.answers import AnswerWriter
from agbento.describe import describe
from agbento.errors import InvalidRows, PredictorNotLoadable
from agbento.examples import example_rows, typical_row
from agbento.predictor import StockPredictor
from agbento.rows import RowReader
from agbento.schema import Schema
from sample.odd_columns import LABEL, THRESHOLD, odd_rows
from sample.train import deploy
from tests.frames import records

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stock(odd_predictors: Mapping[str, Path]) -> StockPredictor:
    """A regression on a column of every kind."""
    return StockPredictor.load(odd_predictors["regression"])


@pytest.fixture(scope="module")
def schema(stock: StockPredictor) -> Schema:
    return describe(stock.autogluon)


def cell(value: Any) -> Any:
    """A value of a frame as a caller writes it in JSON."""
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, (pd.Timestamp, datetime.date)):
        return value.isoformat()
    value = value.item() if hasattr(value, "item") else value
    return value if isinstance(value, (int, float, str, bool)) else str(value)


def as_json(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows = [{name: cell(value) for name, value in row.items()} for row in records(frame)]
    for row, date, flag in zip(rows, frame["category of dates"], frame["float flag"], strict=True):
        # A category is called by its text; 0.1 and 0.2 are not the doubles next to their float32.
        row |= {"category of dates": str(date), "float flag": round(float(flag), 3)}
    return rows


def features_of(stock: StockPredictor, frame: pd.DataFrame) -> pd.DataFrame:
    """What AutoGluon's feature generators make of a frame of ours."""
    made: pd.DataFrame = stock.autogluon.transform_features(stock.restored(frame))
    return made


def test_columns_of_every_kind(schema: Schema) -> None:
    found = {feature.name: feature for feature in schema.features}
    assert set(schema.dropped) == {"constant", "id", "nullable"}
    assert [*found, *schema.dropped, LABEL] == [*odd_rows().columns]
    assert {name: (f.type, f.dtype) for name, f in found.items() if f.type in ("int", "float", "bool")} == {
        "int 64": ("int", "int64"),
        "int(8)": ("int", "int8"),
        "uint.16": ("int", "uint16"),
        "int flag": ("int", "int64"),
        "int two": ("int", "int64"),
        "float 64": ("float", "float64"),
        "größe": ("float", "float32"),
        "float gaps": ("float", "float64"),
        "float flag": ("float", "float32"),
        "float flag gaps": ("float", "float64"),
        "bool": ("bool", "bool"),
    }
    assert {name: f.categories for name, f in found.items() if f.type == "category" and f.categories is not None} == {
        "bool gaps": (False, True),
        "text flag gaps": ("on",),
        "category": ("Oslo", "Porto", "Quito"),
        "category of ints": (1, 2, 30),
        "category of dates": ("2024-01-02 00:00:00", "2024-01-03 00:00:00", "2024-02-01 00:00:00"),
        "intervals": ("(0.0, 0.25]", "(0.25, 0.5]", "(0.5, 1.0]"),
        "texts": (" b", "a", 'c,"d"', "ü"),
        "numbers as texts": ("1", "2.5", "30"),
        "numbers as objects": (1.0, 2.5, 30.0),
        "whole numbers as objects": (1, 2, 30),
    }
    assert found["text"].type == "text"
    assert found["text"].ngrams
    assert found["text"].special == ("text",)
    json.dumps(schema.to_json(), allow_nan=False)
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema


def test_two_values_of_which_autogluon_keeps_one(schema: Schema) -> None:
    two = {f.name: (f.two_valued.true, f.two_valued.false) for f in schema.features if f.two_valued is not None}
    assert two == {
        "int flag": (1, 0),
        "int two": (7, None),
        "float flag": (0.20000000298023224, None),
        "float flag gaps": (1.0, 0.0),
        "text flag": ("yes", "no"),
        "two dates": ("2024-06-01T00:00:00.000000000", None),
        "two dates as texts": ("2024-01-01", None),
        "two dates as objects": ("2024-06-01", None),
    }


def test_what_is_known_of_nulls(schema: Schema) -> None:
    known = {f.name: f.nulls for f in schema.features if f.nulls is not None and f.two_valued is None}
    assert known == {
        "int 64": False,
        "int(8)": False,
        "uint.16": False,
        "float 64": False,
        "größe": False,
        "float gaps": True,
        "bool": False,
        "bool gaps": True,
        "text flag gaps": True,
        "texts": True,
        "numbers as texts": False,
        "numbers as objects": False,
        "whole numbers as objects": True,
    }


def test_the_features_of_json_rows_are_those_of_the_training_rows(stock: StockPredictor, schema: Schema) -> None:
    frame = odd_rows(n=300, seed=3)
    batch = RowReader(schema).batch(as_json(frame))
    pd.testing.assert_frame_equal(
        features_of(stock, batch.frame()), stock.autogluon.transform_features(frame.drop(columns=LABEL))
    )
    assert {caution.column for told in batch.cautions.values() for caution in told} == {"dates gaps"}


@pytest.mark.parametrize(
    ("column", "value", "as_in_pandas"),
    [
        ("int(8)", None, None),
        ("int flag", None, None),
        ("int flag", 5, 5),
        ("text flag", "maybe", "maybe"),
        ("text flag", None, None),
        ("category", "Paris", "Paris"),
        ("category", None, None),
        ("numbers as texts", "4", "4"),
        ("texts", "", None),
        ("texts", None, None),
        ("dates", None, pd.NaT),
        ("dates in seconds", None, pd.NaT),
        ("dates in Paris", None, pd.NaT),
        ("dates as texts", None, None),
        ("two dates", "2024-03-01", pd.Timestamp("2024-03-01")),
        ("text", None, None),
        ("float gaps", None, None),
        ("bool", None, None),
    ],
)
# AutoGluon's own filling of an int column that holds objects: the oracle's, not ours.
@pytest.mark.filterwarnings("ignore:Downcasting object dtype arrays:FutureWarning")
def test_what_is_off_is_taken_as_autogluon_takes_it(
    stock: StockPredictor, schema: Schema, column: str, value: Any, as_in_pandas: Any
) -> None:
    """A value that a warning tells of, or that is counted: our column gives the features that pandas' would."""
    frame = odd_rows(n=5, seed=4).drop(columns=LABEL)
    batch = RowReader(schema).batch([row | {column: value} for row in as_json(frame)])
    frame[column] = pd.Series([as_in_pandas] * 5, dtype=frame[column].dtype if as_in_pandas is pd.NaT else object)
    theirs = stock.autogluon.transform_features(frame)
    pd.testing.assert_frame_equal(features_of(stock, batch.frame()), theirs)
    assert column in {feature for feature, _, _ in batch.counts}


def test_made_up_rows_give_no_warnings(schema: Schema) -> None:
    made = example_rows(schema.to_json()["features"])
    rows = [typical_row(schema.to_json()["features"]), *(next(made) for _ in range(50))]
    batch = RowReader(schema).batch(rows)
    assert batch.cautions == {}
    assert not batch.counts
    assert rows[0]["dates in seconds"].startswith("2024-0")
    assert len(rows[0]["text"].split()) == 6


@pytest.mark.parametrize("kind", ["binary", "multiclass", "quantile"])
def test_the_answers_shape(odd_predictors: Mapping[str, Path], kind: str) -> None:
    predictor = TabularPredictor.load(str(odd_predictors[kind]), verbosity=0)
    found = describe(predictor)
    if kind == "binary":
        assert (found.classes, found.positive_class, found.decision_threshold) == ((False, True), True, THRESHOLD)
    elif kind == "multiclass":
        assert found.classes == (" low", "high", "middle")
    else:
        assert found.quantile_levels == (0.1, 0.5, 0.9)


def test_the_decision_threshold_is_honoured(odd_predictors: Mapping[str, Path]) -> None:
    stock = StockPredictor.load(odd_predictors["binary"])
    schema = describe(stock.autogluon)
    predictions = stock.predict(RowReader(schema).batch(as_json(odd_rows("binary", n=300, seed=5))))
    answers = AnswerWriter(schema).answers(predictions)
    said = [(answer["y"], answer["probabilities"]["True"]) for answer in answers]
    assert all(label == (probability > THRESHOLD) for label, probability in said)
    assert any(THRESHOLD < probability < 0.5 for _, probability in said)


@pytest.mark.parametrize("label", ["probabilities", "warnings"])
def test_a_label_that_an_answer_has_no_room_for(tmp_path: Path, label: str) -> None:
    frame = odd_rows(n=100)[["int 64", "float 64"]].assign(**{label: range(100)})
    folder = deploy(frame, tmp_path / "predictor", {"GBM": {}}, label=label, problem_type="regression")
    with pytest.raises(PredictorNotLoadable, match=label):
        describe(StockPredictor.load(folder).autogluon)


def trained(tmp_path: Path, frame: pd.DataFrame, **options: Any) -> StockPredictor:
    """A small predictor of the label "y"."""
    problem = options.pop("problem_type", "regression")
    models = options.pop("models", {"GBM": {"num_boost_round": 5}})
    return StockPredictor.load(deploy(frame, tmp_path / "predictor", models, label="y", problem_type=problem))


def test_a_text_that_is_a_category_too(tmp_path: Path) -> None:
    """AutoGluon counts the words of a text, and takes it for a category where it came again and again."""
    rng = np.random.default_rng(0)
    texts = [f"the red {animal} sat" for animal in ("cat", "dog", "cow", "pig", "hen", "bat")]
    chosen = rng.integers(0, 6, 300)
    frame = pd.DataFrame({"t": np.array(texts)[chosen], "f": rng.random(300), "y": 10.0 * chosen})
    schema = describe(trained(tmp_path, frame).autogluon)
    batch = RowReader(schema).batch([{"t": "the red hen sat", "f": 0.5}, {"t": "the red Hen sat", "f": 0.5}])
    assert schema.features[0].type == "text"
    assert batch.counts == {("t", "unseen_category", "accept"): 1}


def test_numbers_that_32_bits_cannot_hold_are_none(tmp_path: Path) -> None:
    frame = odd_rows(n=150)[["int 64", "float 64"]].assign(y=lambda data: data["float 64"])
    stock = trained(tmp_path, frame, models={"RF": {"n_estimators": 5}, "KNN": {}, "LR": {}})
    reader = RowReader(describe(stock.autogluon))
    largest = float(np.finfo("float32").max)
    assert np.isfinite(stock.predict(reader.batch([{"int 64": 1, "float 64": largest}])).values).all()
    with pytest.raises(InvalidRows, match="out of range"):
        reader.batch([{"int 64": 1, "float 64": 1e39}])


def test_classes_that_are_spelled_alike_are_refused(tmp_path: Path) -> None:
    frame = odd_rows(n=300)[["int 64", "float 64"]]
    frame["y"] = np.array([1, "1", "y"], dtype=object)[np.arange(300) % 3]
    with pytest.raises(PredictorNotLoadable, match="spelled alike: 1, '1', 'y'"):
        describe(trained(tmp_path, frame, problem_type="multiclass").autogluon)


def test_levels_that_are_no_numbers_of_json(tmp_path: Path) -> None:
    frame = odd_rows(n=300)[["float 64"]].assign(y=lambda data: data["float 64"])
    frame["c"] = pd.Categorical(np.array([0.5, 1.5, np.inf])[np.arange(300) % 3])
    stock = trained(tmp_path, frame)
    schema = describe(stock.autogluon)
    assert {feature.name: feature.categories for feature in schema.features}["c"] == (0.5, 1.5, "inf")
    batch = RowReader(schema).batch([{"float 64": 1.0, "c": "inf"}])
    theirs = frame[2:3].assign(**{"float 64": 1.0}).reset_index(drop=True)
    pd.testing.assert_frame_equal(features_of(stock, batch.frame()), stock.autogluon.transform_features(theirs))


def test_a_type_that_autogluon_has_no_name_for_is_said(tmp_path: Path) -> None:
    frame = odd_rows(n=300)[["float 64"]].assign(y=lambda data: data["float 64"])
    stock = trained(tmp_path, frame)
    stock.autogluon._learner.feature_generator.feature_metadata_in.type_map_raw["float 64"] = "boolean"
    with pytest.raises(PredictorNotLoadable, match="'float 64' is of type 'boolean'"):
        describe(stock.autogluon)
