"""Whether two answers are the same.

Numbers a and b agree where |a - b| <= 1e-6 * max(|a|, |b|, scale). For probabilities the scale is 1, so that the
tolerance is 1e-6 itself; for other numbers it is the spread (standard deviation) of AutoGluon's own answers, so that a
number near 0 is not held to more digits than float32 has. NaN agrees with NaN, and an infinity with itself.

Classes agree where they are the same value of the same type. Where the two best probabilities, or that of the positive
class and the threshold, lie within the tolerance of each other, another class may be answered: such a row is a tie. It
is none where both have the same probabilities, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agbento.compiler.proof.stock import Numbers

TOLERANCE: Final = 1e-6
_BEYOND: Final = 1e6  # times the usual size of the answers
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Agreement:
    """What comparing n rows gave.

    ``difference``, of shape (n, columns), is relative, and infinite where the classes differ. ``columns`` name the
    answer's numbers: classes, quantile levels or the label; for classes the label follows. ``unsteady`` rows (None:
    none) differ by no more than AutoGluon does from itself.
    """

    difference: Floats
    exact: Bools
    ties: Bools
    columns: tuple[str, ...]
    unsteady: Bools | None = None

    @property
    def missed(self) -> Bools:
        """Rows that do not agree."""
        agree: Bools = np.all(self.difference <= TOLERANCE, axis=1)
        return ~agree if self.unsteady is None else ~agree & ~self.unsteady


class Judge:
    """Compares answers of one predictor; ``scale`` as above, ``usual`` the size that its answers usually have."""

    def __init__(self, predictor: Any, scale: float, usual: float = 1.0) -> None:
        self._scale, self._usual = scale, usual
        self._classifies = predictor.problem_type in ("binary", "multiclass")
        self._classes = list(predictor.class_labels) if self._classifies else []
        self._threshold: float | None = None
        if predictor.problem_type == "binary":
            self._threshold = float(predictor.decision_threshold)
            self._positive = self._classes.index(predictor.positive_class)
        self.columns = self._names(predictor)

    def compare(self, expected: Numbers, received: Numbers) -> Agreement:
        """Compare answers to the same n rows.

        Raises:
            ValueError: they are not of one shape.
        """
        if not self._classifies:
            difference, exact = self._numbers(expected.values, received.values)
            return Agreement(difference, np.all(exact, axis=1), np.zeros(len(exact), bool), self.columns)
        difference, exact = self._numbers(expected.probabilities, received.probabilities)
        same, alike = _same_classes(expected.values, received.values), np.all(exact, axis=1)
        ties = ~same & self._close(expected, received) & ~alike
        wrong = np.where(same | ties, 0.0, np.inf)[:, None]
        return Agreement(np.concatenate([difference, wrong], axis=1), alike & same, ties, self.columns)

    def beyond(self, answers: Numbers) -> Bools:
        """Tell which answers are no numbers, or a million times the usual ones."""
        given = np.asarray(answers.values if answers.probabilities is None else answers.probabilities, np.float64)
        given = given.reshape(len(answers), -1)
        with np.errstate(invalid="ignore"):
            far: Bools = ~np.isfinite(given).all(axis=1) | (np.abs(given).max(axis=1) > _BEYOND * self._usual)
        return far

    def _names(self, predictor: Any) -> tuple[str, ...]:
        if predictor.problem_type == "quantile":
            return tuple(map(str, predictor.quantile_levels))
        return (*map(str, self._classes), str(predictor.label))

    def _numbers(self, expected: Any, received: Any) -> tuple[Floats, Bools]:
        """Give the relative difference, and whether numbers are the very same; both of shape (n, columns)."""
        a, b = (np.asarray(numbers, np.float64) for numbers in (expected, received))
        if a.shape != b.shape:
            raise ValueError(f"expected answers of shape {a.shape}, received {b.shape}")
        a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        with np.errstate(all="ignore"):
            size = np.maximum(np.maximum(np.abs(a), np.abs(b)), self._scale)
            difference = np.abs(a - b) / size
        difference[~np.isfinite(difference)] = np.inf
        difference[same] = 0.0
        return difference, same

    def _close(self, expected: Numbers, received: Numbers) -> Bools:
        """Tell in which rows another class may be answered: only the one that is as good."""
        given: Any = expected.probabilities
        rows = np.arange(len(given))
        if self._threshold is not None:
            near: Bools = np.abs(given[:, self._positive].astype(np.float64) - self._threshold) <= TOLERANCE
            return near
        places = {(type(label), label): i for i, label in enumerate(self._classes)}
        chosen = [places.get((type(label), label), -1) for label in received.values.tolist()]
        near = given.max(axis=1) - given[rows, chosen] <= TOLERANCE
        return near & (np.array(chosen) >= 0)


def spread(numbers: Numbers) -> float:
    """Give the scale for answers like ``numbers``: 1 for probabilities, else their standard deviation."""
    if numbers.probabilities is not None:
        return 1.0
    values = numbers.values.astype(np.float64)
    return float(np.std(values[np.isfinite(values)])) if np.isfinite(values).any() else 0.0


def usual_size(numbers: Numbers) -> float:
    """Give the median size of answers like ``numbers``; 1 for probabilities, and where there is nothing to tell."""
    values = np.abs(np.asarray(numbers.values if numbers.probabilities is None else [1.0], np.float64))
    known = values[np.isfinite(values)]
    return float(np.median(known)) or 1.0 if len(known) else 1.0


def _same_classes(expected: npt.NDArray[Any], received: npt.NDArray[Any]) -> Bools:
    if expected.shape != received.shape:
        raise ValueError(f"expected classes of shape {expected.shape}, received {received.shape}")
    pairs = zip(expected.tolist(), received.tolist(), strict=True)
    return np.array([type(a) is type(b) and a == b for a, b in pairs], bool)
