"""Whether an answer of ``POST /predict`` is one: the promised shape, with numbers that are numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def fault_of(answer: Any, sent: Any, model: Mapping[str, Any]) -> str | None:
    """Say in a few words what is wrong with ``answer``, or None where nothing is; the same fault in the same words.

    ``sent`` is the body that was sent, a row or a list of them; ``model`` is what ``GET /model`` says.
    """
    if not isinstance(sent, list):
        return _row_fault(answer, model)
    if not isinstance(answer, list):
        return f"expected an array of {len(sent)}, got {type(answer).__name__}"
    if len(answer) != len(sent):
        return f"expected {len(sent)} answers, got {len(answer)}"
    faults = (_row_fault(one, model) for one in answer)
    return next((f"in a batch: {fault}" for fault in faults if fault), None)


def _row_fault(answer: Any, model: Mapping[str, Any]) -> str | None:
    label = model["label"]
    if not isinstance(answer, dict) or label not in answer:
        return f"no key {label!r} in the answer"
    value = answer[label]
    match model["problem_type"]:
        case "regression":
            return None if _finite(value) else f"{label!r} is no finite number: {value!r}"
        case "quantile":
            return _quantile_fault(value, model)
    if value not in model["classes"]:
        return f"{label!r} is none of the classes"
    return _probability_fault(answer.get("probabilities"), model)


def _quantile_fault(value: Any, model: Mapping[str, Any]) -> str | None:
    levels = {str(level) for level in model["quantile_levels"]}
    if not isinstance(value, dict) or set(value) != levels:
        return f"{model['label']!r} has not the quantiles {sorted(levels)}"
    return None if all(map(_finite, value.values())) else f"a quantile of {model['label']!r} is no finite number"


def _probability_fault(value: Any, model: Mapping[str, Any]) -> str | None:
    if not isinstance(value, dict) or len(value) != len(model["classes"]):
        return f"expected a probability for each of {len(model['classes'])} classes"
    good = all(_finite(p) and 0 <= p <= 1 for p in value.values())
    return None if good else "a probability is no number between 0 and 1"


def _finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
