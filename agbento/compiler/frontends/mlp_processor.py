"""The scikit-learn transformer before AutoGluon's own network → the steps of a plan's inputs."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from agbento.compiler.errors import NotNative
from agbento.compiler.frontends.context import Context
from agbento.compiler.frontends.mlp_encoders import one_hot_places, one_hot_width, ordinal_rows
from agbento.compiler.plan.mlp_inputs import Copied, OneHot, Ranked, Scaled, Step
from agbento.compiler.plan.slots import Slot

_NUMBERS = frozenset(
    ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64"]
)
_STRATEGIES = ("median", "mean", "most_frequent")


class Processor:
    """Makes the step of each feature; ``at`` is set by the caller, who knows the inputs' order.

    ``columns[name]`` is a feature's position among the leaf's columns.
    """

    def __init__(self, transformer: Any, columns: dict[str, int], slots: dict[str, Slot], context: Context) -> None:
        self.widths: dict[str, int] = {}
        self._columns, self._slots, self._context = columns, slots, context
        self._of: dict[str, tuple[str, Any, int, bool]] = {}
        self._quantiles: list[npt.NDArray[np.float64]] = []
        self._references: list[npt.NDArray[np.float64]] = []
        for name, part, features in transformer.transformers_:
            self._add(name, part, [_name(feature) for feature in features])

    def _add(self, name: str, part: Any, features: list[str]) -> None:
        if not features:
            return
        steps = _check(name, part)
        if name not in ("onehot", "ordinal"):
            for feature in features:
                if self._slots[feature].dtype not in _NUMBERS:
                    raise NotNative(f"{feature}: a number of {self._slots[feature].dtype}")
        single = np.result_type(*(np.dtype(_dtype(self._slots[feature])) for feature in features)) == np.float32
        for index, feature in enumerate(features):
            self._of[feature] = (name, steps, index, bool(single))
            self.widths[feature] = one_hot_width(steps["onehot"], index) if name == "onehot" else 1

    @property
    def features(self) -> list[str]:
        """All features, in the order of the transformer's output."""
        return list(self._of)

    def step(self, feature: str, at: int) -> Step:
        """Give the step of a feature that is no embedding."""
        name, steps, index, single = self._of[feature]
        column, slot = self._columns[feature], self._slots[feature]
        if name == "onehot":
            places, numbers = one_hot_places(steps["onehot"], index, slot)
            kept = self._context.arrays.put(f"{self._context.name}.places", places)
            return OneHot(column, at, self.widths[feature], kept, numbers)
        if name == "continuous":
            center, scale = _constants(steps["scaler"], index, single)
            return Scaled(column, at, _fill(steps["imputer"], index, single), center, scale, single, finite=True)
        if name == "skewed":
            transformer = steps["quantile"]
            self._quantiles.append(np.asarray(transformer.quantiles_[:, index], np.float64))
            self._references.append(np.asarray(transformer.references_, np.float64))
            return Ranked(column, at, len(self._quantiles) - 1, _fill(steps["imputer"], index, single), single)
        if name != "remainder":
            raise NotNative(f"{feature}: {name} among the numbers")
        return Copied(column, at)

    def rows(self, feature: str) -> npt.NDArray[np.int32]:
        """Give the embedding's row of each level, from position -1 on."""
        name, steps, index, _ = self._of[feature]
        if name != "ordinal":
            raise NotNative(f"{feature}: {name} as an embedding")
        return ordinal_rows(steps["ordinal"], index, self._slots[feature])

    def quantiles(self) -> tuple[str, str]:
        """Put the quantiles (columns, quantiles) and their ranks into arrays; gives the names, "" where there are none.

        Raises:
            NotNative: they are none that numbers can be ranked among.
        """
        if not self._quantiles:
            return "", ""
        quantiles = np.stack(self._quantiles)
        if quantiles.shape[1] < 2 or not np.isfinite(quantiles).all():
            raise NotNative("a quantile transformer of a single quantile, or of an infinite one")
        put = self._context.arrays.put
        name = self._context.name
        return put(f"{name}.quantiles", quantiles), put(f"{name}.references", self._references[0])


def _name(feature: Any) -> str:
    if not isinstance(feature, str):
        raise NotNative(f"a feature named {feature!r}")
    return feature


def _dtype(slot: Slot) -> str:
    return "int8" if slot.is_category else slot.dtype


def _check(name: str, part: Any) -> dict[str, Any]:
    """Give the parts of one of the transformer's pipelines by their names, if they are as AutoGluon makes them."""
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import QuantileTransformer, StandardScaler

    if name == "remainder":
        if part != "passthrough" and getattr(part, "func", "") is not None:
            raise NotNative(f"a transformer's remainder of {part}")
        return {}
    steps = dict(part.steps)
    kinds = {key: type(step).__name__ for key, step in steps.items()}
    expected = {
        "continuous": {"imputer": SimpleImputer.__name__, "scaler": StandardScaler.__name__},
        "skewed": {"imputer": SimpleImputer.__name__, "quantile": QuantileTransformer.__name__},
        "onehot": {"onehot": "OneHotMergeRaresHandleUnknownEncoder"},
        "ordinal": {"ordinal": "OrdinalMergeRaresHandleUnknownEncoder"},
    }
    if expected.get(name) != kinds:
        raise NotNative(f"a transformer {name} of {kinds}")
    imputer, scaler, ranker = (steps.get(key) for key in ("imputer", "scaler", "quantile"))
    if imputer is not None and (
        imputer.strategy not in _STRATEGIES or imputer.add_indicator or not np.isnan(imputer.missing_values)
    ):
        raise NotNative(f"missing numbers by {imputer}")
    if scaler is not None and not (scaler.with_mean and scaler.with_std):
        raise NotNative(f"numbers scaled by {scaler}")
    if ranker is not None and ranker.output_distribution != "normal":
        raise NotNative(f"numbers ranked by {ranker}")
    return steps


def _fill(imputer: Any, index: int, single: bool) -> float:
    fill = float(imputer.statistics_[index])
    if not np.isfinite(fill):
        raise NotNative(f"missing numbers become {fill}")
    return float(np.float32(fill)) if single else fill


def _constants(scaler: Any, index: int, single: bool) -> tuple[float, float]:
    """Give center and scale as they are used."""
    center, scale = float(scaler.mean_[index]), float(scaler.scale_[index])
    return rounded(center, scale) if single else (center, scale)


def rounded(center: float, scale: float) -> tuple[float, float]:
    """Give a StandardScaler's constants as it uses them for float32: some versions make them float32 before."""
    return (float(np.float32(center)), float(np.float32(scale))) if _scaler_rounds() else (center, scale)


@lru_cache
def _scaler_rounds() -> bool:
    """Ask scikit-learn itself: a center a little above 1 is 1 in float32."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(np.ones((1, 1)))
    scaler.mean_, scaler.scale_ = np.array([1 + 2.0**-30]), np.array([1.0])
    return bool(scaler.transform(np.ones((1, 1), np.float32))[0, 0] == 0)
