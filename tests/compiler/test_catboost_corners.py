"""CatBoost's hashes and rarer statistics as CatBoost has them, and models that are not read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostClassifier, CatBoostRegressor, Pool

from agbento.compiler.arrays import Arrays
from agbento.compiler.errors import NotNative
from agbento.compiler.frontends import catboost as frontend
from agbento.compiler.frontends.catboost_hashes import text_hash
from agbento.compiler.frontends.context import Context
from agbento.compiler.plan.slots import Slot
from tests.compiler.test_catboost import (
    CASES,
    CLASSES,
    MANY_STATISTICS,
    Trained,
    features,
    matrix,
    same,
    slots,
    target,
    trained,
)


def test_hashes_of_numbers_are_catboosts_own(tmp_path: Path) -> None:
    numbers = [n for digits in range(1, 17) for n in (10 ** (digits - 1), 7 * (10**digits // 9), 10**digits - 1)]
    frame = pd.DataFrame({"c": pd.Series(numbers).astype("category"), "x": np.arange(float(len(numbers)))})
    pool = Pool(frame, np.arange(len(numbers)) % 2, cat_features=["c"])
    model = CatBoostClassifier(iterations=2, allow_writing_files=False, verbose=False, thread_count=1).fit(pool)
    path = tmp_path / "model.json"
    model.save_model(str(path), format="json", pool=pool)
    told = json.loads(path.read_text())["features_info"]["cat_features_hash"]
    assert len(told) == len(set(numbers))
    assert {entry["value"]: entry["hash"] for entry in told} == {
        str(n): text_hash(str(n)) & 0xFFFFFFFF for n in numbers
    }


@pytest.mark.parametrize("text", ["", "12345678901234567"])
def test_a_text_that_is_no_code_has_no_hash(text: str) -> None:
    with pytest.raises(ValueError, match="bytes"):
        text_hash(text)


def _only(kind: str) -> dict[str, Any]:
    """Settings that keep statistics of one kind."""
    return {"simple_ctr": [kind], "combinations_ctr": [kind], "max_ctr_complexity": 2}


def _onto_whole_numbers(told: str) -> str:
    """Move borders of statistics onto what the statistics are: CatBoost's lie just below."""
    return re.sub(r"\b(\d+)\.99999\d+", lambda found: str(int(found[1]) + 1), told)


@pytest.mark.parametrize(
    ("hyper", "edit"),
    [
        # Kinds that only a GPU trains.
        (_only("Counter:Prior=1"), lambda told: told.replace("Counter", "FeatureFreq")),
        (_only("BinarizedTargetMeanValue"), lambda told: told.replace("Binarized", "Float")),
        (_only("Borders:Prior=0"), _onto_whole_numbers),
        # Missing values that training did not see.
        ({"nan_mode": "Max"}, lambda told: told.replace('"has_nans":true', '"has_nans":false')),
    ],
)
def test_models_that_are_not_trained_here_but_can_be_told(
    tmp_path: Path, hyper: dict[str, Any], edit: Callable[[str], str]
) -> None:
    """CatBoost reads its JSON too, also one that was edited."""
    case = trained("regression", tmp_path, hyper)
    path = tmp_path / "model.json"
    case.model.model.save_model(str(path), format="json")
    told = json.dumps(json.loads(path.read_text()), separators=(",", ":"))
    rows = matrix(features(100, seed=4))
    before = case.expected(rows)
    assert edit(told) != told
    path.write_text(edit(told))
    case.model.model = CatBoostRegressor().load_model(str(path), format="json")
    same(case.evaluate(rows), case.expected(rows))
    if edit(told).count("Freq") + edit(told).count("FloatTarget") == 0:
        assert (case.expected(rows) != before).any()


@pytest.mark.parametrize(
    ("problem", "hyper", "why"),
    [
        ("regression", {"loss_function": "RMSEWithUncertainty", "eval_metric": "RMSE"}, "RMSEWithUncertainty"),
        ("regression", {"simple_ctr": ["Borders:TargetBorderCount=4", "Borders:TargetBorderCount=3"]}, "several ways"),
        ("binary", {"final_ctr_computation_mode": "Skip"}, "without the statistics"),
    ],
)
def test_what_the_json_leaves_open_is_not_read(tmp_path: Path, problem: str, hyper: dict[str, Any], why: str) -> None:
    case = trained(problem, tmp_path, hyper)
    with pytest.raises(NotNative, match=why):
        case.compiled()


def test_other_columns_than_in_training_are_not_read(tmp_path: Path) -> None:
    case = trained("binary", tmp_path, {})
    found = slots(case.columns)
    for columns in (found[:-1], found[::-1], (*found[:1], Slot(1, "town", "int64"), *found[2:])):
        with pytest.raises(NotNative, match="other"):
            frontend.read(case.model, Context("m", columns, Arrays(), "binary"))


@pytest.mark.parametrize("problem", ["softclass", "multiclass", "regression"])
def test_another_problem_than_in_training_is_not_read(tmp_path: Path, problem: str) -> None:
    case = trained("binary", tmp_path, {})
    with pytest.raises(NotNative):
        frontend.read(case.model, Context("m", slots(case.columns), Arrays(), problem, 2))


def _with_classes(folder: Path, names: list[int]) -> Trained:
    """A model whose CatBoost was told its classes."""
    case = trained("multiclass", folder, {})
    frame = case.model.preprocess(case.columns)
    categories = list(frame.select_dtypes(include="category"))
    given: dict[str, Any] = {"iterations": 5, "verbose": False, "allow_writing_files": False, "thread_count": 1}
    case.model.model = CatBoostClassifier(class_names=names, **given)
    case.model.model.fit(frame, target(case.columns, "multiclass"), cat_features=categories)
    return case


def test_classes_are_answered_in_catboosts_order(tmp_path: Path) -> None:
    case = _with_classes(tmp_path, [2, 0, 1, 3])
    rows = matrix(case.columns)
    same(case.evaluate(rows), case.expected(rows))


@pytest.mark.parametrize("names", [[9, 0, 1, 2, 3], [0, 1, 2, 3, 9]])
def test_classes_that_training_did_not_see_are_not_read(tmp_path: Path, names: list[int]) -> None:
    case = _with_classes(tmp_path, names)
    with pytest.raises(NotNative, match="expected 4"):
        case.compiled()


def test_a_split_that_contradicts_its_number_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = trained("regression", tmp_path, MANY_STATISTICS)
    described = frontend._described(case.model.model)
    described["oblivious_trees"][3]["splits"][0]["split_index"] += 1
    monkeypatch.setattr(frontend, "_described", lambda _: described)
    with pytest.raises(NotNative, match="not what its number says"):
        case.compiled()


def test_a_scale_and_biases_are_applied(tmp_path: Path) -> None:
    case = trained("regression", tmp_path, {})
    case.model.model.set_scale_and_bias(3.0, -7.0)
    rows = matrix(case.columns)
    same(case.evaluate(rows), case.expected(rows))


@pytest.mark.parametrize(("name", "outputs", "least"), [("multiclass", CLASSES, False), ("binary, two sums", 2, True)])
def test_sums_that_lie_far_apart(tmp_path: Path, name: str, outputs: int, least: bool) -> None:
    """CatBoost's exp has another least number for four at a time than for the rest."""
    problem, hyper = CASES[name]
    case = trained(problem, tmp_path, hyper)
    case.model.model.set_scale_and_bias(1e4, [0.5 - 9 * i for i in range(outputs)])
    rows = matrix(case.columns)
    expected = case.expected(rows)
    assert (expected == 0).any() == least
    assert (expected < 1e-300).any()
    same(case.evaluate(rows), expected)
