"""XGBoost's trees → the nodes of an ``XGBoost`` plan."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from agbento.compiler.errors import NotNative
from agbento.compiler.frontends.context import Context
from agbento.compiler.frontends.xgboost_features import CodeFeature, Feature, NumberFeature
from agbento.compiler.plan.xgboost import Code, Input, Number, OneHot, Transform, XGBoost

_GREATEST = 2**31 - 1
_LEFT, _RIGHT, _CODE = -2, -3, -4  # of a column's places, beside its levels' codes

# A node of the layout: number, place, its two children in the booster's tree (none of a leaf), whether number is a set.
_Node = tuple[int, int, tuple[int, ...], bool]


class Layout:
    """Lays out trees one after another, each by levels; places are given as features turn out to be used."""

    def __init__(self, features: list[Feature]) -> None:
        self._features = features
        self._places: dict[tuple[int, int], int] = {}
        self._numbers: list[int] = []
        self._steps: list[int] = []
        self._at: list[int] = []
        self._by_set: list[bool] = []
        self._trees: list[tuple[int, int, int]] = []
        self._sets: list[int] = []
        self._known_sets: dict[bytes, int] = {}

    def add(self, tree: dict[str, Any], output: int) -> None:
        """Add a tree of XGBoost's JSON, whose leaves go to ``output``.

        Raises:
            NotNative: leaves of several numbers, or a threshold that is none.
        """
        if int(tree["tree_param"]["size_leaf_vector"]) > 1:
            raise NotNative("XGBoost with several numbers a leaf")
        first, level, levels = len(self._numbers), [0], 0
        values = np.array(tree["split_conditions"], np.float32)
        categories = _categories(tree)
        count = 1
        while level:
            below: list[int] = []
            for node in level:
                number, place, children, by_set = self._node(tree, node, values, categories)
                self._steps.append(count - (len(self._numbers) - first) if children else 0)
                self._numbers.append(number)
                self._at.append(place)
                self._by_set.append(by_set)
                below += children
                count += len(children)
            levels += bool(below)
            level = below
        self._trees.append((first, output, levels))

    def _node(
        self, tree: dict[str, Any], node: int, values: npt.NDArray[np.float32], categories: dict[int, list[int]]
    ) -> _Node:
        left, right = tree["left_children"][node], tree["right_children"][node]
        value, missing_left = values[node], bool(tree["default_left"][node])
        if left < 0:
            # + 0: the bits of -0.0 are the least int32, at which the walk would not stay.
            return int((value + np.float32(0)).view(np.int32)), 0, (), False
        index = tree["split_indices"][node]
        feature = self._features[index]
        if node in categories:
            if not isinstance(feature, CodeFeature):
                raise NotNative("XGBoost with a category where a number is expected")
            start = self._set(categories[node], int(feature.table.max()) + 1, missing_left)
            return start, self._place(feature.column, _CODE), (left, right), True
        if not np.isfinite(value) or isinstance(feature, CodeFeature):
            raise NotNative(f"XGBoost with the threshold {value}")
        if isinstance(feature, NumberFeature):
            place = self._place(feature.column, _LEFT if missing_left else _RIGHT)
            return int(_ordered(value)), place, (left, right), False
        missing, other = (left, right) if missing_left else (right, left)
        met = left if np.float32(1) < value else right
        # 1 or 0 in the place; where the level goes with the missing ones, nothing is greater than the number.
        number = 1 if met == other else _GREATEST
        return number, self._place(feature.column, feature.code), (missing, other), False

    def _place(self, column: int, which: int) -> int:
        return self._places.setdefault((column, which), len(self._places) + 1)

    def _set(self, chosen: list[int], codes: int, missing_left: bool) -> int:
        """Give where the set begins that holds what goes right: 0 is missing, code c is bit c + 1."""
        bits = np.zeros(-(-(codes + 1) // 32) * 32, np.uint8)
        bits[[code + 1 for code in chosen if code + 1 < len(bits)]] = 1
        bits[0] = not missing_left
        words = np.packbits(bits, bitorder="little").view("<i4")
        known = self._known_sets.setdefault(words.tobytes(), len(self._sets))
        if known == len(self._sets):
            self._sets += words.tolist()
        return known

    def plan(self, context: Context, base: tuple[float, ...], transform: Transform, zero_is_missing: bool) -> XGBoost:
        """Give the plan of all trees, over the columns that they read.

        Raises:
            NotNative: trees too wide for so many places.
        """
        arrays, name = context.arrays, context.name
        columns = sorted({column for column, _ in self._places})
        shift = len(self._places).bit_length()
        steps = np.array(self._steps, np.int64)
        if steps.max(initial=0) >= 1 << (31 - shift):
            raise NotNative("XGBoost with trees too large")
        packed = steps << shift | np.array(self._at, np.int64)
        packed[np.array(self._by_set, bool)] -= 2**31
        nodes = np.stack([np.array(self._numbers, np.int32), packed.astype(np.int32)], axis=1)
        return XGBoost(
            columns=context.slots(columns),
            inputs=tuple(self._input(column, context) for column in columns),
            places=len(self._places) + 1,
            shift=shift,
            zero_is_missing=zero_is_missing,
            nodes=arrays.put(f"{name}.nodes", nodes),
            sets=arrays.put(f"{name}.sets", np.array(self._sets, np.int32)),
            trees=arrays.put(f"{name}.trees", np.array(self._trees, np.int32).reshape(-1, 3)),
            base=base,
            transform=transform,
        )

    def _input(self, column: int, context: Context) -> Input:
        own = {which: place for (at, which), place in self._places.items() if at == column}
        if own.keys() <= {_LEFT, _RIGHT}:
            return Number(own.get(_LEFT, 0), own.get(_RIGHT, 0))
        table = next(f.table for f in self._features if f.column == column and not isinstance(f, NumberFeature))
        if _CODE in own:
            codes = context.arrays.put(f"{context.name}.codes", (table + 1).astype(np.int32))
            return Code(own[_CODE], codes)
        places = np.array([own.get(code, 0) for code in table.tolist()], np.int32)
        return OneHot(context.arrays.put(f"{context.name}.places", places))


def _categories(tree: dict[str, Any]) -> dict[int, list[int]]:
    """Give the codes that go right, by node: XGBoost stores a set for each split by category."""
    starts, sizes = tree["categories_segments"], tree["categories_sizes"]
    sets = [tree["categories"][start : start + size] for start, size in zip(starts, sizes, strict=True)]
    found = dict(zip(tree["categories_nodes"], sets, strict=True))
    if set(found) != {node for node, kind in enumerate(tree["split_type"]) if kind}:
        raise NotNative("XGBoost with splits by category that have no set")
    return found


def _ordered(value: np.float32) -> int:
    """Give an int32 of the same order as float32, for a value that is no NaN."""
    bits = int(value.view(np.int32))
    return bits ^ _GREATEST if bits < 0 else bits
