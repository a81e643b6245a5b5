"""What of a compiled predictor is native, what is not and why, and how large it is."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any, Final

from agbento.compiler.arrays import Arrays
from agbento.compiler.plan.ensembles import Foreign
from agbento.compiler.plan.lightgbm import LightGBM
from agbento.compiler.plan.plan import ForeignFeatures, Model, Plan
from agbento.text import size_text

_HEAD: Final = ("model", "family", "children", "native", "columns", "trees", "nodes", "size")


@dataclass(frozen=True)
class ReportedModel:
    """One model. ``columns`` are those that its children read; what is not known is None, and ``bytes`` are of arrays.

    ``why`` says why a part of it is not native, or runs in its vendor's library; "" where there is nothing to say.
    """

    name: str
    family: str
    children: int
    native: bool
    columns: int
    trees: int | None
    nodes: int | None
    bytes: int | None
    why: str


@dataclass(frozen=True)
class Report:
    """A compiled predictor, told to a person; ``bytes`` are those of all arrays.

    ``inputs`` are counts of the plan's inputs by kind; there are none where the features are not native, and
    ``features_why`` says why.
    """

    label: str
    problem: str
    native: bool
    models: tuple[ReportedModel, ...]
    columns: int
    slots: int
    inputs: tuple[tuple[str, int], ...]
    features_why: str
    bytes: int

    def to_json(self) -> dict[str, Any]:
        """Give the report as an object that JSON can hold."""
        return asdict(self) | {"models": [asdict(model) for model in self.models], "inputs": dict(self.inputs)}

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.inputs)
        features = f"not native: {self.features_why}" if self.features_why else kinds
        return "\n".join(
            [
                self.summary,
                "",
                *_table([_HEAD, *map(_line, self.models)]),
                "",
                f"features: {self.columns} columns -> {self.slots} slots: {features}",
                *(f"{model.name}: {model.why}" for model in self.models if model.why),
            ]
        )

    @property
    def summary(self) -> str:
        """One line."""
        foreign = sum(not model.native for model in self.models)
        kind = "native" if self.native else "partly native"
        what = [f"{foreign} of {len(self.models)} models"] if foreign else []
        what += ["the features"] if self.features_why else []
        rest = f"; through AutoGluon: {' and '.join(what)}" if what else ""
        return f"{kind}: {self.problem} of {self.label!r}, {len(self.models)} models, {size_text(self.bytes)}{rest}"


def report(plan: Plan, arrays: Arrays) -> Report:
    """Tell what ``plan`` is made of."""
    features, inputs, why = plan.features, Counter[str](), ""
    if isinstance(features, ForeignFeatures):
        columns, why = len(features.names), features.why
    else:
        columns, inputs = len(features.required), Counter(one.kind for one in features.inputs)
    return Report(
        label=plan.answer.label,
        problem=plan.answer.problem,
        native=plan.is_native,
        models=tuple(_model(model, arrays) for model in plan.models),
        columns=columns,
        slots=len(features.slots),
        inputs=tuple(inputs.most_common()),
        features_why=why,
        bytes=arrays.nbytes,
    )


def _model(model: Model, arrays: Arrays) -> ReportedModel:
    leaves = [child.leaf for child in model.children]
    foreign = [leaf for leaf in leaves if isinstance(leaf, Foreign)]
    families = dict.fromkeys(leaf.family if isinstance(leaf, Foreign) else leaf.kind for leaf in leaves)
    trees, nodes = zip(*(_size(leaf, arrays) for leaf in leaves), strict=True)
    names = {name for leaf in leaves for name in _names(leaf, arrays)}
    whys = [leaf.why for leaf in leaves if isinstance(leaf, (Foreign, LightGBM)) and leaf.why]
    return ReportedModel(
        name=model.name,
        family=", ".join(families),
        children=len(leaves),
        native=not foreign,
        columns=len({column for leaf in leaves for column in leaf.columns}),
        trees=_sum(trees),
        nodes=_sum(nodes),
        bytes=None if foreign else sum(arrays.get(name).nbytes for name in names),
        why="; ".join(dict.fromkeys(whys)),
    )


def _size(leaf: Any, arrays: Arrays) -> tuple[int | None, int | None]:
    """Give the numbers of trees and of nodes, where the family has any and its arrays tell."""
    match leaf.kind:
        case "lightgbm" if leaf.trees:
            trees, nodes = ([arrays.get(getattr(one, key)) for one in leaf.trees] for key in ("trees", "nodes"))
            return sum(map(len, trees)), sum(map(len, nodes))
        case "xgboost":
            return len(arrays.get(leaf.trees)), len(arrays.get(leaf.nodes))
        case "forest" | "quantile_forest":
            return len(arrays.get(leaf.trees.starts)), len(arrays.get(leaf.trees.nodes))
    return None, None


def _sum(counts: tuple[int | None, ...]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _names(part: Any, arrays: Arrays) -> set[str]:
    """Give the names of arrays in a leaf: any text of it that is the name of one."""
    found = set()
    for text in _texts(part):
        with contextlib.suppress(KeyError):
            arrays.get(text)
            found.add(text)
    return found


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, tuple):
        for one in part:
            yield from _texts(one)
    elif is_dataclass(part):
        for field in fields(part):
            yield from _texts(getattr(part, field.name))


def _line(model: ReportedModel) -> tuple[str, ...]:
    trees, nodes = ("" if count is None else f"{count:,}" for count in (model.trees, model.nodes))
    size = "" if model.bytes is None else size_text(model.bytes)
    native = "yes" if model.native else "no"
    return (model.name, model.family, str(model.children), native, str(model.columns), trees, nodes, size)


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Give rows of texts as lines, the first two columns to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
