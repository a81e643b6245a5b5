"""The tiny predictors: one of every problem type, with a column of every kind that AutoGluon knows."""

from pathlib import Path
from typing import get_args

import pytest
from autogluon.tabular import TabularPredictor

from sample.toys import LABELS, QUANTILES, Kind, toy_predictor, toy_rows


@pytest.mark.parametrize("kind", get_args(Kind))
def test_rows_are_the_same_for_the_same_seed(kind: Kind) -> None:
    assert toy_rows(kind, 50, seed=1).equals(toy_rows(kind, 50, seed=1))
    assert not toy_rows(kind, 50, seed=1).equals(toy_rows(kind, 50, seed=2))
    assert list(toy_rows(kind, 5)) == ["size", "count", "fresh", "city", "when", "note", LABELS[kind]]


@pytest.mark.slow
@pytest.mark.parametrize("kind", get_args(Kind))
def test_a_toy_is_a_deployed_predictor_of_its_kind(kind: Kind, tmp_path: Path) -> None:
    folder = toy_predictor(kind, tmp_path / "toy")
    predictor = TabularPredictor.load(str(folder))
    assert predictor.problem_type == kind
    raw = predictor.feature_metadata_in.type_map_raw
    assert raw == {
        "size": "float",
        "count": "int",
        "fresh": "bool",
        "city": "category",
        "when": "datetime",
        "note": "object",
    }
    assert predictor.feature_metadata_in.get_type_map_special()["note"] == ["text"]
    unseen = toy_rows(kind, 30, seed=5)
    answers = predictor.predict(unseen)
    if kind == "quantile":
        assert answers.shape == (30, 3)
        assert list(answers.columns) == list(QUANTILES)
    elif kind == "regression":
        assert answers.std() > 0.5
    else:
        assert (answers == unseen[LABELS[kind]]).mean() > 0.6
        assert sorted(predictor.class_labels) == {"binary": ["no", "yes"], "multiclass": [1, 2, 3]}[kind]
