from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agbento.compiler.proof.agreement import TOLERANCE, Judge, spread
from agbento.compiler.proof.stock import Numbers

# A Judge asks a predictor for its classes, and nothing else.
REGRESSION = SimpleNamespace(problem_type="regression", label="y")
BINARY = SimpleNamespace(
    problem_type="binary", label="y", class_labels=["no", "yes"], positive_class="yes", decision_threshold=0.3
)
THREE = SimpleNamespace(problem_type="multiclass", label="y", class_labels=[0, 1, 2])


def numbers(*values: float) -> Numbers:
    return Numbers(np.array(values))


def classes(labels: list[Any], probabilities: list[list[float]]) -> Numbers:
    return Numbers(np.array(labels, object), np.array(probabilities))


@given(st.floats(), st.floats(0, 1e6))
def test_a_number_agrees_with_itself(value: float, scale: float) -> None:
    found = Judge(REGRESSION, scale).compare(numbers(value), numbers(value))
    assert not found.missed.any()
    assert found.exact.all()
    assert found.difference.max() == 0


@given(st.floats(-1e100, 1e100), st.floats(1e-3, 1e3), st.floats(1.1, 1e6), st.booleans())
def test_numbers_further_apart_than_the_tolerance_do_not_agree(a: float, scale: float, times: float, up: bool) -> None:
    apart = times * 2 * TOLERANCE * max(abs(a), scale)
    b = a + apart if up else a - apart
    assert Judge(REGRESSION, scale).compare(numbers(a), numbers(b)).missed.all()


@given(st.floats(-1e100, 1e100), st.floats(1e-3, 1e3), st.floats(0, 0.9), st.booleans())
def test_numbers_within_the_tolerance_agree(a: float, scale: float, share: float, up: bool) -> None:
    apart = share * TOLERANCE * max(abs(a), scale)
    b = a + apart if up else a - apart
    found = Judge(REGRESSION, scale).compare(numbers(a), numbers(b))
    assert not found.missed.any()
    assert bool(found.exact[0]) == (a == b)


@pytest.mark.parametrize("other", [0.0, 1e308, np.inf, -np.inf])
def test_nan_and_infinity_agree_with_nothing_else(other: float) -> None:
    judge = Judge(REGRESSION, 1.0)
    assert judge.compare(numbers(np.nan), numbers(other)).missed.all()
    assert judge.compare(numbers(other), numbers(np.nan)).missed.all()
    if np.isinf(other):
        assert judge.compare(numbers(-other), numbers(other)).missed.all()


@pytest.mark.parametrize(("a", "b"), [("1", 1), (1, True), (1, 1.0), ("yes", "no"), (None, "None")])
def test_classes_are_equal_in_value_and_type(a: Any, b: Any) -> None:
    alike = [[0.2, 0.8]]
    assert Judge(BINARY, 1).compare(classes([a], alike), classes([b], alike)).missed.all()
    assert not Judge(BINARY, 1).compare(classes([a], alike), classes([a], alike)).missed.any()


@pytest.mark.parametrize(
    ("expected", "received", "ties", "missed"),
    [
        (0.3 + 4e-7, 0.3 - 4e-7, True, False),
        # The same number: the threshold is compared in another way.
        (0.3, 0.3, False, True),
        (0.3 + 2e-6, 0.3 + 1.5e-6, False, True),
    ],
)
def test_the_other_class_is_a_tie_at_the_threshold_only(
    expected: float, received: float, ties: bool, missed: bool
) -> None:
    found = Judge(BINARY, 1).compare(
        classes(["yes"], [[1 - expected, expected]]), classes(["no"], [[1 - received, received]])
    )
    assert (bool(found.ties.all()), bool(found.missed.all())) == (ties, missed)


def test_only_the_class_that_is_as_probable_is_a_tie() -> None:
    even, near = [0.4, 0.4 - 3e-7, 0.2], [0.4 - 3e-7, 0.4, 0.2]
    judge = Judge(THREE, 1)
    assert judge.compare(classes([0], [even]), classes([1], [near])).ties.all()
    assert judge.compare(classes([0], [even]), classes([2], [near])).missed.all()
    assert judge.compare(classes([0], [even]), classes([1], [even])).missed.all()
    assert judge.compare(classes([0], [even]), classes(["other"], [near])).missed.all()


def test_answers_of_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        Judge(REGRESSION, 1).compare(numbers(1.0), numbers(1.0, 2.0))
    with pytest.raises(ValueError, match="shape"):
        Judge(BINARY, 1).compare(classes(["no"], [[1, 0]]), classes(["no", "no"], [[1, 0]]))


def test_the_scale_is_the_spread_of_numbers_and_one_for_probabilities() -> None:
    assert spread(classes(["no"], [[1, 0]])) == 1
    assert spread(numbers(1, 3, np.nan, np.inf)) == np.std([1, 3])
    assert spread(numbers(np.nan)) == 0
