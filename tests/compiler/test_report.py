from __future__ import annotations

import json
from typing import Any

import pytest

from agbento.compiler.compiled import CompiledPredictor, compile_predictor
from tests.compiler.small import GBM, trained

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """LightGBM, a forest, and neighbours, which have no native form."""
    models = {**GBM, "RF": {"n_estimators": 4}, "KNN": {}}
    return trained("regression", tmp_path_factory.mktemp("report") / "predictor", models, without="note")


@pytest.fixture(scope="module")
def compiled(predictor: Any) -> dict[str, CompiledPredictor]:
    """Each of the models as the one that answers."""
    best, found = predictor.model_best, {}
    for name in predictor.model_names():
        predictor.set_model_best(name)
        found[name] = compile_predictor(predictor)
    predictor.set_model_best(best)
    return found


def test_a_booster_is_told_with_its_trees(predictor: Any, compiled: dict[str, CompiledPredictor]) -> None:
    report = compiled["LightGBM"].report()
    (model,) = report.models
    booster = predictor._trainer.load_model("LightGBM").model
    assert (model.family, model.native, model.children) == ("lightgbm", True, 1)
    assert model.trees == booster.num_trees()
    nodes = booster.trees_to_dataframe().shape[0]
    # A tree of one leaf may be laid out with another.
    assert model.nodes is not None
    assert nodes <= model.nodes <= nodes + 2 * booster.num_trees()
    assert report.native
    assert report.columns == len(predictor.feature_metadata_in.get_features())
    assert sum(count for _, count in report.inputs) >= report.columns
    assert 0 < (model.bytes or 0) <= report.bytes == compiled["LightGBM"].arrays.nbytes


def test_a_forest_is_told_with_its_trees(compiled: dict[str, CompiledPredictor]) -> None:
    (model,) = compiled["RandomForest"].report().models
    assert (model.family, model.trees) == ("forest", 4)
    assert model.nodes is not None
    assert model.nodes > 4


def test_a_model_that_is_not_native_is_told_with_the_reason(compiled: dict[str, CompiledPredictor]) -> None:
    report = compiled["KNeighbors"].report()
    (model,) = report.models
    assert not report.native
    assert (model.native, model.family, model.bytes) == (False, "KNNModel", None)
    assert "KNNModel" in model.why
    assert model.why in str(report)
    assert report.summary.startswith("partly native")
    assert "1 of 1 models" in report.summary


def test_a_report_is_json_and_a_table(compiled: dict[str, CompiledPredictor]) -> None:
    for one in compiled.values():
        report = one.report()
        told = json.loads(json.dumps(report.to_json(), allow_nan=False))
        assert [model["name"] for model in told["models"]] == [model.name for model in one.plan.models]
        lines = str(report).splitlines()
        assert lines[0] == report.summary
        head = lines[2]
        for line, model in zip(lines[3:], report.models, strict=False):
            assert line.startswith(model.name)
            # Numbers stand below the ends of their headings.
            assert line[: head.index("children") + len("children")].endswith(f" {model.children}")
