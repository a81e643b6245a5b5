"""Frames taken apart and put together; the names are what they are at run time, texts as a rule."""

from __future__ import annotations

from typing import Any, cast

import pandas as pd


def columns(frame: pd.DataFrame) -> dict[str, Any]:
    """Give the series by their names."""
    return cast(dict[str, Any], dict(frame.items()))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Give the rows as dicts."""
    return cast(list[dict[str, Any]], frame.to_dict("records"))


def categorical(codes: Any, levels: Any) -> pd.Categorical:
    """Make a column of positions, -1 for none, in levels or in the dtype of another column."""
    if isinstance(levels, pd.CategoricalDtype):
        return pd.Categorical.from_codes(codes, dtype=levels)
    return pd.Categorical.from_codes(codes, categories=levels)
