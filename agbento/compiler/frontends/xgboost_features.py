"""What an ``XGBoostModel`` makes of its columns before XGBoost sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from agbento.compiler.errors import NotNative
from agbento.compiler.frontends.context import Context
from agbento.compiler.plan.slots import Slot

Table = npt.NDArray[np.int32]


@dataclass(frozen=True)
class NumberFeature:
    """The number of column ``column``."""

    column: int


@dataclass(frozen=True)
class LevelFeature:
    """1 where ``table`` of column ``column`` gives ``code`` for its level, else missing."""

    column: int
    code: int
    table: Table


@dataclass(frozen=True)
class CodeFeature:
    """XGBoost's own category: ``table`` gives its code for a level of ``column``, -1 where missing."""

    column: int
    table: Table


Feature = NumberFeature | LevelFeature | CodeFeature


def read_features(model: Any, context: Context) -> list[Feature]:
    """Give XGBoost's features in order; each table has the code of a missing level first, then of each level.

    Raises:
        NotNative: the model and the columns disagree about what is a category.
    """
    return _one_hot(model, context) if model._ohe else _codes(model, context)


def _one_hot(model: Any, context: Context) -> list[Feature]:
    """``OheFeatureGenerator``: a feature for each level of the categories, then the numbers, as a sparse matrix."""
    generator = model._ohe_generator
    places = {slot.name: i for i, slot in enumerate(context.columns)}
    _check([*generator.cat_cols, *generator.other_cols], generator.cat_cols, context)
    features: list[Feature] = []
    if generator.cat_cols:
        slots = [context.columns[places[name]] for name in generator.cat_cols]
        matrix = generator.ohe_encs.transform(_every_level(slots)).tocsc()
        ends = np.cumsum(_widths(generator.ohe_encs))
        if matrix.shape[1] != ends[-1]:
            raise NotNative(f"XGBoost with {matrix.shape[1]} one-hot columns for {ends[-1]} levels")
        for slot, end, width in zip(slots, ends, _widths(generator.ohe_encs), strict=True):
            table = _table(matrix[:, end - width : end].toarray()[: len(slot.levels or ()) + 1])
            features += [LevelFeature(places[slot.name], code, table) for code in range(width)]
    return features + [NumberFeature(places[name]) for name in generator.other_cols]


def _codes(model: Any, context: Context) -> list[Feature]:
    """``enable_categorical``: all columns in order, categories by their code in training."""
    categories = list(model._cat_col_names or [])
    _check([slot.name for slot in context.columns], categories, context)
    slots = {slot.name: slot for slot in context.columns}
    coded = model._preprocess(_every_level([slots[name] for name in categories])) if categories else {}
    features: list[Feature] = []
    for column, slot in enumerate(context.columns):
        if slot.is_category:
            table = coded[slot.name].cat.codes.to_numpy(np.int32)[: len(slot.levels or ()) + 1]
            features.append(CodeFeature(column, table))
        else:
            features.append(NumberFeature(column))
    return features


def _check(names: list[Any], categories: list[Any], context: Context) -> None:
    known = {slot.name: slot for slot in context.columns}
    if len(known) != len(context.columns) or set(names) != set(known):
        raise NotNative("XGBoost of other columns than those that it is given")
    if {slot.name for slot in context.columns if slot.is_category} != set(categories):
        raise NotNative("XGBoost with other categories than those that it is given")
    for slot in context.columns:
        if not slot.is_category and np.dtype(slot.dtype).kind not in "iufb":
            raise NotNative(f"XGBoost with {slot.name} of type {slot.dtype}")


def _every_level(slots: list[Slot]) -> Any:
    """Give a DataFrame whose first row is missing, and whose next rows have each level of each slot in turn."""
    import pandas as pd

    codes = np.arange(-1, max(len(slot.levels or ()) for slot in slots))
    columns = {}
    for slot in slots:
        levels = pd.Index(list(slot.levels or ()), dtype=slot.levels_dtype)
        own = np.where(codes < len(levels), codes, -1).tolist()
        columns[slot.name] = pd.Categorical.from_codes(own, categories=levels)
    return pd.DataFrame(columns)


def _widths(encoder: Any) -> list[int]:
    """Give how many columns each category has: its levels in training, rare ones in one together."""
    rare = [len(indices) for indices in encoder.infrequent_indices_]
    return [len(levels) - max(few - 1, 0) for levels, few in zip(encoder.categories_, rare, strict=True)]


def _table(block: npt.NDArray[np.float64]) -> Table:
    """Give, for rows of at most one 1, where it is; -1 where there is none."""
    if not np.isin(block, (0.0, 1.0)).all() or (block.sum(axis=1) > 1).any():
        raise NotNative("XGBoost with levels that are not one-hot")
    return np.where(block.any(axis=1), block.argmax(axis=1), -1).astype(np.int32)
