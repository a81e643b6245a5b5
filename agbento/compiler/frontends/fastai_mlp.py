"""AutoGluon's fastai network (FASTAI) → plan."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from agbento.compiler.errors import NotNative
from agbento.compiler.frontends.context import Context
from agbento.compiler.frontends.mlp_network import Layers, Norm, read_norm, read_table
from agbento.compiler.frontends.mlp_processor import rounded
from agbento.compiler.plan.fastai_mlp import Clip, FastaiMlp
from agbento.compiler.plan.mlp_inputs import Embedded, Inputs, Scaled, Step
from agbento.compiler.plan.mlp_network import Head
from agbento.compiler.plan.slots import Slot

_ANSWERS: dict[str, Literal["all", "isotonic", "first", "second"]] = {
    "regression": "first",
    "binary": "second",
    "multiclass": "all",
    "quantile": "isotonic",
}
# A learner's loss, and what that wraps: it tells what becomes of outputs when the learner predicts.
_LOSSES = {
    "regression": ("BaseLoss", "MSELoss"),
    "binary": ("CrossEntropyLossFlat", "CrossEntropyLoss"),
    "multiclass": ("CrossEntropyLossFlat", "CrossEntropyLoss"),
    "quantile": ("HuberPinballLoss", "HuberPinballLoss"),
}
_PROCS = {"Categorify", "Categorize", "RegressionSetup"}


def read(model: Any, context: Context) -> FastaiMlp:
    """Read an ``NNFastAiTabularModel``: means, embeddings, layers, and the scaler of what it predicts.

    Raises:
        NotNative: a module, scaler or option that AutoGluon 1.6 does not make itself.
    """
    if context.problem not in _ANSWERS or model.problem_type != context.problem:
        raise NotNative(f"a network of {model.problem_type} for {context.problem}")
    slots = {slot.name: slot for slot in context.columns}
    categories, numbers = list(model.cat_columns), list(model.cont_columns)
    _check(model.model, context.problem, categories, numbers)
    if not set(categories + numbers) <= set(slots):
        raise NotNative("a network of other features than it is given")
    net = model.model.model
    inputs, norm = _inputs(model, net, [slots[name] for name in categories], [slots[name] for name in numbers], context)
    layers = Layers(inputs.width, norm)
    layers.add(net.layers)
    outputs = {"regression": 1, "binary": 2, "multiclass": context.classes, "quantile": len(context.levels)}
    head, clip = _target(model, context)
    return FastaiMlp(
        columns=tuple(slots[name].index for name in categories + numbers),
        inputs=inputs,
        network=layers.network(outputs[context.problem], context),
        head=head,
        answers=_ANSWERS[context.problem],
        clip=clip,
    )


def _check(learner: Any, problem: str, categories: list[str], numbers: list[str]) -> None:
    if type(learner.model).__name__ != "TabularModel":
        raise NotNative(f"a fastai network of {type(learner.model).__name__}")
    loss = learner.loss_func
    if (type(loss).__name__, type(getattr(loss, "func", loss)).__name__) != _LOSSES[problem]:
        raise NotNative(f"a fastai network with the loss {loss}")
    found = {type(proc).__name__ for proc in learner.dls.procs}
    if not found <= _PROCS:
        raise NotNative(f"columns changed by {sorted(found - _PROCS)}")
    if list(learner.dls.cat_names) != categories or list(learner.dls.cont_names) != numbers:
        raise NotNative("a fastai network of other columns than AutoGluon tells of")


def _inputs(
    model: Any, net: Any, categories: list[Slot], numbers: list[Slot], context: Context
) -> tuple[Inputs, Norm | None]:
    """Give the inputs, embeddings first, and the norm of the numbers among them."""
    if len(net.embeds) != len(categories) or net.n_cont != len(numbers):
        raise NotNative(f"{len(net.embeds)} embeddings for {len(categories)} categories")
    steps: list[Step] = []
    tables, at, offset = [], 0, 0
    for column, (slot, block) in enumerate(zip(categories, net.embeds, strict=True)):
        if slot.levels is None:
            raise NotNative(f"{slot.name}: an embedding of what is no category")
        table = read_table(block, len(slot.levels) + 1)
        steps.append(Embedded(column, at, table.shape[1], offset))
        tables.append(table.ravel())
        at, offset = at + table.shape[1], offset + table.size
    steps += _scaled(model, numbers, len(categories), at) if numbers else []
    kept = context.arrays.put(f"{context.name}.tables", np.concatenate(tables)) if tables else ""
    inputs = Inputs(width=at + len(numbers), steps=tuple(steps), tables=kept)
    if not numbers or net.bn_cont is None:
        return inputs, None
    scale, shift = read_norm(net.bn_cont)
    ones, zeros = np.ones(at, np.float32), np.zeros(at, np.float32)
    return inputs, (np.concatenate([ones, scale]), np.concatenate([zeros, shift]))


def _scaled(model: Any, numbers: list[Slot], column: int, at: int) -> list[Step]:
    """Give the steps of numbers; AutoGluon computes them in float32 if all are float32 (or small whole numbers)."""
    dtypes = [np.dtype(slot.dtype) for slot in numbers]
    if any(dtype.kind not in "iuf" or dtype == np.float16 for dtype in dtypes):
        raise NotNative(f"numbers of {sorted({dtype.name for dtype in dtypes})}")
    centers, scales = model._cont_normalization
    kinds = {np.result_type(*dtypes), centers.dtype, scales.dtype}
    single = kinds == {np.dtype(np.float32)}
    if not single and np.result_type(*dtypes, centers) != np.float64:
        raise NotNative("numbers of float32 with means or deviations of both kinds")
    steps: list[Step] = []
    for i, slot in enumerate(numbers):
        fill = (model.columns_fills or {}).get(slot.name)
        if fill is not None and slot.dtype == "float32" and np.float32(fill) != fill:
            raise NotNative(f"{slot.name}: a missing number becomes one of another kind")
        steps.append(
            Scaled(
                column + i,
                at + i,
                None if fill is None or np.isnan(fill) else float(fill),
                float(centers[i]),
                float(scales[i]),
                single,
                finite=False,
            )
        )
    return steps


def _target(model: Any, context: Context) -> tuple[Head, Clip | None]:
    """Give how outputs become answers: probabilities, or numbers that are scaled back and clipped."""
    if context.problem in ("binary", "multiclass"):
        return Head("softmax"), None
    if context.problem == "quantile" and list(context.levels) != sorted(set(context.levels)):
        raise NotNative("quantile levels that do not rise")
    scaler, clip = model.y_scaler, None
    if type(scaler).__name__ == "Pipeline" and [name for name, _ in scaler.steps] == ["clipper", "scaler"]:
        clip = _clip(scaler.steps[0][1])
        scaler = scaler.steps[1][1]
    if scaler is None:
        return Head("none"), clip
    if type(scaler).__name__ == "StandardScaler" and scaler.with_mean and scaler.with_std:
        center, factor = rounded(float(scaler.mean_[0]), float(scaler.scale_[0]))
        return Head("linear", factor, center), clip
    if type(scaler).__name__ == "MinMaxScaler":
        return Head("shifted", float(scaler.scale_[0]), float(scaler.min_[0])), clip
    raise NotNative(f"answers scaled by {scaler}")


def _clip(clipper: Any) -> Clip:
    bounds = getattr(clipper.inverse_func, "keywords", {})
    if (
        clipper.validate
        or getattr(clipper.inverse_func, "func", None) is not np.clip
        or set(bounds) != {"a_min", "a_max"}
    ):
        raise NotNative(f"answers clipped by {clipper}")
    double = np.clip(np.zeros(1, np.float32), **bounds).dtype == np.float64
    lower, upper = float(bounds["a_min"]), float(bounds["a_max"])
    return Clip(lower, upper, True) if double else Clip(float(np.float32(lower)), float(np.float32(upper)), False)
