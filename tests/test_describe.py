"""Predictors with rarely met columns: what is read of them, and JSON rows answered as the training rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from autogluon.tabular import TabularPredictor

from agbento.answers import AnswerWriter
from agbento.describe import describe
from agbento.errors import PredictorNotLoadable
from agbento.examples import example_rows
from agbento.predictor import StockPredictor
from agbento.rows import RowReader
from agbento.schema import Schema
from sample.train import deploy

pytestmark = pytest.mark.slow
HYPERPARAMETERS: dict[str, Any] = {"GBM": {"num_boost_round": 20}}
DAYS = pd.to_datetime(["2024-01-02", "2024-01-03", "2024-01-04"])


def odd_rows(n: int = 400) -> pd.DataFrame:
    """Rows whose every column matters for the label, which is a date."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "when (Paris)": pd.Timestamp("2024-01-01", tz="Europe/Paris")
            + pd.to_timedelta(rng.integers(0, 366 * 24, n), unit="h"),
            "two.values": rng.choice(np.array([0.1, 0.2], dtype="float32"), n),
            "größe": rng.integers(-100, 100, n).astype("int8"),
            "code": pd.Categorical(rng.choice([1, 2, 30], n)),
        }
    )
    score = frame["größe"] / 50 + 4 * (frame["two.values"] > 0.15) + frame["code"].cat.codes
    score += frame["when (Paris)"].dt.month / 4
    frame["day"] = DAYS[pd.qcut(score, 3, labels=False)]
    return frame


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A predictor of these rows."""
    folder = tmp_path_factory.mktemp("odd") / "predictor"
    return deploy(odd_rows(), folder, HYPERPARAMETERS, label="day", problem_type="multiclass")


def test_columns_keep_the_dtypes_of_training(odd: Path) -> None:
    schema = describe(StockPredictor.load(odd).autogluon)
    assert {f.name: (f.type, f.dtype) for f in schema.features} == {
        "when (Paris)": ("datetime", "datetime64[ns, Europe/Paris]"),
        "two.values": ("float", "float32"),
        "größe": ("int", "int8"),
        "code": ("category", "category"),
    }
    assert [f.categories for f in schema.features if f.name == "code"] == [(1, 2, 30)]
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema


def test_rows_of_json_are_answered_as_the_training_rows(odd: Path) -> None:
    stock = StockPredictor.load(odd)
    schema = describe(stock.autogluon)
    frame = odd_rows()[:60]
    # As a caller writes them: 0.1 and 0.2, not the doubles next to their float32.
    rows = [
        {"when (Paris)": w.isoformat(), "two.values": round(float(t), 3), "größe": int(g), "code": int(c)}
        for w, t, g, c in frame[["when (Paris)", "two.values", "größe", "code"]].itertuples(index=False)
    ]
    answers = AnswerWriter(schema).answers(stock.predict(RowReader(schema).frame(rows)))
    oracle = TabularPredictor.load(str(odd), verbosity=0)
    assert [answer["day"] for answer in answers] == [str(day) for day in oracle.predict(frame)]
    probabilities = oracle.predict_proba(frame).to_numpy().tolist()
    assert [list(answer["probabilities"].values()) for answer in answers] == probabilities
    assert {*answers[0]["probabilities"]} == {str(day) for day in DAYS}


def test_made_up_rows_can_be_answered(odd: Path) -> None:
    stock = StockPredictor.load(odd)
    schema = describe(stock.autogluon)
    made = example_rows(schema.to_json()["features"])
    assert len(stock.predict(RowReader(schema).frame([next(made) for _ in range(20)])).values) == 20


@pytest.mark.parametrize("label", ["probabilities", "warnings"])
def test_a_label_that_an_answer_has_no_room_for(tmp_path: Path, label: str) -> None:
    frame = odd_rows(100)[["größe", "two.values"]].assign(**{label: range(100)})
    folder = deploy(frame, tmp_path / "predictor", HYPERPARAMETERS, label=label, problem_type="regression")
    with pytest.raises(PredictorNotLoadable, match=label):
        describe(StockPredictor.load(folder).autogluon)
