"""What every native family gives: a function from a model's columns to its numbers."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]


class Evaluate(Protocol):
    """A model, bound to its arrays. Safe to call from any thread."""

    def __call__(self, rows: Matrix, /) -> npt.NDArray[Any]:
        """Answer ``rows``: float64, C-contiguous, shape (n, columns of the leaf), columns as ``Slot`` says.

        Gives what AutoGluon's ``_predict_proba`` of that model gives, before it is normalized and made float32: shape
        (n,) for regression and binary (probability of the positive class), (n, classes) for multiclass, (n, levels)
        for quantile; of the dtype that AutoGluon has there, so that making it float32 rounds the same.
        """
        ...
