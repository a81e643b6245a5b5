"""Models that make numbers of other models' numbers, and models that only AutoGluon can run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agbento.compiler.plan.slots import Slot


@dataclass(frozen=True)
class Weighted:
    """A weighted sum: ``weights[i]`` times the i-th group of ``outputs`` columns.

    ``double`` tells whether AutoGluon adds in float64 (its weights are NumPy's) or in float32 (they are Python's).
    """

    columns: tuple[int, ...]
    outputs: int
    weights: tuple[float, ...]
    double: bool
    kind: Literal["weighted"] = "weighted"


@dataclass(frozen=True)
class Foreign:
    """A model that runs through AutoGluon's own object, over a DataFrame of ``slots``; ``why`` says why.

    The slots' names are those that this model knows the columns by.
    """

    slots: tuple[Slot, ...]
    model: str
    family: str
    why: str
    kind: Literal["foreign"] = "foreign"

    @property
    def columns(self) -> tuple[int, ...]:
        """The slots' places in the matrix."""
        return tuple(slot.index for slot in self.slots)
