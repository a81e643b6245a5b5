from __future__ import annotations

import numpy as np

from agbento.answers import AnswerWriter
from agbento.predictor import Predictions
from agbento.schema import Schema

REGRESSION = Schema("y", "regression", ())


def test_numbers_are_exact_unless_rounded() -> None:
    predictions = Predictions(np.array([1 / 3, 2 / 3], dtype=np.float32))
    exact = [float(np.float32(1 / 3)), float(np.float32(2 / 3))]
    assert AnswerWriter(REGRESSION).answers(predictions) == [{"y": value} for value in exact]
    assert AnswerWriter(REGRESSION, 2).answers(predictions) == [{"y": 0.33}, {"y": 0.67}]


def test_what_is_no_number_is_null() -> None:
    predictions = Predictions(np.array([np.nan, np.inf]))
    assert AnswerWriter(REGRESSION).answers(predictions) == [{"y": None}, {"y": None}]


def test_classes_come_with_their_probabilities() -> None:
    schema = Schema("y", "binary", (), classes=(0, 1))
    predictions = Predictions(np.array([1]), np.array([[0.25, 0.75]]))
    (answer,) = AnswerWriter(schema).answers(predictions)
    assert answer == {"y": 1, "probabilities": {"0": 0.25, "1": 0.75}}
    assert type(answer["y"]) is int


def test_quantiles_are_named_by_their_level() -> None:
    schema = Schema("y", "quantile", (), quantile_levels=(0.1, 0.5))
    assert AnswerWriter(schema).answers(Predictions(np.array([[1.0, 2.0]]))) == [{"y": {"0.1": 1.0, "0.5": 2.0}}]
