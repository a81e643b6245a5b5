"""What AutoGluon does with a model's numbers before they are used: normalize, calibrate, conformalize.

The formulas are those of AutoGluon 1.6: ``autogluon.core.utils.utils.normalize_pred_probas``,
``autogluon.core.calibrate.temperature_scaling.apply_temperature_scaling``, ``AbstractModel._apply_conformalization``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[Any]
_EPS = 1e-7


def normalized(numbers: Numbers, problem: str) -> Numbers:
    """Keep probabilities off 0 and 1; shape (n,) or (n, classes). As in AutoGluon, other rows of the call matter."""
    if numbers.ndim > 1 and problem != "quantile":
        return _normalized_classes(numbers)
    above = numbers > 1 - _EPS
    if above.any():
        numbers = ~above * numbers + above * (1 - _EPS * np.exp(-(numbers - (1 - _EPS))))
    below = numbers < _EPS
    if below.any():
        numbers = ~below * numbers + below * _EPS * np.exp(-(_EPS - numbers))
    return numbers


def _normalized_classes(numbers: Numbers) -> Numbers:
    least = np.min(numbers)
    if least < 0:
        numbers = numbers - np.clip(np.min(numbers, axis=1), None, 0)[:, None]
    if least < _EPS:
        numbers = np.clip(numbers, _EPS, None)
        numbers = numbers / numbers.sum(axis=1, keepdims=True)
    return numbers


def tempered(numbers: Numbers, temperature: float) -> Numbers:
    """Scale the logits of probabilities of shape (n,) (of the positive class) or (n, classes)."""
    binary = numbers.ndim == 1
    if binary:
        both = np.zeros((len(numbers), 2))
        both[:, 0], both[:, 1] = 1 - numbers, numbers
        numbers = both
    with np.errstate(divide="ignore", invalid="ignore"):
        logits = np.log(numbers) / temperature
        shifted = np.exp(logits - np.amax(logits, axis=1, keepdims=True))
        scaled = shifted / np.sum(shifted, axis=1, keepdims=True)
    found: Numbers = scaled[:, 1] if binary else scaled
    return found
