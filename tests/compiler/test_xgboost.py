"""XGBoost's models: answers equal AutoGluon's own, to the bit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from autogluon.tabular.models import XGBoostModel
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from agbento.compiler.arrays import Arrays
from agbento.compiler.frontends import xgboost as frontend
from agbento.compiler.frontends.context import Context
from agbento.compiler.native import xgboost as native
from agbento.compiler.native.contract import Evaluate
from agbento.compiler.plan.slots import Slot
from agbento.compiler.plan.xgboost import XGBoost
from tests.frames import categorical

ROWS, CLASSES = 500, 4
_LETTERS = ["z", "y", "x", "never seen", "w", "v", "u", "t", "seen once"]


def features(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    """Columns of every kind: with missing values, zeros, levels that are rare, never seen, or more than are kept."""
    random = np.random.default_rng(seed)
    letters = random.choice([0, 1, 2, 4, 5, 6, 7, -1], rows)
    letters[0] = 8
    frame = pd.DataFrame(
        {
            "double": random.normal(size=rows),
            "small": random.integers(-3, 4, rows).astype("int8"),
            "letter": categorical(letters, _LETTERS),
            "single": random.normal(size=rows).astype("float32"),
            "town": categorical(random.integers(0, 140, rows), range(1000, 1140)),
        }
    )
    frame.loc[random.random(rows) < 0.1, "double"] = np.nan
    frame.loc[random.random(rows) < 0.1, "single"] = 0.0
    return frame


def target(frame: pd.DataFrame, problem: str) -> pd.Series:
    """What the columns say, with noise."""
    noise = np.random.default_rng(1).normal(size=len(frame))
    number = frame.double.fillna(0.5) * (1 + frame.letter.cat.codes % 3) + frame.small * (frame.single < 0.3)
    number = number + (frame.town.cat.codes % 4) + 0.3 * noise
    if problem == "regression":
        return number
    if problem == "binary":
        return (number > number.median()).astype(int)
    return pd.Series(pd.qcut(number, CLASSES, labels=False))


def slots(frame: pd.DataFrame) -> tuple[Slot, ...]:
    """The columns as a plan has them."""
    found = []
    for index, name in enumerate(frame):
        dtype = frame[name].dtype
        if isinstance(dtype, pd.CategoricalDtype):
            levels = dtype.categories
            found.append(Slot(index, str(name), "category", tuple(levels.tolist()), str(levels.dtype)))
        else:
            found.append(Slot(index, str(name), str(dtype)))
    return tuple(found)


def matrix(frame: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The columns as numbers, and categories as positions."""
    columns = [frame[c].cat.codes if frame[c].dtype == "category" else frame[c] for c in frame]
    return np.column_stack([np.asarray(column, np.float64) for column in columns])


def trained(problem: str, folder: Path, frame: pd.DataFrame | None = None, y: Any = None, **hyper: Any) -> XGBoostModel:
    """A model as a predictor would load it."""
    frame = features() if frame is None else frame
    y = target(frame, problem) if y is None else y
    early = hyper.pop("early", False)
    model = XGBoostModel(
        path=str(folder), name="m", problem_type=problem, hyperparameters={"n_estimators": 25, **hyper}
    )
    val = {"X_val": frame[-150:].copy(), "y_val": y[-150:]} if early else {}
    model.fit(X=frame[:350].copy(), y=y[:350], num_cpus=1, num_gpus=0, verbosity=0, **val)
    return XGBoostModel.load(model.save())


def context(frame: pd.DataFrame, problem: str) -> Context:
    """What the compiler would give the front end."""
    return Context("m", slots(frame), Arrays(), problem, CLASSES if problem == "multiclass" else 1)


@dataclass
class Compiled:
    """A model of AutoGluon's beside its plan."""

    model: XGBoostModel
    frame: pd.DataFrame
    arrays: Arrays
    leaf: XGBoost
    evaluate: Evaluate

    def asked(self, frame: pd.DataFrame) -> Any:
        """What AutoGluon says."""
        return self.model._predict_proba(frame.copy(), num_cpus=1)

    def rows(self, frame: pd.DataFrame) -> Any:
        """The columns that the plan reads."""
        return np.ascontiguousarray(matrix(frame)[:, list(self.leaf.columns)])

    def same(self, frame: pd.DataFrame) -> None:
        """Compare all rows at once, and by themselves."""
        expected, rows = self.asked(frame), self.rows(frame)
        found = self.evaluate(rows)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
        singly = np.concatenate([self.evaluate(rows[i : i + 1]) for i in range(len(rows))])
        np.testing.assert_array_equal(singly, expected)


def compiled(problem: str, folder: Path, frame: pd.DataFrame | None = None, **hyper: Any) -> Compiled:
    """Train and compile, through JSON."""
    model = trained(problem, folder, frame, **hyper)
    frame = features() if frame is None else frame
    given_to = context(frame, problem)
    adapter = TypeAdapter(XGBoost)
    leaf = adapter.validate_json(adapter.dump_json(frontend.read(model, given_to)))
    return Compiled(model, frame, given_to.arrays, leaf, native.bind(leaf, given_to.arrays, 1))


_MODELS: dict[str, dict[str, Any]] = {
    "binary": {"problem": "binary"},
    "regression": {"problem": "regression", "early": True},
    "multiclass": {"problem": "multiclass", "early": True},
    "binary, own categories": {"problem": "binary", "enable_categorical": True, "early": True},
    "regression, categories one by one": {
        "problem": "regression",
        "enable_categorical": True,
        "max_cat_to_onehot": 1000,
    },
    "multiclass, own categories": {"problem": "multiclass", "enable_categorical": True, "max_cat_to_onehot": 2},
    "few levels kept": {"problem": "regression", "proc.max_category_levels": 3},
    "deep": {"problem": "binary", "grow_policy": "lossguide", "max_depth": 0, "max_leaves": 60, "min_child_weight": 0},
    "forest": {"problem": "multiclass", "num_parallel_tree": 3, "subsample": 0.5, "n_estimators": 7},
    "exact": {"problem": "regression", "tree_method": "exact", "gamma": 1.0},
    "approx": {"problem": "binary", "tree_method": "approx", "base_score": 0.2},
    "most likely": {"problem": "multiclass", "objective": "multi:softmax"},
}


@pytest.fixture(scope="module", params=_MODELS, ids=list(_MODELS))
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return compiled(folder=tmp_path_factory.mktemp("xgb"), **_MODELS[request.param])


def test_new_rows_equal(model: Compiled) -> None:
    model.same(features(150, seed=7))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_any_row_equals(model: Compiled, data: st.DataObject) -> None:
    frame = data.draw(any_rows(model))
    model.same(frame)


@st.composite
def any_rows(draw: st.DrawFn, model: Compiled) -> pd.DataFrame:
    """Rows of any numbers, of those next to thresholds, and of any level."""
    near = {slot: around(numbers) for slot, numbers in native.thresholds(model.leaf, model.arrays)}
    count = draw(st.integers(1, 12))
    columns: dict[str, Any] = {}
    for slot in slots(model.frame):
        edges = near.get(slot.index, [0.0])
        values: st.SearchStrategy[Any]
        if slot.levels is not None:
            values = st.integers(-1, len(slot.levels) - 1)
        elif slot.dtype == "int8":
            values = st.integers(-128, 127)
        elif slot.dtype == "float32":
            singles = [float(np.float32(edge)) for edge in edges]
            values = st.sampled_from(singles) | st.floats(width=32)
        else:
            values = st.sampled_from(edges) | st.floats()
        drawn = draw(st.lists(values, min_size=count, max_size=count))
        if slot.levels is not None:
            columns[slot.name] = categorical(drawn, model.frame[slot.name].dtype)
        else:
            columns[slot.name] = np.array(drawn, slot.dtype)
    return pd.DataFrame(columns)


def around(numbers: Any) -> list[float]:
    """Each number and those next to it, as float32 and as float64."""
    single = numbers.astype(np.float32)
    next_singles = [np.nextafter(single, np.float32(to)) for to in (-np.inf, np.inf)]
    next_doubles = [np.nextafter(numbers, to) for to in (-np.inf, np.inf)]
    halves = [(numbers + n.astype(np.float64)) / 2 for n in next_singles]
    return [float(n) for n in np.concatenate([numbers, *next_singles, *next_doubles, *halves])]


def test_thresholds_are_those_of_the_booster(model: Compiled) -> None:
    booster = model.model.model.get_booster()
    told = booster.trees_to_dataframe()
    best = booster.attr("best_iteration")
    kept = int(best) + 1 if best is not None else booster.num_boosted_rounds()
    per_round = len(told.Tree.unique()) // booster.num_boosted_rounds()
    told = told[(told.Tree < kept * per_round) & told.Split.notna()]
    names = [slot.name for slot in slots(model.frame)]
    for slot, numbers in native.thresholds(model.leaf, model.arrays):
        own = {names[slot]} | {f"f{i}" for i in _feature(model, names[slot])}
        splits = told[told.Feature.isin(own)].Split.to_numpy(np.float32)
        assert set(splits.tolist()) <= set(numbers.tolist())
        assert set(numbers.tolist()) <= {*splits.tolist(), 0.0}


def _feature(model: Compiled, name: str) -> list[int]:
    """The numbers of XGBoost's features of a number column: behind all one-hot ones."""
    generator = model.model._ohe_generator
    if generator is None:
        return []
    first = model.model.model.n_features_in_ - len(generator.other_cols)
    return [first + generator.other_cols.index(name)]
