"""AutoGluon's own neural network (NN_TORCH) → plan."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from agbento.compiler.errors import NotNative
from agbento.compiler.frontends.context import Context
from agbento.compiler.frontends.mlp_network import Layers, read_table
from agbento.compiler.frontends.mlp_processor import Processor
from agbento.compiler.plan.mlp_inputs import Embedded, Inputs, Step
from agbento.compiler.plan.mlp_network import Head
from agbento.compiler.plan.torch_mlp import TorchMlp

_ANSWERS: dict[str, Literal["all", "ordered", "first", "second"]] = {
    "regression": "first",
    "binary": "second",
    "multiclass": "all",
    "quantile": "ordered",
}


def read(model: Any, context: Context) -> TorchMlp:
    """Read a ``TabularNeuralNetTorchModel``: its scikit-learn transformer, embeddings, layers, and range of answers.

    Raises:
        NotNative: a transformer, module or option that AutoGluon 1.6 does not make itself.
    """
    if context.problem not in _ANSWERS or model.problem_type != context.problem:
        raise NotNative(f"a network of {model.problem_type} for {context.problem}")
    if type(model.processor).__name__ != "ColumnTransformer":
        raise NotNative(f"features transformed by {type(model.processor).__name__}")
    net = model.model
    used = [feature for feature in model.feature_arraycol_map if isinstance(feature, str)]
    positions = {slot.name: i for i, slot in enumerate(context.columns)}
    if len(used) != len(model.feature_arraycol_map) or not set(used) <= set(positions):
        raise NotNative("a network of other features than it is given")
    processor = Processor(
        model.processor,
        {feature: i for i, feature in enumerate(used)},
        {feature: context.columns[positions[feature]] for feature in used},
        context,
    )
    inputs = _inputs(model, net, processor, context)
    layers = Layers(inputs.width)
    layers.add(net.main_block)
    outputs = {"regression": 1, "binary": 2, "multiclass": context.classes, "quantile": len(context.levels)}
    return TorchMlp(
        columns=context.slots([positions[feature] for feature in used]),
        inputs=inputs,
        network=layers.network(outputs[context.problem], context),
        head=_head(net, context.problem),
        answers=_ANSWERS[context.problem],
    )


def _inputs(model: Any, net: Any, processor: Processor, context: Context) -> Inputs:
    """Put the features in the order that the network's first layer has: numbers, then embeddings."""
    kinds = model.feature_type_map
    if list(kinds) != processor.features or any(
        len(model.feature_arraycol_map[name]) != width for name, width in processor.widths.items()
    ):
        raise NotNative("a network whose features are not as its transformer gives them")
    steps: list[Step] = []
    at = 0
    for feature in (feature for feature, kind in kinds.items() if kind == "vector"):
        steps.append(processor.step(feature, at))
        at += processor.widths[feature]
    embedded = [feature for feature, kind in kinds.items() if kind == "embed"]
    blocks = list(net.embed_blocks) if net.has_embed_features else []
    if len(blocks) != len(embedded) or net.has_vector_features != bool(steps):
        raise NotNative(f"{len(blocks)} embeddings for {len(embedded)} features")
    tables, offset = [], 0
    for column, block in zip(embedded, blocks, strict=True):
        rows = processor.rows(column)
        table = read_table(block, int(rows.max()) + 1)
        kept = context.arrays.put(f"{context.name}.rows", rows)
        position = list(model.feature_arraycol_map).index(column)
        steps.append(Embedded(position, at, table.shape[1], offset, kept))
        tables.append(table.ravel())
        at, offset = at + table.shape[1], offset + table.size
    quantiles, references = processor.quantiles()
    return Inputs(
        width=at,
        steps=tuple(steps),
        tables=context.arrays.put(f"{context.name}.tables", np.concatenate(tables)) if tables else "",
        quantiles=quantiles,
        references=references,
    )


def _head(net: Any, problem: str) -> Head:
    """Give how the last layer's numbers become answers: probabilities, or numbers within the range seen in training."""
    if problem in ("binary", "multiclass"):
        return Head("softmax")
    if net.y_constraint is None:
        return Head("none")
    # Torch computes with the bounds in float32.
    lower, upper, span = (float(np.float32(number)) for number in (net.y_lower, net.y_upper, net.y_span))
    if net.y_constraint == "bounded":
        return Head("bounded", span, lower)
    if net.y_constraint == "nonnegative":
        return Head("above", lower)
    if net.y_constraint == "nonpositive":
        return Head("below", upper)
    raise NotNative(f"answers that are {net.y_constraint}")
