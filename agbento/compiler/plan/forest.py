"""scikit-learn's forests in a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# Of a quantile forest's leaf, for the number of its training rows.
COUNT_BITS = 28


@dataclass(frozen=True)
class Trees:
    """The trees of a forest, 8 bytes a node.

    ``nodes`` is an array of int64; each tree has a piece of it, which begins at a multiple of 8 nodes (a cache line
    where the array is aligned) given by ``starts`` (uint64, one a tree). Of an inner node the lower four bytes are its
    threshold, a float32 rounded down, so that ``x <= threshold`` is the same for every float32 x; the upper four are

        pair << (features + 2) | column << 2 | right is a leaf << 1 | left is a leaf

    where ``features`` is a number of bits. Node ``start + 2 * pair`` is its left child, the next one its right child. A
    leaf's eight bytes are what the forest makes of them. A tree's root is its first node, and is an inner one.
    """

    nodes: str
    starts: str
    features: int


@dataclass(frozen=True)
class Forest:
    """A mean over trees. The columns at ``categories`` hold positions of levels.

    A leaf is a float64, or (more than one output) the row in ``values``, float64 of shape (rows, outputs).
    """

    columns: tuple[int, ...]
    categories: tuple[int, ...]
    trees: Trees
    outputs: int
    values: str
    kind: Literal["forest"] = "forest"


@dataclass(frozen=True)
class QuantileForest:
    """Quantiles of the training rows that share a leaf with a row, as AutoGluon's own quantile forests give them.

    A leaf is ``first << 28 | count`` of its training rows in ``members``: uint32 of shape (rows, 2), rank and bits
    of a weight, a float32. A rank is the place of a training row's target among ``targets``, ascending, float32.
    """

    columns: tuple[int, ...]
    categories: tuple[int, ...]
    trees: Trees
    members: str
    targets: str
    percents: tuple[int, ...]
    kind: Literal["quantile_forest"] = "quantile_forest"
