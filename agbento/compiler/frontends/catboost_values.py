"""The values that CatBoost's splits test, from its JSON: numbers, exact levels, and statistics of combinations."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from agbento.compiler.arrays import Array
from agbento.compiler.errors import NotNative
from agbento.compiler.frontends.catboost_categories import Hashes
from agbento.compiler.frontends.catboost_groups import Element, Group, Lines, Test, group_of, joined
from agbento.compiler.frontends.catboost_hashes import weights
from agbento.compiler.frontends.catboost_statistics import statistics

_FILLS = {"AsIs": np.nan, "AsFalse": -np.inf, "AsTrue": np.inf}


class Values:
    """All values of a model: its numbers, then each group's."""

    def __init__(self, described: dict[str, Any], levels: dict[int, Hashes]) -> None:
        """Read the features; ``levels`` has CatBoost's numbers of a column's levels.

        Raises:
            NotNative: a feature of a form that is not known here.
        """
        info = described["features_info"]
        self._levels = levels
        self._floats = [feature for feature in info.get("float_features") or () if feature["borders"]]
        self._numbers = {feature["feature_index"]: i for i, feature in enumerate(self._floats)}
        self._columns = {
            cat["feature_index"]: cat["flat_feature_index"] for cat in info.get("categorical_features") or ()
        }
        self._groups: list[Group] = []
        # What a split says of itself and the value and border by which it is tested, by the number that JSON gives it.
        self._splits: list[tuple[dict[str, Any], int, float]] = []
        for feature in self._floats:
            index = feature["feature_index"]
            told = [
                {"split_type": "FloatFeature", "float_feature_index": index, "border": b} for b in feature["borders"]
            ]
            self._splits += [(said, self._numbers[index], said["border"]) for said in told]
        value = self._add_exact(info.get("categorical_features") or (), len(self._floats))
        self._add_statistics(described, value)

    def split(self, said: dict[str, Any]) -> tuple[int, float]:
        """Give the value that a split tests and the border that it has to be above.

        Raises:
            NotNative: the split is not what its number says.
        """
        index = said["split_index"]
        known, value, border = self._splits[index] if index < len(self._splits) else ({}, 0, 0.0)
        if {**known, "split_index": index} != said:
            raise NotNative(f"a CatBoost split that is not what its number says: {said}")
        return value, border

    def parts(self) -> dict[str, Array]:
        """Give the parts of the program that say how a row becomes values."""
        columns: Array = np.array([feature["flat_feature_index"] for feature in self._floats], np.int32)
        # CatBoost substitutes only where training had missing values; otherwise NaN is above no border.
        fills = [_FILLS[feature["nan_value_treatment"]] if feature["has_nans"] else np.nan for feature in self._floats]
        return {"columns": columns, "fills": np.array(fills, np.float32), **joined(self._groups)}

    def _add_exact(self, categories: Any, value: int) -> int:
        """Add a group for each category whose levels are tested for being one; gives the next value."""
        for cat in categories:
            wanted = cat.get("values") or []
            for number in wanted:
                said = {"split_type": "OneHotFeature", "cat_feature_index": cat["feature_index"], "value": number}
                self._splits.append((said, value, 0.5))
                value += 1
            if wanted:
                lines = _is_one_of(self._levels[cat["flat_feature_index"]], wanted)
                self._groups.append(group_of([self._category(cat["feature_index"])], [], lines))
        return value

    def _add_statistics(self, described: dict[str, Any], value: int) -> None:
        """Add a group for each combination that statistics are kept of."""
        features = described["features_info"].get("ctrs") or ()
        values: dict[int, int] = {}
        groups: dict[str, list[int]] = {}
        for i, feature in enumerate(features):
            groups.setdefault(json.dumps(feature["elements"]), []).append(i)
        for members in groups.values():
            for i in members:
                values[i] = value
                value += 1
            elements, tests = self._combination(features[members[0]]["elements"])
            lines = statistics([features[i] for i in members], described)
            self._groups.append(group_of(elements, tests, lines))
        for i, feature in enumerate(features):
            for bin_, border in enumerate(feature["borders"]):
                target = feature["target_border_idx"]
                said = {"split_type": "OnlineCtr", "ctr_target_border_idx": target, "border": border}
                self._splits.append((said, values[i], bin_ + 0.5))

    def _combination(self, told: list[dict[str, Any]]) -> tuple[list[Element], list[Test]]:
        """Read a combination: CatBoost hashes categories, then tests of numbers, then of exact levels."""
        order = ["cat_feature_value", "float_feature", "cat_feature_exact_value"]
        kinds = [element["combination_element"] for element in told]
        if not {*kinds} <= {*order} or kinds != sorted(kinds, key=order.index):
            raise NotNative(f"CatBoost with a combination of {kinds}")
        elements, tests = [], []
        for place, element in enumerate(told):
            if element["combination_element"] == "float_feature":
                tests.append(Test(place, self._numbers[element["float_feature_index"]], element["border"]))
            elif element["combination_element"] == "cat_feature_value":
                elements.append(self._category(element["cat_feature_index"], place))
            else:
                column = self._columns[element["cat_feature_index"]]
                elements.append(Element(place, column, (self._levels[column] == element["value"]).astype(np.int64)))
        return elements, tests

    def _category(self, index: int, place: int = 0) -> Element:
        column = self._columns[index]
        return Element(place, column, self._levels[column])


def _is_one_of(numbers: Hashes, wanted: list[int]) -> Lines:
    """Give, by the hash of a level on its own, for each of ``wanted`` whether it is that."""
    found = np.unique(numbers)
    exact = (found[:, None] == np.array(wanted)).astype(np.uint8)
    return Lines(found * np.array(weights(1)), exact, np.zeros(len(wanted), np.uint8))
