"""What AutoGluon's CatBoost models give CatBoost for each level of a category."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from agbento.compiler.errors import NotNative
from agbento.compiler.frontends.catboost_hashes import text_hash
from agbento.compiler.frontends.context import Context
from agbento.compiler.plan.slots import Slot

_MISSING = "__NaN__"  # a level that CatBoostModel._preprocess adds

Hashes = npt.NDArray[np.int64]


def levels_of(model: Any, booster: Any, context: Context) -> dict[int, Hashes]:
    """Give CatBoost's numbers of each category's levels, by the column: that of a missing one, then by position.

    CatBoostModel gives CatBoost whole numbers for levels, and one more for all that it did not see in training.

    Raises:
        NotNative: CatBoost was trained with other columns, or with other ones as categories.
    """
    names = [slot.name for slot in context.columns]
    if list(booster.feature_names_) != names:
        raise NotNative("CatBoost of other columns than it is given")
    categories = [i for i, slot in enumerate(context.columns) if slot.is_category]
    if list(booster._get_cat_feature_indices()) != categories:
        raise NotNative("CatBoost of other categories than it is given")
    codes = {str(name): known for name, known in (model._category_mapping or {}).items()}
    if sorted(codes) != sorted(names[i] for i in categories):
        raise NotNative("CatBoost whose preprocessing knows other categories")
    return {i: _hashes(context.columns[i], codes[names[i]]) for i in categories}


def _hashes(slot: Slot, codes: dict[Any, int]) -> Hashes:
    if _MISSING not in codes:
        raise NotNative(f"CatBoost without a code for a missing {slot.name!r}")
    found = [codes[_MISSING], *(codes.get(level, len(codes)) for level in slot.levels or ())]
    return np.array([text_hash(str(code)) for code in found], np.int64)
