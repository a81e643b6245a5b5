"""What a front end may ask while it reads one model."""

from __future__ import annotations

from dataclasses import dataclass

from agbento.compiler.arrays import Arrays
from agbento.compiler.plan.slots import Slot


@dataclass(frozen=True)
class Context:
    """``columns`` are those that the model's ``_preprocess`` gets, in order; arrays go into ``arrays``.

    ``name`` is the model's, for the names of arrays. ``classes`` is the number of classes (multiclass), ``levels`` the
    quantile levels.
    """

    name: str
    columns: tuple[Slot, ...]
    arrays: Arrays
    problem: str
    classes: int = 0
    levels: tuple[float, ...] = ()

    def slots(self, positions: list[int] | None = None) -> tuple[int, ...]:
        """Give the slots of all columns, or of those at ``positions``."""
        found = self.columns if positions is None else [self.columns[i] for i in positions]
        return tuple(slot.index for slot in found)
