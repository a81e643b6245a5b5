"""Values at which AutoGluon raises are found in few calls, and no others are taken out."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agbento.compiler import compile_predictor
from agbento.compiler.proof.draw import Draw, thresholds
from agbento.compiler.proof.stock import Stock, quiet
from tests.compiler.small import trained

pytestmark = pytest.mark.slow


class Counting(Stock):
    """AutoGluon's predictor, its calls counted."""

    calls = 0

    def features(self, frame: Any) -> Any:
        self.calls += 1
        return super().features(frame)

    def _try(self, frame: Any, *, transform_features: bool) -> None:
        self.calls += 1
        super()._try(frame, transform_features=transform_features)


def infinite(value: Any) -> bool:
    """Tell what is beyond float32, which is what a forest reads."""
    return isinstance(value, (float, np.floating)) and not math.isnan(value) and abs(float(value)) > 3.5e38


def test_what_a_forest_refuses_is_taken_out_and_nothing_else(tmp_path: Path) -> None:
    predictor = trained("multiclass", tmp_path / "p", {"RF": {"n_estimators": 4}}, without="note")
    predictor.persist()
    compiled, stock = compile_predictor(predictor), Counting(predictor)
    draw = Draw(stock, thresholds(compiled.plan, compiled.arrays))
    assert stock.calls < 150
    sizes = next(pool for pool in draw.pools if pool.column.name == "size")
    assert not any(map(infinite, (*sizes.odd, *sizes.loose)))
    assert any(isinstance(value, float) and math.isnan(value) for value in sizes.odd)
    base = {pool.column.name: pool.usual[0] for pool in draw.pools}
    with quiet():
        for pool in draw.pools:
            for value in pool.odd:
                stock.answer(draw.frame([base | {pool.column.name: value}]))
        with pytest.raises(ValueError, match=r"infinity|too large"):
            stock.answer(draw.frame([base | {"size": math.inf}]))
