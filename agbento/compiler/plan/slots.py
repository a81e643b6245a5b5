"""Columns of the matrix that a plan works on."""

from __future__ import annotations

from dataclasses import dataclass

# What a level of a category may be; a plan is stored as JSON, so NumPy's scalars are Python's here.
Level = bool | int | float | str | None


@dataclass(frozen=True)
class Slot:
    """One column of the matrix: a feature as AutoGluon's feature generators give it, or a model's output.

    The matrix is float64 of shape (n, slots). A number is held as it is, a missing one as NaN. A category is held as
    the position of its level in ``levels``, -1 where it is missing or no level. ``dtype`` is the pandas dtype that
    AutoGluon has in that column ("int64", "float32", "int8", "category" …).
    """

    index: int
    name: str
    dtype: str
    levels: tuple[Level, ...] | None = None
    levels_dtype: str | None = None

    @property
    def is_category(self) -> bool:
        """Whether the column holds positions of levels."""
        return self.levels is not None
