"""AutoGluon's own predictor behind our schema, rows and answers, for every problem type."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from autogluon.tabular import TabularPredictor
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from agbento.answering import Answering
from agbento.answers import AnswerWriter
from agbento.describe import describe
from agbento.errors import ModelNotServable
from agbento.metrics import ServiceMetrics
from agbento.predictor import CompiledAdapter, Predictions, StockPredictor, fast_rows
from agbento.probe import probe
from agbento.rows import Batch, RowReader
from agbento.schema import Feature, Schema
from agbento.values.policy import Policy
from agbento.watching.watch import Watch
from sample.toys import LABELS, QUANTILES, Kind, toy_predictor, toy_rows

slow = pytest.mark.slow


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


@slow
def test_answers_are_those_of_the_predictor(toy: tuple[Kind, Path]) -> None:
    kind, folder = toy
    stock = StockPredictor.load(folder, threads=1)
    schema = describe(stock.autogluon)
    assert (schema.label, schema.problem_type) == (LABELS[kind], kind)
    frame = toy_rows(kind, 40, seed=1)
    answers = AnswerWriter(schema).answers(stock.predict(RowReader(schema).batch(as_json(frame))))
    assert answers == expected(TabularPredictor.load(str(folder), verbosity=0), frame, kind)


@slow
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


@slow
def test_many_requests_at_once_are_answered_as_each_alone(toy: tuple[Kind, Path]) -> None:
    kind, folder = toy
    stock = StockPredictor.load(folder, threads=1)
    schema = describe(stock.autogluon)
    policy = Policy.default(schema)
    watch = Watch(ServiceMetrics(CollectorRegistry()), schema, policy)
    answering = Answering(schema, policy, stock, watch, None, 60.0, batch_rows=32)
    rows = as_json(toy_rows(kind, 120, seed=2))
    requests = [rows[i : i + 1 + i % 5] for i in range(0, 100, 2)]

    async def ask() -> list[list[dict[str, Any]]]:
        return await asyncio.gather(*map(answering.answer, requests))

    together = asyncio.run(ask())
    watch.flush()
    calls = next(iter(watch.metrics.inference.collect())).samples
    assert next(sample.value for sample in calls if sample.name.endswith("_count")) < len(requests) / 3
    assert together == [asyncio.run(answering.answer(request)) for request in requests]
    answering.close()


SCHEMA = Schema(
    "y", "binary", (Feature("a", "float", "float64"), Feature("t", "text", "object")), classes=("no", "yes")
)


class Sign:
    """Compiled or not: the sign of a number, at a price for each row."""

    def __init__(self, native: bool, seconds: float = 0.0) -> None:
        self.native, self._seconds = native, seconds

    def predict_columns(
        self, columns: Mapping[str, Sequence[Any] | npt.NDArray[Any]]
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:
        time.sleep(self._seconds * len(columns["a"]))
        share = 1 / (1 + np.exp(-np.asarray(columns["a"], dtype=np.float64)))
        return np.array(["no", "yes"], dtype=object)[(share > 0.5).astype(int)], np.column_stack([1 - share, share])

    def predict_row(self, row: Mapping[str, Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:
        return self.predict_columns({name: [value] for name, value in row.items()})


def batch_of(count: int) -> Batch:
    return RowReader(SCHEMA).batch([{"a": i - 1.5, "t": "a text"} for i in range(count)])


@pytest.mark.parametrize("count", [1, 5])
def test_a_compiled_predictor_is_asked_by_columns(count: int) -> None:
    said = CompiledAdapter(Sign(native=True)).predict(batch_of(count))
    numbers = np.arange(count) - 1.5
    assert said.values.tolist() == ["yes" if number > 0 else "no" for number in numbers]
    assert said.probabilities is not None
    assert said.probabilities[:, 1].tolist() == (1 / (1 + np.exp(-numbers))).tolist()
    (last,) = AnswerWriter(SCHEMA).answers(said.part(count - 1, count))
    assert last == {
        "y": said.values[-1],
        "probabilities": dict(zip(("no", "yes"), said.probabilities[-1], strict=True)),
    }


def test_how_many_rows_a_compiled_predictor_may_answer_in_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agbento.predictor._AT_ONCE_SECONDS", 0.05)  # less than a busy machine may take for nothing
    slow_one, quick, foreign = (
        CompiledAdapter(Sign(native, seconds)) for native, seconds in ((True, 0.1), (True, 0.0), (False, 0.0))
    )
    for adapter in (slow_one, quick, foreign):
        assert adapter.fast_rows == 0
        adapter.warm(batch_of(1), batch_of(16))
    assert (slow_one.fast_rows, foreign.fast_rows) == (0, 0)
    assert quick.fast_rows >= 1


@given(st.floats(0, 0.01), st.floats(0, 0.01), st.integers(2, 100))
def test_as_many_rows_as_fit_half_a_millisecond(one: float, many: float, count: int) -> None:
    found = fast_rows([(1, one), (count, many)])
    assert 0 <= found <= min(count, 16)
    assert (found == 0) == (one > 0.0005)
    if many <= 0.0005 and found:
        assert found == min(count, 16)
    elif found:
        assert one + (found - 1) * (many - one) / (count - 1) <= 0.0005 * (1 + 1e-9)


def test_a_part_of_what_is_said() -> None:
    said = Predictions(np.arange(5.0))
    assert said.part(1, 3).values.tolist() == [1.0, 2.0]
    assert said.part(1, 3).probabilities is None


def test_a_folder_that_is_no_predictor(tmp_path: Path) -> None:
    with pytest.raises(ModelNotServable, match="does not load"):
        StockPredictor.load(tmp_path)
