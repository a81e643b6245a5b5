"""LightGBM's models: answers equal AutoGluon's own, to the bit."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from autogluon.tabular.models import LGBModel
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from agbento.compiler.arrays import Arrays
from agbento.compiler.errors import NotNative
from agbento.compiler.frontends import lightgbm as frontend
from agbento.compiler.frontends.context import Context
from agbento.compiler.native import lightgbm as native
from agbento.compiler.native.contract import Evaluate
from agbento.compiler.plan.lightgbm import LightGBM
from tests.compiler.test_xgboost import CLASSES, around, features, matrix, slots, target
from tests.frames import categorical

LEVELS = (0.1, 0.5, 0.8)
# How few rows make a leaf: so that few rows make trees.
_EAGER = {
    "min_data_in_leaf": 2,
    "min_data_per_group": 2,
    "cat_smooth": 1.0,
    "num_boost_round": 25,
    "learning_rate": 0.2,
}


@dataclass
class Compiled:
    """A model of AutoGluon's beside its plan."""

    model: LGBModel
    frame: pd.DataFrame
    arrays: Arrays
    leaf: LightGBM
    evaluate: Evaluate

    def same(self, frame: pd.DataFrame) -> None:
        """Compare all rows at once, and by themselves."""
        expected = self.model._predict_proba(frame.copy(), num_cpus=1)
        rows = np.ascontiguousarray(matrix(frame))
        found = self.evaluate(rows)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
        singly = np.concatenate([self.evaluate(rows[i : i + 1]) for i in range(len(rows))])
        np.testing.assert_array_equal(singly, expected)


def trained(problem: str, folder: Path, frame: pd.DataFrame | None = None, y: Any = None, **hyper: Any) -> LGBModel:
    """A model as a predictor would load it."""
    frame = features() if frame is None else frame
    y = target(frame, "regression" if problem == "quantile" else problem) if y is None else y
    early, own = hyper.pop("early", False), {"ag.quantile_levels": LEVELS} if problem == "quantile" else {}
    model = LGBModel(path=str(folder), name="m", problem_type=problem, hyperparameters=_EAGER | hyper | own)
    val = {"X_val": frame[-150:].copy(), "y_val": y[-150:]} if early else {}
    model.fit(X=frame[:350].copy(), y=y[:350], num_cpus=1, num_gpus=0, verbosity=0, **val)
    return LGBModel.load(model.save())


def context(frame: pd.DataFrame, problem: str) -> Context:
    """What the compiler would give the front end."""
    levels = LEVELS if problem == "quantile" else ()
    return Context("m", slots(frame), Arrays(), problem, CLASSES if problem == "multiclass" else 1, levels)


def read(model: LGBModel, frame: pd.DataFrame, problem: str) -> Compiled:
    """Compile, through JSON."""
    given_to, adapter = context(frame, problem), TypeAdapter(LightGBM)
    leaf = adapter.validate_json(adapter.dump_json(frontend.read(model, given_to)))
    return Compiled(model, frame, given_to.arrays, leaf, native.bind(leaf, given_to.arrays, 1))


def compiled(problem: str, folder: Path, frame: pd.DataFrame | None = None, **hyper: Any) -> Compiled:
    """Train and compile."""
    model = trained(problem, folder, frame, **hyper)
    return read(model, features() if frame is None else frame, problem)


_MODELS: dict[str, dict[str, Any]] = {
    "binary": {"problem": "binary", "early": True},
    "regression": {"problem": "regression"},
    "multiclass": {"problem": "multiclass", "early": True},
    "quantile": {"problem": "quantile", "early": True},
    "extra trees": {"problem": "binary", "extra_trees": True},
    "one against all": {"problem": "multiclass", "objective": "multiclassova", "sigmoid": 0.7},
    "zero is missing": {"problem": "regression", "zero_as_missing": True},
    "nothing is missing": {"problem": "binary", "use_missing": False},
    "dropped trees": {"problem": "regression", "boosting_type": "dart", "dart_retrain": True, "early": True},
    "categories one by one": {"problem": "multiclass", "max_cat_to_onehot": 1000},
    "large trees": {"problem": "regression", "num_leaves": 200, "min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 0.0},
    "stumps": {"problem": "binary", "num_leaves": 2},
}


@pytest.fixture(scope="module", params=_MODELS, ids=list(_MODELS))
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    made = compiled(folder=tmp_path_factory.mktemp("lgb"), **_MODELS[request.param])
    assert made.leaf.trees, made.leaf.why
    return made


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return compiled("binary", tmp_path_factory.mktemp("binary"))


def test_new_rows_equal(model: Compiled) -> None:
    model.same(features(150, seed=7))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_any_row_equals(model: Compiled, data: st.DataObject) -> None:
    model.same(data.draw(any_rows(model)))


@st.composite
def any_rows(draw: st.DrawFn, model: Compiled) -> pd.DataFrame:
    """Rows of any numbers, of those next to thresholds, and of any level."""
    near = {slot: around(numbers) for slot, numbers in native.thresholds(model.leaf, model.arrays)}
    count = draw(st.integers(1, 12))
    columns: dict[str, Any] = {}
    for slot in slots(model.frame):
        edges = near.get(slot.index, [0.0])
        if slot.levels is not None:
            positions = draw(st.lists(st.integers(-1, len(slot.levels) - 1), min_size=count, max_size=count))
            columns[slot.name] = categorical(positions, model.frame[slot.name].dtype)
            continue
        values: st.SearchStrategy[Any] = st.integers(-128, 127)
        if slot.dtype == "float32":
            values = st.sampled_from([float(np.float32(edge)) for edge in edges]) | st.floats(width=32)
        elif slot.dtype == "float64":
            values = st.sampled_from(edges) | st.floats()
        columns[slot.name] = np.array(draw(st.lists(values, min_size=count, max_size=count)), slot.dtype)
    return pd.DataFrame(columns)


def test_numbers_that_are_nearly_zero(model: Compiled) -> None:
    """LightGBM takes what is within 1e-35 of 0 for 0, and has thresholds there."""
    edge = float(np.float32(1e-35))
    small = [0.0, edge, np.nextafter(edge, 1), np.nextafter(edge, 0), 1e-35, 1e-40, 5e-324, np.finfo(float).tiny]
    frame = features(4 * len(small), seed=3)
    frame["double"] = np.resize([*small, *(-n for n in small)], len(frame))
    model.same(frame)


def test_thresholds_are_those_of_the_booster(model: Compiled) -> None:
    wrapper = model.model.model
    boosters = list(wrapper.model_dict.values()) if hasattr(wrapper, "model_dict") else [wrapper]
    told: dict[int, set[float]] = {}
    for booster in boosters:
        for tree in booster.dump_model(num_iteration=booster.best_iteration)["tree_info"]:
            _gather(tree["tree_structure"], told)
    found = {slot: set(numbers.tolist()) for slot, numbers in native.thresholds(model.leaf, model.arrays)}
    assert found == told


def _gather(node: dict[str, Any], told: dict[int, set[float]]) -> None:
    if "split_feature" in node:
        if node["decision_type"] == "<=":
            told.setdefault(node["split_feature"], set()).add(node["threshold"])
        _gather(node["left_child"], told)
        _gather(node["right_child"], told)


@pytest.mark.parametrize(
    "hyper",
    [
        {"objective": "regression_l1"},
        {"objective": "huber"},
        {"objective": "fair"},
        {"objective": "poisson"},
        {"objective": "mape"},
        {"objective": "gamma"},
        {"objective": "tweedie"},
        {"objective": "regression", "reg_sqrt": True},
    ],
    ids=lambda hyper: " ".join(map(str, hyper.values())),
)
def test_objectives(hyper: dict[str, Any], tmp_path: Path) -> None:
    frame = features()
    made = compiled("regression", tmp_path, frame, y=np.exp(target(frame, "regression") / 4), **hyper)
    assert made.leaf.trees, made.leaf.why
    made.same(features(60, seed=3))


def test_objectives_of_shares(tmp_path: Path) -> None:
    made = compiled("binary", tmp_path, objective="cross_entropy")
    assert made.leaf.trees, made.leaf.why
    made.same(features(60, seed=3))


@pytest.mark.parametrize("problem", ["binary", "multiclass"])
def test_sums_beyond_what_a_power_can_be(problem: str, tmp_path: Path) -> None:
    made = compiled(problem, tmp_path, learning_rate=500.0, lambda_l2=0.0, min_sum_hessian_in_leaf=0.0)
    made.same(features(60, seed=3))


@pytest.mark.parametrize(
    ("problem", "hyper", "why"),
    [
        ("regression", {"linear_tree": True}, "linear"),
        ("binary", {"objective": "cross_entropy_lambda"}, "cross_entropy_lambda"),
        ("multiclass", {"boosting_type": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}, "multiclass"),
        ("quantile", {"linear_tree": True}, "linear"),
    ],
)
def test_what_the_library_answers(problem: str, hyper: dict[str, Any], why: str, tmp_path: Path) -> None:
    made = compiled(problem, tmp_path, **hyper)
    assert made.leaf.texts
    assert why in made.leaf.why
    made.same(features(60, seed=3))


def test_trees_without_splits(tmp_path: Path) -> None:
    made = compiled("multiclass", tmp_path, min_data_in_leaf=1000)
    made.same(features(20, seed=5))


def test_numbers_alone(tmp_path: Path) -> None:
    names = ["double", "small", "single"]
    made = compiled("regression", tmp_path, features()[names], y=target(features(), "regression"))
    made.same(features(60, seed=3)[names])


def test_names_that_lightgbm_does_not_take(tmp_path: Path) -> None:
    """AutoGluon renames columns; their order is what counts."""
    names = {"double": "a:b", "small": "a b", "letter": "a,b", "single": "{}", "town": '"'}
    frame = features().rename(columns=names)
    made = compiled("binary", tmp_path, frame, y=target(features(), "binary"))
    assert made.model._requires_remap
    made.same(features(60, seed=3).rename(columns=names))


def test_levels_in_another_order(binary: Compiled) -> None:
    more = ["new", *reversed(binary.frame.letter.cat.categories)]
    frame = features(90, seed=9)
    frame["letter"] = categorical(np.resize(range(-1, len(more)), 90), more)
    frame["town"] = frame.town.cat.set_categories(np.arange(1200, 990, -1))
    read(binary.model, frame, "binary").same(frame)


def test_an_objective_of_python_is_not_native(tmp_path: Path) -> None:
    model = trained("regression", tmp_path, objective=_squares)
    with pytest.raises(NotNative, match="Python code"):
        read(model, features(), "regression")


def _squares(predicted: Any, data: Any) -> tuple[Any, Any]:
    return predicted - data.get_label(), np.ones_like(predicted)


def test_soft_classes_are_not_native(binary: Compiled) -> None:
    with pytest.raises(NotNative, match="softclass"):
        read(binary.model, binary.frame, "softclass")


@pytest.mark.parametrize("name", ["double", "letter"])
def test_columns_that_do_not_fit(name: str, binary: Compiled) -> None:
    for frame in (binary.frame.drop(columns=name), binary.frame.assign(**{name: _other(binary.frame[name])})):
        with pytest.raises(NotNative):
            read(binary.model, frame, "binary")


def _other(column: pd.Series) -> Any:
    return 1.0 if column.dtype == "category" else column.round().astype("category")


@pytest.mark.parametrize("hyper", [{}, {"linear_tree": True}], ids=["kernel", "library"])
def test_threads_at_once(hyper: dict[str, Any], tmp_path: Path) -> None:
    made = compiled("quantile", tmp_path, **hyper)
    rows = matrix(features(400, seed=11))
    expected = made.evaluate(rows)

    def ask(start: int) -> bool:
        rounds = [(i, i + 1 + i % 3) for i in range(start, 380, 7)]
        return all(np.array_equal(made.evaluate(rows[i:j]), expected[i:j]) for i, j in rounds)

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(64)))


def test_a_pickled_model_is_the_same(binary: Compiled) -> None:
    read(pickle.loads(pickle.dumps(binary.model)), binary.frame, "binary").same(features(30, seed=2))
