from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from autogluon.tabular import TabularPredictor

from agbento.compiler.arrays import Arrays
from agbento.compiler.compiled import CompiledPredictor, compile_predictor
from agbento.compiler.plan.ensembles import Weighted
from agbento.compiler.plan.features import Date, Number
from agbento.compiler.plan.plan import Model, Plan
from agbento.compiler.verify import verify
from tests.compiler.small import Kind, rows, trained

pytestmark = pytest.mark.slow

ROWS = 500
WAYS = {"frame", "records", "columns", "row", "alone"}
FOREST = {"RF": {"n_estimators": 6}}


@pytest.fixture(scope="module")
def predictors(tmp_path_factory: pytest.TempPathFactory) -> Mapping[Kind, Any]:
    """A predictor a kind, trained when it is first asked for; without texts, which take AutoGluon most of its time."""

    class Trained(dict[Kind, Any]):
        def __missing__(self, kind: Kind) -> Any:
            self[kind] = trained(kind, tmp_path_factory.mktemp(kind) / "predictor", without="note")
            self[kind].persist()
            return self[kind]

    return Trained()


@pytest.fixture(scope="module")
def forest(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A random forest, without dates: nanoseconds are rounded twice there."""
    return trained("regression", tmp_path_factory.mktemp("forest") / "predictor", FOREST, without="when")


@pytest.mark.parametrize("kind", ["regression", "binary", "multiclass", "quantile"])
def test_a_compiled_predictor_is_equal(predictors: Mapping[Kind, Any], kind: Kind) -> None:
    proof = verify(predictors[kind], compile_predictor(predictors[kind]), rows=ROWS, digest="abc")
    assert proof.equal, str(proof)
    assert proof.exact == 1
    assert {way.partition(":")[0] for way in proof.rows} == WAYS
    assert (proof.missed, proof.misses, proof.left_out, proof.digest) == (0, (), 0, "abc")
    assert proof.versions["lightgbm"]
    assert json.loads(json.dumps(proof.to_json(), allow_nan=False))["rows"] == dict(proof.rows)
    assert "equal to AutoGluon" in str(proof)


def test_a_forest_is_equal_and_one_threshold_off_by_one_ulp_is_not(forest: Any) -> None:
    right = compile_predictor(forest)
    assert verify(forest, right, rows=ROWS).equal

    name = right.plan.models[0].children[0].leaf.trees.nodes  # type: ignore[union-attr]

    def nudge(nodes: Any) -> None:
        # The threshold of the first tree's root, in the lower half of its node.
        halves = nodes.view(np.float32)
        halves[0] = np.nextafter(halves[0], np.float32(np.inf))

    proof = verify(forest, _with_array(right, name, nudge), rows=ROWS)
    assert not proof.equal
    assert 0 < proof.missed < proof.tried


@pytest.mark.parametrize("kind", ["regression", "multiclass"])
def test_a_predictor_with_a_column_of_every_sort_is_equal(odd_predictors: Mapping[str, Path], kind: str) -> None:
    predictor = TabularPredictor.load(str(odd_predictors[kind]), verbosity=0)
    proof = verify(predictor, compile_predictor(predictor), rows=250)
    assert proof.equal, str(proof)
    assert proof.unanswered < proof.tried / 20


def test_features_that_are_not_cast_are_equal(tmp_path: Path) -> None:
    data = rows("regression")[["size", "count", "y"]]
    predictor = TabularPredictor("y", problem_type="regression", path=str(tmp_path / "p"), verbosity=0)
    predictor.fit(data, hyperparameters={"GBM": {"num_boost_round": 10}}, feature_generator=None, num_cpus=1)
    compiled = compile_predictor(predictor)
    proof = verify(predictor, compiled, rows=ROWS)
    assert proof.equal, str(proof)
    odd: dict[str, list[Any]] = {"size": [np.float32(0.1), np.bool_(True), 5], "count": [np.int32(34), 2**63, -1e30]}
    for row in (dict(zip(odd, values, strict=True)) for values in zip(*odd.values(), strict=True)):
        assert compiled.predict(row).tolist() == predictor.predict(pd.DataFrame([row]), as_pandas=False).tolist()


def _with_array(compiled: CompiledPredictor, name: str, change: Callable[[Any], None]) -> CompiledPredictor:
    """Give ``compiled`` with one array changed."""
    changed, others = compiled.arrays.get(name).copy(), Arrays()
    change(changed)
    for other in _names(compiled):
        others.put(other, changed if other == name else compiled.arrays.get(other))
    return CompiledPredictor(compiled.plan, others, compiled.foreign)


def _names(compiled: CompiledPredictor) -> list[str]:
    return list(compiled.arrays._arrays)


def _with_plan(compiled: CompiledPredictor, plan: Plan) -> CompiledPredictor:
    return CompiledPredictor(plan, compiled.arrays, compiled.foreign)


def _with_model(plan: Plan, place: int, change: Callable[[Model], Model]) -> Plan:
    models = list(plan.models)
    models[place] = change(models[place])
    return replace(plan, models=tuple(models))


def _with_weights_off(plan: Plan) -> Plan:
    def change(model: Model) -> Model:
        (child,) = model.children
        assert isinstance(child.leaf, Weighted)
        weights = tuple(weight * (1 + 4e-6) for weight in child.leaf.weights)
        return replace(model, children=(replace(child, leaf=replace(child.leaf, weights=weights)),))

    return _with_model(plan, -1, change)


def _with_mean_date_off(plan: Plan) -> Plan:
    def moved(one: Any) -> Any:
        if not isinstance(one, Date):
            return one
        return replace(one, missing=(one.missing[0] + 90 * 86_400 * 10**9, *one.missing[1:]))

    return replace(plan, features=replace(plan.features, inputs=tuple(map(moved, plan.features.inputs))))  # type: ignore


def _with_whole_numbers_kept(plan: Plan) -> Plan:
    """Numbers of an int8 column that are not made int8."""

    def wide(one: Any) -> Any:
        return replace(one, dtype="int64") if isinstance(one, Number) and one.dtype == "int8" else one

    return replace(plan, features=replace(plan.features, inputs=tuple(map(wide, plan.features.inputs))))  # type: ignore


@pytest.mark.parametrize("change", [_with_weights_off, _with_mean_date_off, _with_whole_numbers_kept])
def test_a_plan_that_is_wrong_is_caught(predictors: Mapping[Kind, Any], change: Callable[[Plan], Plan]) -> None:
    predictor = predictors["regression"]
    right = compile_predictor(predictor)
    changed = change(right.plan)
    assert changed != right.plan
    proof = verify(predictor, _with_plan(right, changed), rows=ROWS)
    assert not proof.equal
    assert proof.largest is not None
    assert proof.largest.difference > 1e-6
    assert len(proof.misses) == min(5, proof.missed)
    assert "not equal" in str(proof)
    json.dumps(proof.to_json(), allow_nan=False)


def _reversed(array: Any) -> None:
    known = array[:-1]
    known[:] = known[::-1].copy()


def _lifted(array: Any) -> None:
    array[len(array) // 2] += 1e-3


def _ulp_up(array: Any) -> None:
    array[:] = np.nextafter(array, np.inf)


@pytest.mark.parametrize(
    ("part", "change"),
    [("codes", _reversed), ("leaves", _lifted), ("thresholds", _ulp_up)],
    ids=["codes", "leaves", "thresholds"],
)
def test_arrays_that_are_wrong_are_caught(
    predictors: Mapping[Kind, Any], part: str, change: Callable[[Any], None]
) -> None:
    predictor = predictors["regression"]
    right = compile_predictor(predictor)
    leaf: Any = right.plan.models[0].children[0].leaf
    # Of the tables of codes, that of the column with most levels.
    tables = [name for name in leaf.codes if name]
    name = max(tables, key=lambda table: len(right.arrays.get(table))) if part == "codes" else None
    proof = verify(predictor, _with_array(right, name or getattr(leaf.trees[0], part), change), rows=ROWS)
    assert not proof.equal


def test_a_threshold_of_the_classes_that_is_wrong_is_caught(predictors: Mapping[Kind, Any]) -> None:
    predictor = predictors["binary"]
    right = compile_predictor(predictor)
    answer = replace(right.plan.answer, threshold=right.plan.answer.threshold + 0.02)
    proof = verify(predictor, _with_plan(right, replace(right.plan, answer=answer)), rows=ROWS)
    assert not proof.equal
    assert proof.largest is not None
    assert (proof.largest.column, proof.largest.difference) == ("y", float("inf"))


def test_an_exception_is_a_miss_with_its_text(predictors: Mapping[Kind, Any]) -> None:
    predictor = predictors["regression"]
    right = compile_predictor(predictor)

    def renamed(one: Any) -> Any:
        return replace(one, column="sise") if isinstance(one, Number) and one.column == "size" else one

    features: Any = right.plan.features
    plan = replace(right.plan, features=replace(features, inputs=tuple(map(renamed, features.inputs))))
    proof = verify(predictor, _with_plan(right, plan), rows=ROWS)
    assert not proof.equal
    assert proof.missed == proof.tried
    assert "sise" in str(proof.misses[0].received)
    json.dumps(proof.to_json(), allow_nan=False)


def test_without_time_the_first_of_each_way_is_tried_and_the_rest_told(predictors: Mapping[Kind, Any]) -> None:
    predictor = predictors["regression"]
    proof = verify(predictor, compile_predictor(predictor), rows=3000, seconds=0)
    assert proof.equal
    assert {way.partition(":")[0] for way in proof.rows} == WAYS
    assert proof.left_out > 1000
    assert f"; {proof.left_out:,} more not tried for want of time" in proof.verdict


def test_real_rows_are_tried_too(predictors: Mapping[Kind, Any], tmp_path: Path) -> None:
    predictor = predictors["regression"]
    rows("regression").to_csv(tmp_path / "rows.csv", index=False)
    real = pd.read_csv(tmp_path / "rows.csv")
    proof = verify(predictor, compile_predictor(predictor), rows=60, real=real, seconds=0)
    assert proof.equal, str(proof)
    assert proof.rows["frame: real"] == len(real)
    assert f"({len(real)} of them given)" in proof.verdict
    assert proof.rows["row: real"] > 0


def test_real_rows_without_a_column_are_refused(predictors: Mapping[Kind, Any]) -> None:
    predictor = predictors["regression"]
    with pytest.raises(KeyError, match="size"):
        verify(predictor, compile_predictor(predictor), rows=60, real=rows("regression").drop(columns="size"))


def test_rows_at_which_autogluon_raises_prove_nothing(predictors: Mapping[Kind, Any]) -> None:
    predictor = predictors["regression"]
    real = rows("regression").astype({"count": object})
    real.loc[5, "count"] = "no number"
    proof = verify(predictor, compile_predictor(predictor), rows=60, real=real)
    assert proof.equal, str(proof)
    # The row itself as a dict, and those of the part of the DataFrame that it is in.
    assert 1 <= proof.unanswered < 32
    assert proof.rows["frame: real"] > len(real) - 32


def test_the_predictor_is_left_as_it_was(tmp_path: Path) -> None:
    predictor = trained("regression", tmp_path / "predictor")
    verify(predictor, compile_predictor(predictor), rows=60)
    assert predictor.model_names(persisted=True) == []
