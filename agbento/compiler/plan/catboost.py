"""A CatBoost model in a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# How a row's sums over the trees become its numbers: as they are, 1 / (1 + exp(-x)) of each, softmax, exp of each.
Link = Literal["raw", "sigmoid", "softmax", "exponent"]


@dataclass(frozen=True)
class CatBoost:
    """One model: trees over the float32 values of a row.

    ``longs``, ``ints`` and ``singles`` are arrays as ``catboost_program`` lays them out; ``leaves`` has a scale, a bias
    for each output, and then the leaves' numbers, each leaf's outputs together, tree by tree. A row has ``outputs``
    numbers, of which all are the answer, or only that at ``chosen``.
    """

    columns: tuple[int, ...]
    longs: str
    ints: str
    singles: str
    leaves: str
    outputs: int
    link: Link
    chosen: int | None = None
    kind: Literal["catboost"] = "catboost"
