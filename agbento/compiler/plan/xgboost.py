"""An XGBoost booster in a plan: gradient-boosted trees with one number a leaf."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

Transform = Literal["identity", "sigmoid", "exp", "softmax"]


@dataclass(frozen=True)
class Number:
    """A column of numbers: the place where a missing one goes left, and that where it goes right; 0 where unused."""

    left: int
    right: int
    kind: Literal["number"] = "number"


@dataclass(frozen=True)
class OneHot:
    """A category of which each level has a place of its own, that holds 1 for it and 0 else.

    ``places`` names the array of int32 that has the place of a missing one, then that of each level; 0 is none.
    """

    places: str
    kind: Literal["one_hot"] = "one_hot"


@dataclass(frozen=True)
class Code:
    """A category as XGBoost's own code + 1, 0 where missing.

    ``codes`` names the array of them, ordered as that of ``OneHot``.
    """

    place: int
    codes: str
    kind: Literal["code"] = "code"


Input = Annotated[Number | OneHot | Code, Field(discriminator="kind")]


@dataclass(frozen=True)
class XGBoost:
    """Trees over a row of int32, which is made of the columns as ``inputs`` say and has ``places`` numbers.

    Place 0 holds the least int32. A number is a float32 whose bits are made an int32 of the same order; a missing one
    (NaN, and 0 too where ``zero_is_missing``) is the least int32 where it goes left, the greatest where it goes right.

    ``nodes`` names the array of int32, shape (nodes, 2), of all trees: a number, and ``step << shift | place``. The
    walk goes ``step`` nodes on, and one more where the place's number is not less than the node's. A leaf has step 0
    and place 0, and its number is the bits of its float32: the walk stays. A node with the sign bit set goes that one
    more where the set of codes that begins at word ``number`` of ``sets`` (int32, lowest bit first) has the place's.

    ``trees`` names the array of int32, shape (trees, 3): first node, output, levels below it. Their leaves are added in
    order, in float32, to ``base``, which has a number an output; then comes ``transform``.
    """

    columns: tuple[int, ...]
    inputs: tuple[Input, ...]
    places: int
    shift: int
    zero_is_missing: bool
    nodes: str
    sets: str
    trees: str
    base: tuple[float, ...]
    transform: Transform
    kind: Literal["xgboost"] = "xgboost"
