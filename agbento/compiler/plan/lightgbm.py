"""A LightGBM booster in a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Transform = Literal["identity", "square", "exp", "sigmoid", "softmax"]


@dataclass(frozen=True)
class Trees:
    """One booster's trees over a row of int32, which is made of its columns and has ``places`` numbers.

    Place 0 holds the least int32. ``inputs`` names the array of int32, shape (places - 1, 4), that tells how each
    further place is filled: column, kind (see ``native.lightgbm_layout``), first and last of its thresholds in
    ``thresholds``. A number becomes the count of its thresholds that are less than it; a category its code.

    ``nodes`` names the array of int32, shape (nodes, 2), of all trees: a number, and ``step << shift | place``. The
    walk goes ``step`` nodes on, and one more where the place's value is not less than the number; where the sign bit is
    set, it goes one more unless the set of codes that begins at word ``number`` of ``sets`` (bits of int32, lowest
    first; the first word is the count of words) has the value. A leaf has step 0 and place 0, and its number is its
    place in ``leaves`` (float64): the walk stays.

    ``trees`` names the array of int32, shape (trees, 3): first node, output, levels below it; ``scale`` is the
    sigmoid's.
    """

    places: int
    shift: int
    inputs: str
    thresholds: str
    nodes: str
    sets: str
    leaves: str
    trees: str
    outputs: int
    transform: Transform
    scale: float = 1.0


@dataclass(frozen=True)
class LightGBM:
    """One booster, or one a quantile level: ``trees`` for a kernel of ours, or ``texts`` for LightGBM's own library.

    ``texts`` are arrays of bytes, LightGBM's text format with as many trees as are used; ``why`` says what only the
    library does. ``codes[i]`` is the array that turns column i's positions of levels into LightGBM's (the last entry,
    that of position -1, is NaN), "" where the column is no category.
    """

    columns: tuple[int, ...]
    outputs: int
    codes: tuple[str, ...]
    trees: tuple[Trees, ...] = ()
    texts: tuple[str, ...] = ()
    why: str = ""
    kind: Literal["lightgbm"] = "lightgbm"
