"""CatBoost's statistics of combinations ("ctrs") → which of its borders each is above.

catboost/libs/model: static_ctr_provider.cpp says what is counted, online_ctr.h how a count becomes a value, in float32.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from agbento.compiler.arrays import Array
from agbento.compiler.errors import NotNative
from agbento.compiler.frontends.catboost_groups import Keys, Lines

_Singles = npt.NDArray[np.float32]
_FREE = (1 << 64) - 1  # stands for a free place in CatBoost's own tables
_MEANS = ("BinarizedTargetMeanValue", "FloatTargetMeanValue")
_COUNTS = ("Counter", "FeatureFreq")


@dataclass(frozen=True)
class _Table:
    """What was counted of one combination, by its hash: float32 of shape (n, counts)."""

    hashes: Keys
    counts: _Singles
    whole: npt.NDArray[np.int64]
    denominator: int


def statistics(features: list[dict[str, Any]], described: dict[str, Any]) -> Lines:
    """Give the bins of statistics of one combination, for every hash that any of them knows.

    Raises:
        NotNative: the JSON leaves open which statistic is meant.
    """
    _check_unambiguous(described)
    tables = [_table(described, feature["identifier"]) for feature in features]
    hashes = np.unique(np.concatenate([table.hashes for table in tables]))
    bins, defaults = np.empty((len(hashes), len(features)), np.uint8), np.empty(len(features), np.uint8)
    for i, (feature, table) in enumerate(zip(features, tables, strict=True)):
        good, total = _fractions(feature, table)
        unknown = np.array([0], np.float32), np.array([_unknown_total(feature, table)], np.float32)
        defaults[i] = _binned(feature, *unknown)[0]
        bins[:, i] = defaults[i]
        bins[np.searchsorted(hashes, table.hashes), i] = _binned(feature, good, total)
    return Lines(hashes, bins, defaults)


def _table(described: dict[str, Any], identifier: str) -> _Table:
    told = (described.get("ctr_data") or {}).get(identifier)
    if told is None:
        raise NotNative(f"CatBoost without the statistics of {identifier}")
    stride, flat = told["hash_stride"], told["hash_map"]
    found: npt.NDArray[np.uint64] = np.array([int(text) for text in flat[::stride]], np.uint64)
    kept = found != _FREE
    columns = [np.array(flat[i::stride])[kept] for i in range(1, stride)]
    counts = np.stack([column.astype(np.float32) for column in columns], axis=1)
    whole = np.stack([column.astype(np.int64) for column in columns], axis=1)
    return _Table(found[kept].view(np.int64), counts, whole, told["counter_denominator"])


def _fractions(feature: dict[str, Any], table: _Table) -> tuple[_Singles, _Singles]:
    """Give what a statistic divides by what, before its prior."""
    kind, target, classes = feature["ctr_type"], feature["target_border_idx"], table.whole.shape[1]
    if kind in _MEANS and classes == 2:
        return table.counts[:, 0], table.counts[:, 1]
    if kind in _COUNTS and classes == 1:
        return table.counts[:, 0], np.full(len(table.counts), table.denominator, np.float32)
    if kind == "Buckets" and target < classes:
        return table.counts[:, target], table.whole.sum(axis=1).astype(np.float32)
    if kind == "Borders" and target + 1 < classes:
        good = table.whole[:, target + 1 :].sum(axis=1)
        return good.astype(np.float32), table.whole.sum(axis=1).astype(np.float32)
    raise NotNative(f"CatBoost with {kind} of {classes} counts, target {target}")


def _unknown_total(feature: dict[str, Any], table: _Table) -> int:
    return table.denominator if feature["ctr_type"] in _COUNTS else 0


def _binned(feature: dict[str, Any], good: _Singles, total: _Singles) -> Array:
    """Give how many of the borders a statistic is above; NaN is above none."""
    prior, divisor, shift, scale = (
        np.float32(feature[name]) for name in ("prior_numerator", "prior_denomerator", "shift", "scale")
    )
    borders = np.array(feature["borders"], np.float32)
    if len(borders) > np.iinfo(np.uint8).max:
        raise NotNative(f"CatBoost with {len(borders)} borders of a statistic")
    with np.errstate(divide="ignore", invalid="ignore"):
        values = ((good + prior) / (total + divisor) + shift) * scale
    return np.where(np.isnan(values), 0, np.searchsorted(borders, values, side="left"))


def _check_unambiguous(described: dict[str, Any]) -> None:
    """Refuse statistics of one kind for several ways to cut the target: the JSON keeps only one of their tables."""
    told = described["model_info"].get("params", {}).get("cat_feature_params")
    if told is None:
        raise NotNative("CatBoost that does not say how its statistics were made")
    for kinds in _lists(told):
        cuts: dict[str, str] = {}
        for kind in kinds:
            cut = json.dumps(kind.get("target_binarization"), sort_keys=True)
            if cuts.setdefault(kind["ctr_type"], cut) != cut:
                raise NotNative(f"CatBoost with {kind['ctr_type']} of the target cut in several ways")


def _lists(told: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    yield told.get("simple_ctrs") or []
    yield told.get("combinations_ctrs") or []
    yield from (told.get("per_feature_ctrs") or {}).values()
