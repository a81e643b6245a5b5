"""AutoGluon's quantile forests → plan: which training rows are in which leaf, and how much they weigh there.

The source is AutoGluon's ``tabular/models/rf/rf_quantile.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agbento.compiler.errors import NotNative
from agbento.compiler.frontends.context import Context
from agbento.compiler.frontends.forest_trees import read_trees
from agbento.compiler.plan.forest import COUNT_BITS, QuantileForest


def read_quantiles(model: Any, forest: Any, categories: tuple[int, ...], context: Context) -> QuantileForest:
    """Read a quantile forest.

    Raises:
        NotNative: its training rows are not there as expected, or it has other levels than the predictor.
    """
    levels = tuple(model.quantile_levels)
    if tuple(map(float, levels)) != context.levels or not all(0 <= level <= 1 for level in levels):
        raise NotNative(f"a forest of quantiles {levels}")
    trees = [estimator.tree_ for estimator in forest.estimators_]
    targets, rank = np.unique(forest.y_train_, return_inverse=True)
    shape = (len(trees), len(rank))
    if (
        forest.y_train_leaves_.shape != shape
        or forest.y_weights_.shape != shape
        or forest.y_weights_.dtype != np.float32
    ):
        raise NotNative("a quantile forest without the leaves of its training rows")
    leaves, members, total = [], [], 0
    for tree, inside, row_weights in zip(trees, forest.y_train_leaves_, forest.y_weights_, strict=True):
        # Rows of one leaf stay in their order: it is the order in which AutoGluon adds their weights.
        order = np.argsort(inside, kind="stable")[np.count_nonzero(inside < 0) :]
        counts = np.bincount(inside[order], minlength=tree.node_count)
        if not np.array_equal(counts > 0, tree.children_left < 0) or np.isnan(row_weights[order]).any():
            raise NotNative("a quantile forest with training rows in no leaf, or none in one")
        leaves.append((total + np.cumsum(counts) - counts) << COUNT_BITS | counts)
        members.append(np.column_stack([rank[order].astype(np.uint32), row_weights[order].view(np.uint32)]))
        total += len(order)
    if len(rank) >= 1 << COUNT_BITS:
        raise NotNative(f"a quantile forest of {len(rank)} training rows")
    return QuantileForest(
        columns=context.slots(),
        categories=categories,
        trees=read_trees(trees, leaves, context),
        members=context.arrays.put(f"{context.name}.members", np.concatenate(members)),
        targets=context.arrays.put(f"{context.name}.targets", targets.astype(np.float32)),
        # As AutoGluon rounds them: 0.29 is the 28th percentile.
        percents=tuple(int(level * 100) for level in levels),
    )
