"""Compiled predictors answer as AutoGluon: its own toy data and real data, every family in every place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from autogluon.tabular import TabularPredictor
from autogluon.tabular.testing import generate_datasets

from agbento.compiler import CompiledPredictor, compile_predictor
from tests.compiler.parity import assert_equal, train
from tests.test_real_data import LABEL, data_of

pytestmark = pytest.mark.slow

KINDS = ["regression", "binary", "multiclass", "quantile"]


@pytest.fixture(scope="module", params=KINDS)
def real(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[TabularPredictor, Any]:
    """A predictor of real data with all families in two layers, bagged and refitted; and the data."""
    data = data_of(request.param).sample(150, random_state=0).reset_index(drop=True)
    folder = tmp_path_factory.mktemp("parity") / request.param
    return train(data, LABEL, request.param, folder), data.drop(columns=LABEL)


def test_every_model_of_real_data(real: tuple[TabularPredictor, pd.DataFrame], tmp_path: Path) -> None:
    predictor, data = real
    names = predictor.model_names()
    assert any("_BAG_L2_FULL" in name for name in names)
    for i, name in enumerate(names):
        compiled = compile_predictor(predictor, model=name)
        assert compiled.native, (name, compiled.plan.foreign)
        assert_equal(compiled, predictor, data.head(40), name)
        compiled.save(tmp_path / str(i))
    again = CompiledPredictor.load(tmp_path / str(i))
    assert_equal(again, predictor, data, names[-1])


def test_many_rows_are_as_each_alone(real: tuple[TabularPredictor, pd.DataFrame]) -> None:
    predictor, data = real
    many = pd.concat([data] * 8, ignore_index=True)
    compiled = compile_predictor(predictor, threads=2)
    found = compiled.predict(many)
    assert np.array_equal(found, np.concatenate([compiled.predict(data)] * 8))


@pytest.mark.parametrize(
    "name",
    [name for name in dir(generate_datasets) if name.startswith("generate_toy") and "_n_" not in name],
)
def test_toy_data_of_autogluon(name: str, tmp_path: Path) -> None:
    data, _, told = getattr(generate_datasets, name)()
    predictor = TabularPredictor(
        told["label"],
        problem_type=told["problem_type"],
        path=str(tmp_path / "p"),
        verbosity=0,
        **told.get("init_kwargs", {}),
    )
    families = {"GBM": {"num_boost_round": 5}, "CAT": {"iterations": 5}, "XGB": {"n_estimators": 5}, "RF": {}, "XT": {}}
    predictor.fit(data, tuning_data=data, hyperparameters=families, num_cpus=1)
    for model in predictor.model_names():
        compiled = compile_predictor(predictor, model=model)
        assert compiled.native
        assert_equal(compiled, predictor, data.drop(columns=told["label"]).head(50), model)
