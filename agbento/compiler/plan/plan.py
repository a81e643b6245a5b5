"""A predictor as plain data: what is read, what is computed, in what order, and what is answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from agbento.compiler.plan.catboost import CatBoost
from agbento.compiler.plan.ensembles import Foreign, Weighted
from agbento.compiler.plan.fastai_mlp import FastaiMlp
from agbento.compiler.plan.features import Features
from agbento.compiler.plan.forest import Forest, QuantileForest
from agbento.compiler.plan.lightgbm import LightGBM
from agbento.compiler.plan.slots import Level, Slot
from agbento.compiler.plan.torch_mlp import TorchMlp
from agbento.compiler.plan.xgboost import XGBoost

Leaf = Annotated[
    LightGBM | CatBoost | XGBoost | Forest | QuantileForest | TorchMlp | FastaiMlp | Weighted | Foreign,
    Field(discriminator="kind"),
]
Problem = Literal["regression", "binary", "multiclass", "quantile"]


@dataclass(frozen=True)
class ForeignFeatures:
    """Feature generators that run as AutoGluon's own objects, over a DataFrame of ``names``; ``why`` says why."""

    names: tuple[str, ...]
    slots: tuple[Slot, ...]
    why: str
    kind: Literal["foreign"] = "foreign"


@dataclass(frozen=True)
class Child:
    """One fitted model and what AutoGluon does with its numbers: normalize, make float32, calibrate."""

    leaf: Leaf
    normalize: bool = False
    temperature: float | None = None
    offsets: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Model:
    """One of the predictor's models: the mean of its children, in the slots from ``first`` on.

    ``temperature`` and ``offsets`` (of the quantile levels, conformal) are the bag's own, after the mean.
    """

    name: str
    children: tuple[Child, ...]
    bagged: bool
    first: int
    outputs: int
    temperature: float | None = None
    offsets: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Answer:
    """What becomes of the last model's numbers.

    ``problem`` is the caller's, ``internal`` the models': a multiclass label of which two classes were kept is trained
    as binary. ``classes`` are all, in the caller's order; ``kept[i]`` is the place among them of the models' class i;
    the others have probability 0. ``threshold`` is that of the positive class, compared in float64 where ``double``.
    """

    label: str
    problem: Problem
    internal: Problem
    classes: tuple[Level, ...] = ()
    kept: tuple[int, ...] = ()
    threshold: float = 0.5
    double: bool = False
    quantile_levels: tuple[float, ...] = ()


@dataclass(frozen=True)
class Plan:
    """A compiled predictor without its arrays. Models are in order of their dependency; the last one answers."""

    features: Annotated[Features | ForeignFeatures, Field(discriminator="kind")]
    models: tuple[Model, ...]
    answer: Answer

    @property
    def slots(self) -> int:
        """Number of columns of the matrix."""
        last = self.models[-1]
        return last.first + last.outputs

    @property
    def foreign(self) -> tuple[Foreign, ...]:
        """The models that run through AutoGluon."""
        leaves = (child.leaf for model in self.models for child in model.children)
        return tuple(leaf for leaf in leaves if isinstance(leaf, Foreign))

    @property
    def is_native(self) -> bool:
        """Whether nothing of it runs through AutoGluon."""
        return not self.foreign and not isinstance(self.features, ForeignFeatures)


_ADAPTER: TypeAdapter[Plan] = TypeAdapter(Plan)


def to_json(plan: Plan) -> bytes:
    """Give the plan as JSON."""
    # Not by pydantic: it writes null for infinity and NaN, which levels may be.
    return json.dumps(_ADAPTER.dump_python(plan), indent=1).encode()


def read_json(data: bytes) -> Plan:
    """Read what ``to_json`` gave; raises ValueError where it is no plan of this version."""
    return _ADAPTER.validate_json(data)
