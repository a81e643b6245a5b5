"""LightGBM's text format, version 4: what its trees are, and what becomes of their sums.

Written by ``GBDT::SaveModelToString`` (src/boosting/gbdt_model_text.cpp) and ``Tree::ToString`` (src/io/tree.cpp).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from agbento.compiler.plan.lightgbm import Transform

# By the objective's name: what ConvertOutput does (src/objective/*.hpp).
_TRANSFORMS: dict[str, Transform] = {
    **dict.fromkeys(("regression", "regression_l1", "huber", "fair", "quantile", "mape"), "identity"),
    **dict.fromkeys(("poisson", "gamma", "tweedie"), "exp"),
    **dict.fromkeys(("binary", "multiclassova", "cross_entropy"), "sigmoid"),
    "multiclass": "softmax",
}


class Unusual(Exception):
    """Something that LightGBM's own library does and ours does not; says what."""


@dataclass(frozen=True)
class Tree:
    """One tree; children that are negative are leaves: ~child. ``decisions`` are LightGBM's decision types.

    ``bounds`` and ``words`` are the sets of categories: the set of category split i is words[bounds[i]:bounds[i + 1]].
    """

    columns: npt.NDArray[np.int32]
    thresholds: npt.NDArray[np.float64]
    decisions: npt.NDArray[np.int32]
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    leaves: npt.NDArray[np.float64]
    bounds: npt.NDArray[np.int32]
    words: npt.NDArray[np.uint32]


@dataclass(frozen=True)
class Text:
    """A booster's text and its header."""

    text: str
    columns: int
    outputs: int
    objective: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Text:
        """Read the header."""
        head = text.split("\nTree=", 1)[0]
        columns, outputs = int(_word(head, "max_feature_idx", "-1")) + 1, int(_word(head, "num_class", "1"))
        return cls(text, columns, outputs, tuple(_line(head, "objective").split()))

    def transform(self) -> tuple[Transform, float]:
        """Give what becomes of the sums, and the sigmoid's scale; raises Unusual."""
        name, *options = self.objective
        head = self.text.split("\nTree=", 1)[0]
        told = dict(option.split(":", 1) for option in options if ":" in option)
        known = _TRANSFORMS.get(name)
        if known is None or "average_output" in head.splitlines():
            raise Unusual(f"objective {' '.join(self.objective)}")
        if set(options) - {f"{key}:{value}" for key, value in told.items()} - {"sqrt"} or set(told) - {
            "sigmoid",
            "num_class",
        }:
            raise Unusual(f"objective {' '.join(self.objective)}")
        if "sqrt" in options:
            known = "square"
        return known, float(told.get("sigmoid", 1.0))

    def trees(self) -> list[Tree]:
        """Read the trees; raises Unusual."""
        blocks = self.text.split("\nend of trees", 1)[0].split("\nTree=")[1:]
        return [_tree(block) for block in blocks]


def _tree(block: str) -> Tree:
    if _word(block, "is_linear", "0") != "0":
        raise Unusual("linear trees")

    def numbers(key: str, dtype: Any) -> Any:
        return np.array(_line(block, key).split(), dtype=dtype)

    return Tree(
        numbers("split_feature", np.int32),
        numbers("threshold", np.float64),
        numbers("decision_type", np.int32),
        numbers("left_child", np.int32),
        numbers("right_child", np.int32),
        numbers("leaf_value", np.float64),
        numbers("cat_boundaries", np.int32),
        numbers("cat_threshold", np.uint32),
    )


def _line(text: str, key: str) -> str:
    found = re.search(rf"^{key}=(.*)$", text, re.MULTILINE)
    return found[1] if found else ""


def _word(text: str, key: str, default: str) -> str:
    return _line(text, key).strip() or default
