"""What a compiled predictor takes, and what it says of what it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from agbento.compiler import compile_predictor
from tests.compiler.small import Kind, rows, trained

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
SHAPES: dict[Kind, tuple[int, ...]] = {"regression": (0,), "binary": (0,), "multiclass": (0,), "quantile": (0, 3)}
FAMILIES: dict[str, Any] = {"CAT": {"iterations": 3}, "RF": {"n_estimators": 3}, "KNN": {}}


@pytest.mark.parametrize("kind", SHAPES)
def test_no_rows_have_no_answers(kind: Kind, tmp_path: Path) -> None:
    compiled = compile_predictor(trained(kind, tmp_path / "p", without="note"))
    none = rows(kind).drop(columns=["note", "y"]).iloc[:0]
    data: Any
    for data in (none, [], pa.Table.from_pandas(none)):
        assert compiled.predict(data).shape == SHAPES[kind]
        if kind in ("binary", "multiclass"):
            assert compiled.predict_proba(data).shape == (0, 2 if kind == "binary" else 3)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_rows_of_other_families(family: str, tmp_path: Path) -> None:
    predictor = trained("regression", tmp_path / "p", {family: FAMILIES[family]}, without="note")
    assert compile_predictor(predictor).predict([]).shape == (0,)


def test_what_it_does_not_take_is_named(tmp_path: Path) -> None:
    predictor = trained("regression", tmp_path / "p", without="note")
    with pytest.raises(ValueError, match="no model 'nope' in the predictor; expected one of LightGBM"):
        compile_predictor(predictor, model="nope")
    with pytest.raises(TypeError, match="expected a TabularPredictor or the path of one, got int"):
        compile_predictor(5)
    compiled = compile_predictor(predictor)
    frame = rows("regression").drop(columns=["note", "y"])
    assert compiled.columns == tuple(frame.columns)
    data: Any
    for data in (frame.iloc[0], frame["size"], np.zeros((1, 8)), "abc", b"abc", None, 5, [1], iter([])):
        with pytest.raises(TypeError, match=f"expected a dict, a list of dicts, .*, got .*{type(data).__name__}"):
            compiled.predict(data)
    with pytest.raises(KeyError, match="1 required columns are missing"):
        compiled.predict(pd.DataFrame(frame.drop(columns="size")))
