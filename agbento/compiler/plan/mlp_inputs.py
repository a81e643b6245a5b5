"""How a row's columns become the float32 inputs of a multilayer perceptron."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

# In each step, ``column`` is a position among the leaf's columns, and ``at`` the first of the inputs that it fills.


@dataclass(frozen=True)
class Copied:
    """A number as it is."""

    column: int
    at: int
    kind: Literal["copied"] = "copied"


@dataclass(frozen=True)
class Scaled:
    """(number - center) / scale, with ``fill`` for a missing number (None: it stays missing).

    ``single``: both results are rounded to float32. ``finite``: an infinite number is an error.
    """

    column: int
    at: int
    fill: float | None
    center: float
    scale: float
    single: bool
    finite: bool
    kind: Literal["scaled"] = "scaled"


@dataclass(frozen=True)
class Ranked:
    """The normal deviate of a number's rank among quantiles, which are column ``index`` of ``Inputs.quantiles``.

    ``fill`` stands for a missing number; ``single``: the column is float32 in AutoGluon, and so is the rank. An
    infinite number is an error.
    """

    column: int
    at: int
    index: int
    fill: float
    single: bool
    kind: Literal["ranked"] = "ranked"


@dataclass(frozen=True)
class OneHot:
    """1 in one of the inputs from ``at`` on, 0 in the rest.

    ``places`` names an array of int32. Of a category, entry 1 + position of the level is the input's number, -1 for
    none of them. Of a number column, ``numbers`` are the numbers that have an input, ``places`` theirs.
    """

    column: int
    at: int
    width: int
    places: str
    numbers: tuple[float, ...] | None = None
    kind: Literal["one_hot"] = "one_hot"


@dataclass(frozen=True)
class Embedded:
    """A row of a table of ``width`` columns, which begins at ``offset`` in ``Inputs.tables``.

    ``rows`` names an array of int32: entry 1 + position of the level is the row; "" where that is 1 + position itself.
    """

    column: int
    at: int
    width: int
    offset: int
    rows: str = ""
    kind: Literal["embedded"] = "embedded"


Step = Annotated[Copied | Scaled | Ranked | OneHot | Embedded, Field(discriminator="kind")]


@dataclass(frozen=True)
class Inputs:
    """``width`` inputs, each filled by one step.

    ``tables`` is an array of float32, all embeddings one after another. ``quantiles`` is an array of float64 (columns,
    quantiles), ``references`` of float64 (quantiles,): the rank of each. Each is "" where no step needs it. The inputs
    of all ``Ranked`` are one after another, in order of ``index``.
    """

    width: int
    steps: tuple[Step, ...]
    tables: str = ""
    quantiles: str = ""
    references: str = ""
