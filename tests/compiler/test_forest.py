"""AutoGluon's forests: answers equal its own, to the bit where one thread adds up the trees."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from autogluon.tabular.models import RFModel, XTModel
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from agbento.compiler.arrays import Arrays
from agbento.compiler.errors import NotNative
from agbento.compiler.frontends import forest as frontend
from agbento.compiler.frontends.context import Context
from agbento.compiler.frontends.forest_trees import rounded_down
from agbento.compiler.native import forest as native
from agbento.compiler.native import quantile_forest as quantile_native
from agbento.compiler.native.contract import Evaluate
from agbento.compiler.plan.forest import Forest, QuantileForest
from agbento.compiler.plan.slots import Slot
from tests.frames import categorical

ROWS, CLASSES, LEVELS = 400, 4, (0.1, 0.29, 0.5, 0.9)
CATEGORY = pd.CategoricalDtype(["a", "b", "never seen", "c"])
_FLAG = pd.CategoricalDtype([False, True])
SETTINGS = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def features(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    """Columns of every kind that AutoGluon gives a forest, with missing values."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "double": random.normal(size=rows),
            "letter": categorical(random.choice([0, 1, 3, -1], rows), CATEGORY),
            "small": random.integers(-3, 4, rows).astype("int8"),
            "single": random.normal(size=rows).astype("float32"),
            "flag": categorical(random.integers(0, 2, rows), _FLAG),
            "whole": random.integers(-(10**9), 10**9, rows),
        }
    )
    frame.loc[random.random(rows) < 0.1, "double"] = np.nan
    return frame


def target(frame: pd.DataFrame, problem: str) -> pd.Series:
    """What the columns say, with noise."""
    number = frame.double.fillna(0.5) * (1 + frame.letter.cat.codes % 3) + frame.small * (frame.single < 0.3)
    number = number + 0.3 * np.random.default_rng(1).normal(size=len(frame)) + frame.whole / 1e9
    if problem == "binary":
        return (number > number.median()).astype(int)
    if problem == "multiclass":
        return pd.Series(pd.qcut(number, CLASSES, labels=False))
    return number.round(1) if problem == "quantile" else number


def matrix(frame: pd.DataFrame) -> npt.NDArray[np.float64]:
    """The columns as numbers, and categories as positions."""
    columns = [frame[c].cat.codes if frame[c].dtype == "category" else frame[c] for c in frame]
    return np.ascontiguousarray(np.column_stack([np.asarray(column, np.float64) for column in columns]))


def slots(frame: pd.DataFrame) -> tuple[Slot, ...]:
    """The columns as a plan has them; slots begin at 7, as below other models."""
    found = []
    for index, name in enumerate(frame, start=7):
        dtype = frame[name].dtype
        levels = dtype.categories if isinstance(dtype, pd.CategoricalDtype) else None
        kind = "category" if levels is not None else str(dtype)
        found.append(Slot(index, str(name), kind, None if levels is None else tuple(levels.tolist())))
    return tuple(found)


def trained(kind: type[Any], problem: str, folder: Path, frame: pd.DataFrame, y: Any = None, **hyper: Any) -> Any:
    """A model as a predictor would load it."""
    options = {"n_estimators": 20, "max_leaf_nodes": 60, "n_jobs": 1, **hyper}
    if problem == "quantile":
        options["ag.quantile_levels"] = list(LEVELS)
    model = kind(path=str(folder), name="m", problem_type=problem, hyperparameters=options)
    model.fit(X=frame.copy(), y=target(frame, problem) if y is None else y, num_cpus=1, num_gpus=0, verbosity=0)
    return kind.load(model.save())


def context(frame: pd.DataFrame, problem: str) -> Context:
    """What the compiler would give the front end."""
    levels = LEVELS if problem == "quantile" else ()
    return Context("m", slots(frame), Arrays(), problem, CLASSES if problem == "multiclass" else 1, levels)


@dataclass
class Compiled:
    """A model of AutoGluon's beside its plan."""

    model: Any
    arrays: Arrays
    leaf: Forest | QuantileForest

    def bind(self, threads: int = 1) -> Evaluate:
        """The plan as a function."""
        if isinstance(self.leaf, QuantileForest):
            return quantile_native.bind(self.leaf, self.arrays, threads)
        return native.bind(self.leaf, self.arrays, threads)

    def asked(self, frame: pd.DataFrame) -> Any:
        """What AutoGluon says."""
        # scikit-learn adds all numbers up, to see whether one is infinite.
        with np.errstate(over="ignore", invalid="ignore"):
            return self.model._predict_proba(frame.copy())

    def same(self, frame: pd.DataFrame) -> None:
        """Compare all rows at once, and by themselves."""
        expected, rows, evaluate = self.asked(frame), matrix(frame), self.bind()
        found = evaluate(rows)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
        singly = np.concatenate([evaluate(rows[i : i + 1]) for i in range(len(rows))])
        np.testing.assert_array_equal(singly, expected)


def compiled(model: Any, frame: pd.DataFrame, problem: str, folder: Path) -> Compiled:
    """Compile, through the files of an artefact."""
    given_to = context(frame, problem)
    adapter: TypeAdapter[Forest | QuantileForest] = TypeAdapter(Forest | QuantileForest)
    leaf = adapter.validate_json(adapter.dump_json(frontend.read(model, given_to)))
    given_to.arrays.save(folder / "arrays", folder / "index")
    return Compiled(model, Arrays.load(folder / "arrays", folder / "index"), leaf)


@pytest.fixture(
    scope="module",
    params=[(kind, problem) for kind in (RFModel, XTModel) for problem in ("regression", "binary", "multiclass")],
    ids=lambda param: f"{param[0].ag_key} {param[1]}",
)
def forest(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    kind, problem = request.param
    folder, frame = tmp_path_factory.mktemp("forest"), features()
    return compiled(trained(kind, problem, folder, frame), frame, problem, folder)


def edges(leaf: Forest | QuantileForest, arrays: Arrays) -> dict[int, list[float]]:
    """Numbers on and next to thresholds, by column: float64's neighbours and float32's."""
    found = {}
    for slot, numbers in native.thresholds(leaf, arrays):  # type: ignore[arg-type] # both have what it reads
        singles = numbers.astype(np.float32)
        sides = [np.nextafter(values, values.dtype.type(way)) for values in (numbers, singles) for way in (-1e30, 1e30)]
        found[leaf.columns.index(slot)] = np.concatenate([numbers, singles, *sides]).astype(np.float64).tolist()
    return found


def odd_rows(forest: Compiled) -> st.SearchStrategy[pd.DataFrame]:
    """Frames of a few rows: on thresholds, huge, tiny, missing, of levels never seen."""
    near = edges(forest.leaf, forest.arrays)
    odd = st.sampled_from([np.nan, 0.0, -0.0, 3.4028234e38, -3.4028234e38, 1e-300, -5e-324, 1e-45])

    def numbers(place: int) -> st.SearchStrategy[float]:
        return st.one_of(st.sampled_from(near[place]), odd, st.floats(-1e38, 1e38))

    row = st.fixed_dictionaries(
        {
            "double": numbers(0),
            "letter": st.sampled_from([*CATEGORY.categories, None]),
            "small": st.integers(-128, 127),
            "single": numbers(3),
            "flag": st.sampled_from([False, True, None]),
            "whole": st.one_of(st.sampled_from(near[5]).map(round), st.integers(-(2**53), 2**53)),
        }
    )
    names = list(features(1))
    dtypes: dict[str, Any] = {"letter": CATEGORY, "small": "int8", "single": "float32", "flag": _FLAG, "whole": "int64"}
    return st.lists(row, min_size=1, max_size=12).map(lambda rows: pd.DataFrame(rows, columns=names).astype(dtypes))


def test_rows_that_it_never_saw_are_answered_as_autogluon_does(forest: Compiled) -> None:
    frame = features(700, seed=5)
    frame.loc[:20, "letter"] = "never seen"
    assert np.std(forest.asked(frame)) > 0
    forest.same(frame)


@SETTINGS
@given(data=st.data())
def test_any_row_is_answered_as_autogluon_does(forest: Compiled, data: st.DataObject) -> None:
    forest.same(data.draw(odd_rows(forest)))


def test_threads_answer_the_same(forest: Compiled) -> None:
    rows = matrix(features(333, seed=6))
    expected = forest.bind()(rows)
    np.testing.assert_array_equal(forest.bind(threads=3)(rows), expected)
    many = np.tile(rows, (30, 1))  # 9,990: more than one slice for one thread too
    np.testing.assert_array_equal(forest.bind()(many).reshape(30, *expected.shape), np.stack([expected] * 30))


def test_no_rows_are_no_answers(forest: Compiled) -> None:
    assert len(forest.bind()(np.empty((0, 6)))) == 0


@pytest.mark.parametrize("number", [np.inf, -np.inf, 1e39, -1.8e308])
@pytest.mark.parametrize("threads", [1, 2])
def test_what_float32_cannot_hold_is_refused_as_autogluon_does(forest: Compiled, number: float, threads: int) -> None:
    frame = features(100)
    frame.loc[77, "double"] = number
    with pytest.raises(ValueError, match="infinity or a value too large"):
        forest.asked(frame)
    with pytest.raises(ValueError, match=r"column 0: it is infinite"):
        forest.bind(threads)(matrix(frame))


def test_thresholds_are_where_answers_part(forest: Compiled) -> None:
    found = dict(native.thresholds(forest.leaf, forest.arrays))  # type: ignore[arg-type]
    assert sorted(found) == [7, 9, 10, 12], "letter and flag are no numbers"
    trees = [estimator.tree_ for estimator in forest.model.model.estimators_]
    numbers = found[7]
    assert np.isin(rounded_down(np.concatenate([tree.threshold[tree.feature == 0] for tree in trees])), numbers).all()
    # Between a threshold and the next float32 lies where rounding changes sides, in float64 to the bit.
    sides = [np.nextafter(numbers, way).astype(np.float32) for way in (-np.inf, np.inf)]
    halves = numbers[sides[0] != sides[1]]
    assert len(halves) == len(numbers) / 2
    rows = np.repeat(matrix(features(1)), 2 * len(halves), axis=0)
    rows[:, 0] = np.concatenate([np.nextafter(halves, -np.inf), np.nextafter(halves, np.inf)])
    answers = forest.bind()(rows).reshape(2, len(halves), -1)
    assert np.any(answers[0] != answers[1])


def test_trees_of_one_leaf_are_answered_as_autogluon_does(tmp_path: Path) -> None:
    frame = features()
    model = trained(RFModel, "regression", tmp_path, frame, y=pd.Series(np.full(ROWS, 2.5)))
    assert {estimator.tree_.node_count for estimator in model.model.estimators_} == {1}
    compiled(model, frame, "regression", tmp_path).same(frame)


def test_one_column_and_deep_trees_are_answered_as_autogluon_does(tmp_path: Path) -> None:
    frame = features(3000)[["double"]]
    y = pd.Series(np.random.default_rng(2).normal(size=3000))
    model = trained(XTModel, "regression", tmp_path, frame, y=y, max_leaf_nodes=None)
    compiled(model, frame, "regression", tmp_path).same(features(900, seed=3)[["double"]])


def test_many_trees_are_answered_as_autogluon_does(tmp_path: Path) -> None:
    # More walks than go in step, for one row too.
    frame = features(100)
    model = trained(RFModel, "multiclass", tmp_path, frame, n_estimators=600, max_leaf_nodes=5)
    compiled(model, frame, "multiclass", tmp_path).same(features(20, seed=8))


def refused(model: Any, given_to: Context) -> str:
    with pytest.raises(NotNative) as caught:
        frontend.read(model, given_to)
    return str(caught.value)


def test_what_is_not_known_is_refused(forest: Compiled) -> None:
    frame, problem = features(10), forest.model.problem_type
    known = context(frame, problem)
    other = "binary" if problem == "regression" else "regression"
    assert "a forest for" in refused(forest.model, context(frame, other))
    assert "a forest of 6 columns, given 5" in refused(forest.model, context(frame[list(frame)[:5]], problem))
    numbers = Context(
        "m", tuple(Slot(i, s.name, "int8") for i, s in enumerate(known.columns)), Arrays(), problem, CLASSES
    )
    assert "other categories" in refused(forest.model, numbers)
    if problem == "multiclass":
        assert "classes other than 0 to 6" in refused(forest.model, Context("m", known.columns, Arrays(), problem, 7))


def test_another_forest_is_refused(tmp_path: Path) -> None:
    frame = features(50)
    model = trained(RFModel, "regression", tmp_path, frame, n_estimators=2)
    forest = model.model
    model.model = forest.estimators_[0]
    assert "class sklearn.tree._classes.DecisionTreeRegressor" in refused(model, context(frame, "regression"))
    forest.estimators_ = []
    model.model = forest
    assert "no trees" in refused(model, context(frame, "regression"))
    model = trained(RFModel, "softclass", tmp_path, frame, y=pd.get_dummies(target(frame, "multiclass"), dtype=float))
    assert "softclass" in refused(model, context(frame, "softclass"))
