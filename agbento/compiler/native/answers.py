"""The last model's numbers → what the predictor answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from agbento.compiler.native.calibration import Numbers
from agbento.compiler.plan.plan import Answer


class Answers:
    """Answers of one plan, as AutoGluon's learner gives them."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._all_kept = answer.kept == tuple(range(len(answer.classes)))
        self._threshold: Any = np.float64(answer.threshold) if answer.double else answer.threshold
        labels = [answer.classes[place] for place in answer.kept]
        dtype = None if all(type(label) in (int, float) for label in labels) else object
        self._labels: npt.NDArray[Any] = np.array(labels, dtype)

    @property
    def classifies(self) -> bool:
        """Whether there are classes."""
        return bool(self._answer.classes)

    def values(self, numbers: Numbers) -> npt.NDArray[Any]:
        """Give shape (n,): numbers or classes; quantile: (n, levels)."""
        if not self.classifies:
            return numbers[:, None] if self._answer.problem == "quantile" and numbers.ndim == 1 else numbers
        if self._answer.internal == "binary":
            places = (numbers > self._threshold).astype(np.intp)
        else:
            places = np.argmax(numbers, axis=1)
        found: npt.NDArray[Any] = self._labels[places]
        return found

    def probabilities(self, numbers: Numbers) -> npt.NDArray[Any]:
        """Give shape (n, classes), in the order of the answer's classes."""
        if numbers.ndim == 1:
            both = np.zeros((len(numbers), 2))
            both[:, 0], both[:, 1] = 1 - numbers, numbers
            numbers = both
        if self._all_kept:
            return numbers
        all_classes = np.zeros((len(numbers), len(self._answer.classes)), np.float32)
        all_classes[:, list(self._answer.kept)] = numbers
        return all_classes
