"""Real data of each problem type: what scikit-learn ships, answered in every format as AutoGluon answers it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from agbento.bodies import CSV, JSON, PARQUET
from sample.toys import QUANTILES
from sample.train import deploy
from tests.served_models import InProcess

pytestmark = pytest.mark.slow
MODELS: dict[str, Any] = {"GBM": {"num_boost_round": 30}, "CAT": {"iterations": 30}}
DATA = {
    "regression": load_diabetes,
    "quantile": load_diabetes,
    "binary": load_breast_cancer,
    "multiclass": load_wine,
}


@pytest.fixture(scope="module", params=DATA)
def real(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Any, pd.DataFrame]]:
    """A predictor of real data behind the service's endpoints, and the data's features."""
    kind = request.param
    loaded = DATA[kind](as_frame=True)
    frame = loaded.frame
    if hasattr(loaded, "target_names"):
        frame["target"] = loaded.target_names[frame["target"]]  # names, as a caller would want them
    folder: Path = tmp_path_factory.mktemp("real") / kind
    options: dict[str, Any] = {"quantile_levels": list(QUANTILES)} if kind == "quantile" else {}
    deploy(frame, folder, MODELS, label="target", problem_type=kind, **options)
    model = InProcess.load(folder)
    yield model, frame.drop(columns="target")
    model.answering.close()


def bodies(frame: pd.DataFrame) -> dict[str, bytes]:
    """The frame in every format that is read, each as its usual writer writes it."""
    parquet = io.BytesIO()
    frame.to_parquet(parquet, index=False)
    rows = [{name: value.item() for name, value in zip(frame, row, strict=True)} for row in frame.to_numpy()]
    return {
        JSON: json.dumps(rows).encode(),
        CSV: frame.to_csv(index=False).encode(),
        PARQUET: parquet.getvalue(),
    }


@pytest.mark.parametrize("media_type", [JSON, CSV, PARQUET])
def test_every_row_is_answered_as_autogluon_answers_it(real: tuple[InProcess, pd.DataFrame], media_type: str) -> None:
    model, frame = real
    answer = model.ask(bodies(frame)[media_type], media_type)
    assert answer.status == 200
    assert answer.json() == model.expected(frame)
    assert len(answer.json()) == len(frame) > 100


def test_the_example_of_the_document_is_answered(real: tuple[InProcess, pd.DataFrame]) -> None:
    model, frame = real
    content = model.document["paths"]["/predict"]["post"]["requestBody"]["content"][JSON]
    row = content["examples"]["one row"]["value"]
    answer = model.ask(json.dumps(row).encode())
    assert answer.status == 200
    assert "warnings" not in answer.json()
    known = [feature.name for feature in model.schema.features if feature.typical is not None]
    assert len(known) > len(row) / 2
    for name in known:  # the others are looked at by no model
        assert frame[name].min() <= row[name] <= frame[name].max()
