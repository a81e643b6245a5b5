"""What the load test takes for an answer, and what it does not."""

import math
from typing import Any

import pytest

from sample.verdict import fault_of

REGRESSION = {"label": "cost", "problem_type": "regression"}
QUANTILE = {"label": "days", "problem_type": "quantile", "quantile_levels": [0.1, 0.9]}
BINARY = {"label": "sold", "problem_type": "binary", "classes": ["no", "yes"]}
MULTICLASS = {"label": "grade", "problem_type": "multiclass", "classes": [1, 2, 3]}

GOOD: list[tuple[dict[str, Any], Any]] = [
    (REGRESSION, {"cost": 103.35}),
    (REGRESSION, {"cost": 0, "warnings": ["unknown category"]}),
    (QUANTILE, {"days": {"0.1": 1.5, "0.9": 2}}),
    (BINARY, {"sold": "yes", "probabilities": {"no": 0.25, "yes": 0.75}}),
    (MULTICLASS, {"grade": 3, "probabilities": {"1": 0.0, "2": 0.0, "3": 1.0}}),
]

BAD: list[tuple[dict[str, Any], Any, str]] = [
    (REGRESSION, {"price": 1.0}, "no key 'cost'"),
    (REGRESSION, [{"cost": 1.0}], "no key 'cost'"),
    (REGRESSION, None, "no key 'cost'"),
    (REGRESSION, {"cost": None}, "no finite number"),
    (REGRESSION, {"cost": math.nan}, "no finite number"),
    (REGRESSION, {"cost": "103"}, "no finite number"),
    (REGRESSION, {"cost": True}, "no finite number"),
    (QUANTILE, {"days": 3.0}, "quantiles"),
    (QUANTILE, {"days": {"0.1": 1.0}}, "quantiles"),
    (QUANTILE, {"days": {"0.1": 1.0, "0.9": math.inf}}, "no finite number"),
    (BINARY, {"sold": "maybe", "probabilities": {"no": 0.5, "yes": 0.5}}, "none of the classes"),
    (BINARY, {"sold": "yes"}, "a probability for each of 2"),
    (BINARY, {"sold": "yes", "probabilities": {"yes": 1.0}}, "a probability for each of 2"),
    (BINARY, {"sold": "yes", "probabilities": {"no": -0.5, "yes": 1.5}}, "between 0 and 1"),
    (MULTICLASS, {"grade": "3", "probabilities": {"1": 0.0, "2": 0.0, "3": 1.0}}, "none of the classes"),
    (MULTICLASS, {"grade": 3, "probabilities": {"1": 0.0, "2": 0.0, "3": None}}, "between 0 and 1"),
]


@pytest.mark.parametrize(("model", "answer"), GOOD)
def test_a_good_answer_has_no_fault(model: dict[str, Any], answer: Any) -> None:
    assert fault_of(answer, {}, model) is None
    assert fault_of([answer] * 3, [{}] * 3, model) is None


@pytest.mark.parametrize(("model", "answer", "fault"), BAD)
def test_a_bad_answer_is_named(model: dict[str, Any], answer: Any, fault: str) -> None:
    found = fault_of(answer, {}, model)
    assert found is not None
    assert fault in found
    good = next(one for of, one in GOOD if of is model)
    assert fault_of([good, answer], [{}, {}], model) == f"in a batch: {found}"


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ({"cost": 1.0}, "expected an array of 2, got dict"),
        ([{"cost": 1.0}], "expected 2 answers, got 1"),
        ([{"cost": 1.0}] * 3, "expected 2 answers, got 3"),
    ],
)
def test_a_batch_has_an_answer_for_each_row(answer: Any, fault: str) -> None:
    assert fault_of(answer, [{}, {}], REGRESSION) == fault


def test_no_answer_to_no_rows() -> None:
    assert fault_of([], [], REGRESSION) is None
