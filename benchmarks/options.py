"""How a part of the benchmark is to be run."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.models import Recipe


@dataclass(frozen=True)
class Options:
    """``quick``: a short look; ``recipes``: the predictors that were asked for, none for each part's usual ones."""

    quick: bool = False
    recipes: tuple[Recipe, ...] = ()

    def of(self, *usual: Recipe) -> tuple[Recipe, ...]:
        """Give the predictors to measure."""
        return self.recipes or usual
