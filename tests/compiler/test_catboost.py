"""CatBoost's models: answers equal AutoGluon's own, to the bit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from autogluon.tabular.models import CatBoostModel
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from agbento.compiler.arrays import Arrays
from agbento.compiler.frontends import catboost as frontend
from agbento.compiler.frontends import catboost_groups
from agbento.compiler.frontends.context import Context
from agbento.compiler.native import catboost as native
from agbento.compiler.native.contract import Evaluate
from agbento.compiler.plan.catboost import CatBoost
from agbento.compiler.plan.catboost_program import GROUP, unpack
from agbento.compiler.plan.slots import Slot
from tests.frames import categorical

LEVELS = (0.1, 0.5, 0.9)
CLASSES = 4
_LETTERS = ["a", "b", "c", "d", "e", "f", "g", "h"]
_COMBINED = {"max_ctr_complexity": 4, "random_strength": 10, "iterations": 40}
MANY_STATISTICS = {
    "simple_ctr": [
        "Borders:TargetBorderCount=4",
        "Buckets:TargetBorderCount=3",
        "BinarizedTargetMeanValue",
        "Counter:Prior=5",
    ],
    "combinations_ctr": ["Borders:TargetBorderCount=2", "Buckets", "BinarizedTargetMeanValue", "Counter"],
    "max_ctr_complexity": 3,
}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "regression": ("regression", {}),
    "many statistics": ("regression", MANY_STATISTICS),
    "deep": ("regression", {"depth": 11, "iterations": 4, "border_count": 1000, "boost_from_average": False}),
    "poisson": ("regression", {"loss_function": "Poisson"}),
    "quantile loss": ("regression", {"loss_function": "Quantile:alpha=0.3"}),
    "lossguide": ("regression", {"grow_policy": "Lossguide", "nan_mode": "Max"}),
    "binary": ("binary", {}),
    "binary, combined": ("binary", _COMBINED | {"one_hot_max_size": 3}),
    "binary, exact levels": ("binary", {"one_hot_max_size": 255}),
    "binary, nan greatest": ("binary", {"nan_mode": "Max"}),
    "binary, two sums": ("binary", {"loss_function": "MultiClass", "eval_metric": "MultiClass"}),
    "binary, cross entropy": ("binary", {"loss_function": "CrossEntropy"}),
    "multiclass": ("multiclass", {}),
    "multiclass, depthwise": ("multiclass", {"grow_policy": "Depthwise", **_COMBINED, "iterations": 15}),
    "multiclass, one against all": ("multiclass", {"loss_function": "MultiClassOneVsAll"}),
    "quantile": ("quantile", {}),
}


def features(rows: int = 300, seed: int = 0) -> pd.DataFrame:
    """Columns of every kind, with missing values; training sees neither all letters nor missing ones in ``whole``."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "double": random.normal(size=rows),
            "town": categorical(random.integers(-1, 40, rows), range(100, 140)),
            "whole": random.integers(-40, 40, rows).astype("int8"),
            "letter": categorical(random.integers(-1, len(_LETTERS), rows), _LETTERS),
            "single": random.normal(size=rows).astype("float32"),
            "side": categorical(random.integers(0, 2, rows), ["left", "right"]),
            "gapless": random.normal(size=rows),
        }
    )
    frame.loc[random.random(rows) < 0.1, "double"] = np.nan
    frame.loc[random.random(rows) < 0.1, "single"] = np.nan
    return frame


def target(frame: pd.DataFrame, problem: str) -> pd.Series:
    """What the columns say, with noise; never below 0."""
    noise = np.random.default_rng(1).normal(size=len(frame))
    number = frame.double.fillna(0.5) * (1 + frame.letter.cat.codes % 3) + frame.whole / 20 * (frame.side == "left")
    number = (number + (frame.town.cat.codes % 4) + frame.gapless + 0.3 * noise).abs()
    if problem == "binary":
        return (number > number.median()).astype(int)
    return pd.Series(pd.qcut(number, CLASSES, labels=False)) if problem == "multiclass" else number


def slots(frame: pd.DataFrame) -> tuple[Slot, ...]:
    """The columns as a plan has them."""
    levels = [frame[c].cat.categories.tolist() if frame[c].dtype == "category" else None for c in frame]
    return tuple(
        Slot(i, str(c), str(frame[c].dtype), None if known is None else tuple(known))
        for i, (c, known) in enumerate(zip(frame, levels, strict=True))
    )


def matrix(frame: pd.DataFrame) -> npt.NDArray[np.float64]:
    """The columns as numbers, and categories as positions."""
    columns = [frame[c].cat.codes if frame[c].dtype == "category" else frame[c] for c in frame]
    return np.column_stack([np.asarray(column, np.float64) for column in columns])


def frame_of(rows: npt.NDArray[np.float64], like: pd.DataFrame) -> pd.DataFrame:
    """The columns that ``matrix`` makes these rows of."""
    found = {}
    for i, name in enumerate(like):
        if like[name].dtype == "category":
            found[name] = pd.Series(categorical(rows[:, i].astype(int), like[name].dtype))
        else:
            with np.errstate(over="ignore"):
                found[name] = pd.Series(rows[:, i].astype(str(like[name].dtype)))
    return pd.DataFrame(found)


@dataclass(frozen=True)
class Trained:
    """A model and the columns that it answers, which have levels that it did not see."""

    model: CatBoostModel
    problem: str
    columns: pd.DataFrame

    def compiled(self) -> tuple[CatBoost, Arrays]:
        """Read it."""
        arrays = Arrays()
        levels = LEVELS if self.problem == "quantile" else ()
        context = Context("m", slots(self.columns), arrays, self.problem, CLASSES, levels)
        return frontend.read(self.model, context), arrays

    @cached_property
    def evaluate(self) -> Evaluate:
        """Its native function."""
        return native.bind(*self.compiled(), 1)

    def expected(self, rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """AutoGluon's own answer."""
        return np.asarray(self.model._predict_proba(frame_of(rows, self.columns)))

    @cached_property
    def specials(self) -> list[list[float]]:
        """For each column what is worth trying: borders and what lies around them, and the ends of numbers."""
        ends = [np.nan, np.inf, -np.inf, -0.0, 1e300, -1e39, 5e-324, 3.4028235677973366e38]
        found = [ends if self.columns[c].dtype.kind == "f" else [] for c in self.columns]
        for slot, borders in native.thresholds(*self.compiled()):
            if self.columns.iloc[:, slot].dtype.kind == "f":
                singles = borders.astype(np.float32)
                with np.errstate(over="ignore"):
                    near = [np.nextafter(x, x.dtype.type(to)) for x in (borders, singles) for to in (-np.inf, np.inf)]
                found[slot] = found[slot] + np.concatenate([borders, *near]).tolist()
        return found


def trained(problem: str, folder: Path, hyper: dict[str, Any], frame: pd.DataFrame | None = None) -> Trained:
    """Train on columns that lack a letter and a town which the columns to be answered have."""
    wide = features() if frame is None else frame
    seen = wide
    if "letter" in wide:
        seen = wide[(wide.letter != "c") & (wide.town != 120)].reset_index(drop=True)
        seen = seen.assign(**{c: seen[c].cat.remove_unused_categories() for c in ("letter", "town")})
    given: dict[str, Any] = {"iterations": 25, "learning_rate": 0.2, **hyper}
    given |= {"ag.quantile_levels": list(LEVELS)} if problem == "quantile" else {}
    model = CatBoostModel(path=str(folder), name="m", problem_type=problem, hyperparameters=given)
    y = target(seen, problem) if "letter" in seen else (seen.sum(axis=1) > 0).astype(int)
    model.fit(X=seen, y=y, num_cpus=1, num_gpus=0, verbosity=0)
    return Trained(model, problem, wide)


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Each of the cases."""
    problem, hyper = CASES[request.param]
    return trained(problem, tmp_path_factory.mktemp("catboost"), hyper)


@pytest.fixture(scope="module")
def combined(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A model with combinations of categories, numbers and exact levels."""
    return trained("binary", tmp_path_factory.mktemp("catboost"), CASES["binary, combined"][1])


def same(found: npt.NDArray[np.float64], expected: npt.NDArray[np.float64]) -> None:
    """Have two answers equal to the bit."""
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    assert found.tobytes() == np.ascontiguousarray(expected).tobytes()


def test_rows_are_answered_as_autogluon_does(case: Trained) -> None:
    rows = matrix(features(200, seed=5))
    expected = case.expected(rows)
    assert len(np.unique(expected)) > 50
    same(case.evaluate(rows), expected)
    same(np.concatenate([case.evaluate(rows[i : i + 1]) for i in range(len(rows))]), expected)


@given(data=st.data())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_row_is_answered_as_autogluon_does(case: Trained, data: st.DataObject) -> None:
    columns = []
    for name, special in zip(case.columns, case.specials, strict=True):
        column = case.columns[name]
        if column.dtype == "category":
            columns.append(st.integers(-1, len(column.cat.categories) - 1).map(float))
        elif column.dtype.kind == "i":
            columns.append(st.integers(-128, 127).map(float))
        else:
            columns.append(st.sampled_from(special) | st.floats(width=32))
    rows = np.array(data.draw(st.lists(st.tuples(*columns), min_size=1, max_size=70)), np.float64)
    # What a float32 column holds is a float32.
    with np.errstate(over="ignore"):
        rows[:, 4] = rows[:, 4].astype(np.float32)
    same(case.evaluate(rows), case.expected(rows))


@pytest.mark.parametrize("count", [0, 1, 2, 63, 64, 65, 129, 300])
def test_rows_are_answered_alike_however_many_they_are(combined: Trained, count: int) -> None:
    rows = matrix(features(300, seed=6))
    same(combined.evaluate(rows[:count]), combined.expected(rows)[:count])


def test_threads_answer_at_once(combined: Trained) -> None:
    rows = matrix(features(300, seed=7))
    expected = combined.expected(rows)

    def answer(first: int) -> None:
        for i in range(300):
            at = (first * 37 + i) % 300
            same(combined.evaluate(rows[at : at + 1]), expected[at : at + 1])
        same(combined.evaluate(rows), expected)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(answer, range(16)))


def test_thresholds_are_the_borders_that_catboost_tells(case: Trained) -> None:
    told = case.model.model.get_borders()
    found = dict(native.thresholds(*case.compiled()))
    assert {slot: numbers.tolist() for slot, numbers in found.items()} == {
        slot: sorted(numbers) for slot, numbers in told.items() if numbers
    }


def test_tables_of_hashes_answer_as_lists_of_all_combinations(
    combined: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = matrix(features(300, seed=8))
    monkeypatch.setattr(catboost_groups, "_LISTED", 0)
    monkeypatch.setattr(catboost_groups, "_LISTED_FOR_SEEN", 0)
    leaf, arrays = combined.compiled()
    groups = unpack({kind: arrays.get(getattr(leaf, kind)) for kind in ("longs", "ints", "singles")})["groups"]
    assert (groups.reshape(-1, GROUP)[:, 4] >= 0).all()
    assert groups.size
    same(native.bind(leaf, arrays, 1)(rows), combined.expected(rows))


def test_a_plan_is_stored_and_mapped(combined: Trained, tmp_path: Path) -> None:
    leaf, arrays = combined.compiled()
    arrays.save(tmp_path / "arrays", tmp_path / "index.json")
    adapter = TypeAdapter(CatBoost)
    again = adapter.validate_json(adapter.dump_json(leaf))
    assert again == leaf
    rows = matrix(features(50, seed=9))
    mapped = Arrays.load(tmp_path / "arrays", tmp_path / "index.json")
    same(native.bind(again, mapped, 1)(rows), combined.expected(rows))


def test_numbers_alone_and_categories_alone(tmp_path: Path) -> None:
    frame = features()
    alone = trained("binary", tmp_path / "n", {}, frame[["double", "single", "gapless"]])
    rows = matrix(alone.columns)
    same(alone.evaluate(rows), alone.expected(rows))
    towns = frame[["town", "side"]]
    model = CatBoostModel(path=str(tmp_path / "c"), name="m", problem_type="binary", hyperparameters={"iterations": 9})
    model.fit(X=towns, y=target(frame, "binary"), num_cpus=1, num_gpus=0, verbosity=0)
    only = Trained(model, "binary", towns)
    same(only.evaluate(matrix(towns)), only.expected(matrix(towns)))
