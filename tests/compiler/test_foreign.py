"""Parts that have no native form run as AutoGluon's own objects inside the plan, fed with what they need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from autogluon.features.generators import (
    AutoMLPipelineFeatureGenerator,
    CategoryFeatureGenerator,
    IdentityFeatureGenerator,
    PipelineFeatureGenerator,
)
from autogluon.tabular import TabularPredictor

from agbento.compiler import CompiledPredictor, compile_predictor
from tests.compiler.parity import assert_equal

pytestmark = [
    pytest.mark.slow,
    # AutoGluon gives scikit-learn's linear models a parameter that they no longer have.
    pytest.mark.filterwarnings("ignore:'n_jobs' has no effect:FutureWarning"),
]


def rows(n: int = 200, seed: int = 0) -> pd.DataFrame:
    """Numbers with gaps, a category with gaps, a flag, and a label that depends on them."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "a": rng.normal(size=n),
            "b": rng.integers(0, 50, n),
            "c": pd.Series(rng.choice(["red", "green", "blue"], n)).mask(rng.random(n) < 0.1),
            "flag": rng.choice(["yes", "no"], n),
        }
    )
    frame["a"] = frame["a"].mask(rng.random(n) < 0.1)
    return frame.assign(
        y=(frame["a"].fillna(0) + frame["b"] / 25 + (frame["c"] == "red") > 1).map({True: "in", False: "out"})
    )


FAMILIES: dict[str, Any] = {"GBM": {"num_boost_round": 10}, "KNN": {}, "LR": {}}


def fit(folder: Path, families: dict[str, Any], **options: Any) -> TabularPredictor:
    """Train with bags, a stacker above them, and no native form for all."""
    predictor = TabularPredictor("y", problem_type="binary", path=str(folder), verbosity=0)
    return predictor.fit(rows(), hyperparameters=families, num_cpus=1, num_gpus=0, **options)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> TabularPredictor:
    """Models with and without a native form, below a stacked layer of both."""
    bags: dict[str, Any] = {"num_bag_folds": 2, "num_bag_sets": 1, "num_stack_levels": 1, "dynamic_stacking": False}
    bags["ag_args_ensemble"] = {"fold_fitting_strategy": "sequential_local"}
    return fit(tmp_path_factory.mktemp("mixed") / "p", FAMILIES, **bags)


def test_each_model_answers_as_autogluon(mixed: TabularPredictor, tmp_path: Path) -> None:
    data = rows(40, 1).drop(columns="y")
    told = {}
    for i, name in enumerate(mixed.model_names()):
        compiled = compile_predictor(mixed, model=name)
        assert_equal(compiled, mixed, data, name)
        compiled.save(tmp_path / str(i))
        assert_equal(CompiledPredictor.load(tmp_path / str(i)), mixed, data, name)
        told[name] = {leaf.family: leaf.why for leaf in compiled.plan.foreign}
    assert told["LightGBM_BAG_L1"] == {}
    assert told["LinearModel_BAG_L1"] == {"LinearModel": "LinearModel has no native form"}
    assert "KNNModel" in told["LightGBM_BAG_L2"]
    assert "LGBModel" not in told["LightGBM_BAG_L2"]


def test_its_threads_are_bounded_where_it_is_loaded(mixed: TabularPredictor, tmp_path: Path) -> None:
    compiled = compile_predictor(mixed)
    training = [part.model.n_jobs for part in compiled.foreign.values() if hasattr(part.model, "n_jobs")]
    assert training
    compiled.save(tmp_path / "c")
    for part in CompiledPredictor.load(tmp_path / "c", threads=3).foreign.values():
        assert getattr(part.model, "n_jobs", 3) == 3
    assert [part.model.n_jobs for part in compiled.foreign.values() if hasattr(part.model, "n_jobs")] == training


def test_a_model_with_generators_of_its_own(tmp_path: Path) -> None:
    own = {"ag.model_specific_feature_generator_kwargs": {"feature_generators": [[["ArithmeticFeatureGenerator", {}]]]}}
    predictor = fit(tmp_path / "p", {"GBM": {"num_boost_round": 5, **own}, "XT": {"n_estimators": 5}})
    compiled = compile_predictor(predictor, model="LightGBM")
    assert [leaf.why for leaf in compiled.plan.foreign] == ["LGBModel with feature generators of its own"]
    assert_equal(compiled, predictor, rows(30, 2).drop(columns="y"), "LightGBM")


class Doubled(IdentityFeatureGenerator):
    """A generator of a team's own."""

    def _transform(self, X: pd.DataFrame) -> pd.DataFrame:  # noqa: N803 as AutoGluon calls it
        return X * 2


def test_generators_of_the_teams_own(tmp_path: Path) -> None:
    numbers = Doubled(infer_features_in_args={"valid_raw_types": ["int", "float"]})
    generator = PipelineFeatureGenerator(generators=[[numbers, CategoryFeatureGenerator()]])
    predictor = fit(tmp_path / "p", {"GBM": {"num_boost_round": 5}}, feature_generator=generator)
    compiled = compile_predictor(predictor)
    assert not compiled.native
    assert "Doubled" in compiled.plan.features.why  # type: ignore[union-attr]
    assert not compiled.plan.foreign
    data = rows(40, 1).drop(columns="y")
    assert_equal(compiled, predictor, data, predictor.model_best)
    compiled.save(tmp_path / "compiled")
    assert_equal(CompiledPredictor.load(tmp_path / "compiled"), predictor, data, predictor.model_best)


def test_text_features_that_reach_models(tmp_path: Path) -> None:
    data = rows().assign(text=[f"word{i % 9} and word{i % 4} of {i}" for i in range(200)])
    predictor = TabularPredictor("y", problem_type="binary", path=str(tmp_path / "p"), verbosity=0)
    generator = AutoMLPipelineFeatureGenerator(enable_text_special_features=True)
    predictor.fit(data, hyperparameters={"GBM": {"num_boost_round": 5}}, num_cpus=1, feature_generator=generator)
    compiled = compile_predictor(predictor)
    assert compiled.native
    assert_equal(compiled, predictor, data.head(30).drop(columns="y"), predictor.model_best)
