"""AutoGluon's LightGBM models → plan."""

from __future__ import annotations

from typing import Any

import numpy as np

from agbento.compiler.arrays import Array
from agbento.compiler.errors import NotNative
from agbento.compiler.frontends.context import Context
from agbento.compiler.frontends.lightgbm_text import Text, Unusual
from agbento.compiler.frontends.lightgbm_trees import layout
from agbento.compiler.plan.lightgbm import LightGBM
from agbento.compiler.plan.slots import Slot

_PROBLEMS = ("regression", "binary", "multiclass", "quantile")


def read(model: Any, context: Context) -> LightGBM:
    """Read an ``LGBModel``: its boosters' trees, and how categories become codes.

    Raises:
        NotNative: the booster has an objective of Python code, or categories that cannot be matched.
    """
    if context.problem not in _PROBLEMS:
        raise NotNative(f"LightGBM for {context.problem}")
    wrapper = model.model
    boosters = [wrapper.model_dict[q] for q in wrapper.quantile_levels] if context.problem == "quantile" else [wrapper]
    # Booster.predict takes the best iteration where there is one, and so does model_to_string.
    texts = [Text.of(booster.model_to_string(num_iteration=None)) for booster in boosters]
    for text in texts:
        if not text.objective:
            raise NotNative("LightGBM with an objective of Python code")
        if text.columns != len(context.columns):
            raise NotNative(f"LightGBM of {text.columns} columns, given {len(context.columns)}")
    common: dict[str, Any] = {
        "columns": context.slots(),
        "outputs": texts[0].outputs,
        "codes": _codes(boosters[0].pandas_categorical or [], context),
    }
    try:
        return LightGBM(**common, trees=tuple(layout(text, context.arrays, context.name) for text in texts))
    except Unusual as error:
        kept = tuple(context.arrays.put_bytes(f"{context.name}.text", text.text.encode()) for text in texts)
        return LightGBM(**common, texts=kept, why=str(error))


def _codes(trained: list[list[Any]], context: Context) -> tuple[str, ...]:
    """Give each column's table of codes: LightGBM knows the levels of its own training rows by position."""
    categories = [slot for slot in context.columns if slot.is_category]
    if len(categories) != len(trained):
        raise NotNative(f"LightGBM trained with {len(trained)} categories, given {len(categories)}")
    known = iter(trained)
    return tuple(_table(slot, next(known), context) if slot.is_category else "" for slot in context.columns)


def _table(slot: Slot, trained: list[Any], context: Context) -> str:
    positions = {level: code for code, level in enumerate(trained)}
    codes: Array = np.array([positions.get(level, np.nan) for level in slot.levels or ()] + [np.nan])
    return context.arrays.put(f"{context.name}.codes", codes)
