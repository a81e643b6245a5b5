"""AutoGluon's quantile forests: answers equal its own, to the bit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from autogluon.tabular.models import RFModel, XTModel
from hypothesis import given
from hypothesis import strategies as st

from agbento.compiler.arrays import Arrays
from agbento.compiler.frontends.context import Context
from agbento.compiler.native import quantile_forest as native
from agbento.compiler.plan.forest import QuantileForest
from tests.compiler.test_forest import (
    LEVELS,
    SETTINGS,
    Compiled,
    compiled,
    context,
    edges,
    features,
    matrix,
    odd_rows,
    refused,
    trained,
)


@pytest.fixture(
    scope="module", params=[(RFModel, 1), (XTModel, 1), (RFModel, 20)], ids=lambda p: f"{p[0].ag_key} {p[1]} a leaf"
)
def forest(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    (kind, least), folder, frame = request.param, tmp_path_factory.mktemp("forest"), features(500)
    model = trained(kind, "quantile", folder, frame, min_samples_leaf=least)
    return compiled(model, frame, "quantile", folder)


def test_rows_that_it_never_saw_are_answered_as_autogluon_does(forest: Compiled) -> None:
    frame = features(150, seed=5)
    frame.loc[:20, "letter"] = "never seen"
    asked = forest.asked(frame)
    assert asked.shape == (150, len(LEVELS))
    assert np.all(asked[:, 0] <= asked[:, -1])
    forest.same(frame)


@SETTINGS
@given(data=st.data())
def test_any_row_is_answered_as_autogluon_does(forest: Compiled, data: st.DataObject) -> None:
    forest.same(data.draw(odd_rows(forest)))


def test_threads_answer_the_same(forest: Compiled) -> None:
    rows = matrix(features(200, seed=6))
    expected, evaluate = forest.bind()(rows), forest.bind(threads=3)
    np.testing.assert_array_equal(evaluate(rows), expected)
    # Each thread has a scratch of its own: calls that take a while, so that they do overlap.
    alone, many = forest.bind(), np.tile(rows, (5, 1))
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(alone, [many] * 40):
            np.testing.assert_array_equal(found.reshape(5, *expected.shape), np.stack([expected] * 5))


@pytest.mark.parametrize("number", [np.inf, -1e39])
def test_what_float32_cannot_hold_is_refused_as_autogluon_does(forest: Compiled, number: float) -> None:
    frame = features(3)
    frame.loc[1, "double"] = number
    with pytest.raises(ValueError, match="infinity or a value too large"):
        forest.asked(frame)
    evaluate = forest.bind()
    with pytest.raises(ValueError, match="column 0: it is infinite"):
        evaluate(matrix(frame))
    frame = features(30)
    np.testing.assert_array_equal(evaluate(matrix(frame)), forest.asked(frame))


def test_thresholds_are_the_numbers_of_its_trees(forest: Compiled) -> None:
    assert isinstance(forest.leaf, QuantileForest)
    assert [slot for slot, _ in native.thresholds(forest.leaf, forest.arrays)] == [7, 9, 10, 12]
    assert all(edges(forest.leaf, forest.arrays).values())


def test_few_targets_and_one_leaf_are_answered_as_autogluon_does(tmp_path: Path) -> None:
    frame = features(60)
    y = pd.Series(np.random.default_rng(0).integers(0, 3, 60))
    model = trained(RFModel, "quantile", tmp_path, frame, y=y, max_leaf_nodes=2, n_estimators=3)
    compiled(model, frame, "quantile", tmp_path).same(features(40, seed=2))
    model = trained(XTModel, "quantile", tmp_path, frame, y=pd.Series(np.full(60, 2.5)), n_estimators=3)
    compiled(model, frame, "quantile", tmp_path).same(features(40, seed=2))


def test_what_is_not_known_is_refused(forest: Compiled) -> None:
    known = context(features(10), "quantile")
    others = Context("m", known.columns, Arrays(), "quantile", len(LEVELS), (0.1, 0.3, 0.5, 0.9))
    assert "quantiles (0.1, 0.29" in refused(forest.model, others)
    kept = forest.model.model.y_weights_
    forest.model.model.y_weights_ = kept[:, :-1]
    assert "without the leaves" in refused(forest.model, known)
    forest.model.model.y_weights_ = kept
    leaves = forest.model.model.y_train_leaves_
    forest.model.model.y_train_leaves_ = np.where(leaves == leaves[0].max(), -1, leaves)
    assert "in no leaf, or none in one" in refused(forest.model, known)
    forest.model.model.y_train_leaves_ = np.where(leaves >= 0, 0, leaves)
    assert "in no leaf, or none in one" in refused(forest.model, known)
    forest.model.model.y_train_leaves_ = leaves
