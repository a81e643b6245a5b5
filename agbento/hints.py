"""What the models of a predictor remember of the numbers that they were trained on."""

from __future__ import annotations

import json
import math
import re
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autogluon.tabular import TabularPredictor

# A feature's part of `feature_infos` in LightGBM's text: the interval of a number, the codes of a category.
_RANGE = re.compile(r"\[(?P<low>[^:\]]+):(?P<high>[^:\]]+)\]")
_CATEGORICAL, _MISSING_SHIFT, _MISSING_NAN = 1, 2, 2  # decision_type, as include/LightGBM/tree.h packs it
_SAMPLED = 200_000  # rows; beyond so many LightGBM looks only at a sample of them (bin_construct_sample_cnt)


@dataclass(frozen=True)
class Hint:
    """The interval of a feature's training values, a value amid its thresholds, and whether there were nulls."""

    range: tuple[float, float] | None = None
    typical: float | None = None
    nulls: bool | None = None


@dataclass
class _Seen:
    """What the models tell of one feature, gathered."""

    ranges: list[tuple[float, float]] = field(default_factory=list)
    thresholds: list[float] = field(default_factory=list)
    nulls: list[bool] = field(default_factory=list)

    def hint(self) -> Hint:
        low = min((low for low, _ in self.ranges), default=-math.inf)
        high = max((high for _, high in self.ranges), default=math.inf)
        return Hint(
            (low, high) if self.ranges else None,
            # Four digits: it is shown to people.
            float(f"{statistics.median_low(self.thresholds):.4g}") if self.thresholds else None,
            any(self.nulls) if self.nulls else None,
        )


def hints(predictor: TabularPredictor) -> dict[str, Hint]:
    """Ask the LightGBM and CatBoost models that the predictor's best one needs; no other family keeps any of it."""
    seen: dict[str, _Seen] = {}
    trainer = predictor._trainer
    for name in trainer.get_minimum_model_set(predictor.model_best):
        for model in _parts(trainer.load_model(name)):
            native: Any = getattr(model, "model", None)
            if hasattr(native, "model_to_string"):
                _ask_lightgbm(native.model_to_string(), list(model.features), seen)
            elif type(native).__module__.startswith("catboost"):
                _ask_catboost(native, seen)
    return {name: one.hint() for name, one in seen.items()}


def _parts(model: Any) -> Iterator[Any]:
    """Give the model, or the models of its folds."""
    children = getattr(model, "models", None)
    if not hasattr(model, "load_child") or not children:
        yield model
        return
    for child in children:
        yield model.load_child(child)


def _ask_lightgbm(text: str, features: list[str], seen: dict[str, _Seen]) -> None:
    """Read LightGBM's text model (format v4): ``feature_infos`` of its head, and the splits of its trees."""
    infos = _listed(text, "feature_infos")
    for feature, info in zip(features, infos, strict=False):
        if match := _RANGE.fullmatch(info):
            low, high = float(match["low"]), float(match["high"])
            if math.isfinite(low) and math.isfinite(high):
                seen.setdefault(feature, _Seen()).ranges.append((low, high))
    sampled = sum(map(int, _listed(text, "leaf_count"))) > _SAMPLED or "\n[bagging_fraction: 1]" not in text
    for tree in text.split("\nTree=")[1:]:
        splits = zip(*(_listed(tree, key) for key in ("split_feature", "threshold", "decision_type")), strict=False)
        for index, threshold, decision in splits:
            kind = int(decision)
            if kind & _CATEGORICAL:
                continue
            one = seen.setdefault(features[int(index)], _Seen())
            if math.isfinite(float(threshold)):
                one.thresholds.append(float(threshold))
            had_nan = kind >> _MISSING_SHIFT == _MISSING_NAN
            if had_nan or not sampled:
                one.nulls.append(had_nan)


def _listed(text: str, key: str) -> list[str]:
    found = re.search(rf"^{key}=(.*)$", text, re.MULTILINE)
    return found[1].split() if found else []


def _ask_catboost(model: Any, seen: dict[str, _Seen]) -> None:
    """Read ``features_info`` of CatBoost's JSON model."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.json"
        model.save_model(str(file), format="json")
        info = json.loads(file.read_text("utf-8"))["features_info"]
    for feature in info.get("float_features", ()):
        one = seen.setdefault(model.feature_names_[feature["flat_feature_index"]], _Seen())
        one.thresholds.extend(border for border in feature.get("borders") or () if math.isfinite(border))
        one.nulls.append(bool(feature["has_nans"]))
