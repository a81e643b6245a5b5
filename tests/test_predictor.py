"""AutoGluon's own predictor behind our schema, rows and answers, for every problem type."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import pytest
from autogluon.tabular import TabularPredictor

from agbento.answers import AnswerWriter
from agbento.describe import describe
from agbento.errors import ModelNotServable
from agbento.predictor import StockPredictor
from agbento.probe import probe
from agbento.rows import RowReader
from sample.toys import LABELS, QUANTILES, Kind, toy_predictor, toy_rows

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=get_args(Kind))
def toy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Kind, Path]:
    """A tiny predictor of each problem type."""
    kind: Kind = request.param
    return kind, toy_predictor(kind, tmp_path_factory.mktemp("toy") / kind)


def as_json(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(frame.to_json(orient="records", date_format="iso", double_precision=15))
    return rows


def expected(oracle: TabularPredictor, frame: pd.DataFrame, kind: Kind) -> list[dict[str, Any]]:
    """What AutoGluon's own predictor says of the frame it was made for."""
    values = oracle.predict(frame)
    label = LABELS[kind]
    if kind == "quantile":
        return [{label: {str(q): float(row[q]) for q in QUANTILES}} for _, row in values.iterrows()]
    if kind == "regression":
        return [{label: float(value)} for value in values]
    probabilities = oracle.predict_proba(frame)
    return [
        {
            label: value if isinstance(value, str) else int(value),
            "probabilities": {str(c): float(p) for c, p in row.items()},
        }
        for value, (_, row) in zip(values, probabilities.iterrows(), strict=True)
    ]


def test_answers_are_those_of_the_predictor(toy: tuple[Kind, Path]) -> None:
    kind, folder = toy
    stock = StockPredictor.load(folder, threads=1)
    schema = describe(stock.autogluon)
    assert (schema.label, schema.problem_type) == (LABELS[kind], kind)
    frame = toy_rows(kind, 40, seed=1)
    answers = AnswerWriter(schema).answers(stock.predict(RowReader(schema).batch(as_json(frame)).frame))
    assert answers == expected(TabularPredictor.load(str(folder), verbosity=0), frame, kind)


def test_the_schema_names_every_kind_of_column(toy: tuple[Kind, Path], tmp_path: Path) -> None:
    found = {feature.name: feature for feature in probe(toy[1], tmp_path).schema.features}
    assert {name: feature.type for name, feature in found.items()} == {
        "size": "float",
        "count": "int",
        "fresh": "bool",
        "city": "category",
        "when": "datetime",
        "note": "text",
    }
    assert found["city"].categories == ("Oslo", "Porto", "Quito")


def test_a_folder_that_is_no_predictor(tmp_path: Path) -> None:
    with pytest.raises(ModelNotServable, match="does not load"):
        StockPredictor.load(tmp_path)
