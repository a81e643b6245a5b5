"""Real data, of scikit-learn: each row's answer is what AutoGluon says of it, in every format."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from agbento.bodies import CSV, JSON, PARQUET
from sample.toys import QUANTILES, Kind
from sample.train import deploy
from tests.served_models import InProcess

pytestmark = pytest.mark.slow

LABEL = "what it is"
MODELS: dict[str, Any] = {"GBM": {"num_boost_round": 40}, "CAT": {"iterations": 40}}


@dataclass(frozen=True)
class Served:
    """A predictor of real data behind the service's endpoints, and all rows of the data, without the label."""

    model: InProcess
    frame: pd.DataFrame


def data_of(kind: Kind) -> pd.DataFrame:
    """The data set for a problem type; the label of classes is their names."""
    load: Any = {"binary": load_breast_cancer, "multiclass": load_wine}.get(kind, load_diabetes)
    # Ages in years and the like, where the data set would have them scaled.
    bunch = load(as_frame=True, **({"scaled": False} if load is load_diabetes else {}))
    frame: pd.DataFrame = bunch.data
    if load is load_diabetes:
        return frame.astype({"age": "int64", "sex": "int64"}).assign(**{LABEL: bunch.target})
    return frame.assign(**{LABEL: np.array(bunch.target_names, dtype=object)[bunch.target]})


@pytest.fixture(scope="module", params=["regression", "quantile", "binary", "multiclass"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Served:
    """The predictor of each problem type."""
    kind: Kind = request.param
    data, folder = data_of(kind), tmp_path_factory.mktemp("real") / kind
    options: dict[str, Any] = {"quantile_levels": list(QUANTILES)} if kind == "quantile" else {}
    model = InProcess.load(deploy(data, folder, MODELS, label=LABEL, problem_type=kind, **options))
    return Served(model, data.drop(columns=LABEL))


def test_answers_are_autogluons_in_every_format(served: Served) -> None:
    expected = served.model.expected(served.frame)
    records = json.dumps(served.frame.to_dict(orient="records")).encode()
    bodies: Mapping[str, bytes] = {
        JSON: records,
        CSV: served.frame.to_csv(index=False).encode(),
        PARQUET: served.frame.to_parquet(),
    }
    for media_type, body in bodies.items():
        asked = served.model.ask(body, media_type)
        assert (asked.status, asked.media_type) == (200, JSON)
        assert asked.json() == expected, media_type
    # The predictor has learned something that tells rows apart.
    assert len({json.dumps(answer) for answer in expected}) > len(expected) / 2


def test_each_row_has_the_answer_that_it_has_among_others(served: Served) -> None:
    rows = served.frame[:25].to_dict(orient="records")
    together = served.model.ask(json.dumps(rows).encode()).json()
    alone = [served.model.ask(json.dumps(row).encode()).json() for row in rows]
    assert alone == together


def test_the_example_of_the_document_is_answered_without_a_warning(served: Served) -> None:
    content = served.model.document["paths"]["/predict"]["post"]["requestBody"]["content"]
    example = served.model.ask(json.dumps(content[JSON]["examples"]["two rows"]["value"]).encode())
    assert [set(answer) - {"probabilities"} for answer in example.json()] == [{LABEL}] * 2
    assert served.model.ask(content[CSV]["example"].encode(), CSV).body == example.body
