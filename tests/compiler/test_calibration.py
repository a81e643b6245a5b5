"""Normalizing and calibrating as AutoGluon does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from autogluon.core.calibrate.temperature_scaling import apply_temperature_scaling
from autogluon.core.utils.utils import normalize_pred_probas
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from agbento.compiler.native.calibration import normalized, tempered

SHARES = st.floats(-0.25, 1.25, width=32) | st.sampled_from([0.0, 1.0, 1e-9, 1 - 1e-9, 1e-7])
DTYPES = st.sampled_from([np.float32, np.float64])


def shares(classes: int | None) -> st.SearchStrategy[Any]:
    """Rows of what a model may give for probabilities."""
    shape = st.integers(1, 4).map(lambda n: (n,) if classes is None else (n, classes))
    return DTYPES.flatmap(lambda d: hnp.arrays(d, shape, elements=SHARES.map(d)))


@given(shares(None))
def test_normalized_binary(numbers: Any) -> None:
    np.testing.assert_array_equal(normalized(numbers, "binary"), normalize_pred_probas(numbers, "binary"))


@given(shares(3))
def test_normalized_classes(numbers: Any) -> None:
    np.testing.assert_array_equal(normalized(numbers, "multiclass"), normalize_pred_probas(numbers, "multiclass"))


@pytest.mark.filterwarnings("ignore:divide by zero")  # AutoGluon takes the logarithm of 0
@pytest.mark.parametrize("problem", ["binary", "multiclass"])
def test_tempered(problem: str) -> None:
    rng = np.random.default_rng(0)
    numbers = rng.random((50, 3)).astype(np.float32)
    numbers /= numbers.sum(axis=1, keepdims=True)
    numbers[0] = [1, 0, 0]
    numbers = numbers[:, 0] if problem == "binary" else numbers
    for temperature in (0.5, 1.0, 3.7):
        np.testing.assert_array_equal(
            tempered(numbers, temperature), apply_temperature_scaling(numbers, temperature, problem)
        )
