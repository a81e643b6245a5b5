"""The layers of a multilayer perceptron, in NumPy's BLAS for many rows and in a kernel for few.

Torch's float32 sums are the measure, and torch's own answers for a row alone and among others are 4e-7 to 1e-6 of the
answers' spread apart. A row alone is nearest to sums in float64 that are rounded to float32 after each layer (2e-7 to
3e-7 at most before the head; float32 sums: 4e-7 to 9e-7). Many rows are nearest to BLAS in float32, which often adds in
torch's own order (0 to 7e-7; float64: 4e-7 to 7e-7).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import types

from agbento.compiler.arrays import Arrays
from agbento.compiler.native.jit import array, kernel, output
from agbento.compiler.plan.mlp_network import Head, Network

Singles = npt.NDArray[np.float32]

_ACTIVATIONS = {"none": 0, "relu": 1, "elu": 2, "tanh": 3}
_HEADS = {"none": 0, "softmax": 1, "bounded": 2, "above": 3, "below": 4, "linear": 5, "shifted": 6}
_FEW = 4  # rows; up to here the kernel beats BLAS
_CHUNK = 512  # rows whose numbers stay in a core's cache


@kernel(types.void(array(types.float64), array(types.float32), types.uint64, types.uint64, types.uint64,
                   output(types.float64)))  # fmt: skip
def _multiply(numbers: Any, parameters: Any, at: Any, many: Any, outs: Any, sums: Any) -> None:
    """Give ``numbers`` times the weights (many, outs) that begin at ``at``.

    Whole numbers are without a sign: an index that could be negative keeps the loops from being vectorized.
    """
    for j in range(outs):
        sums[j] = 0.0
    whole = many & ~np.uint64(3)
    for i in range(np.uint64(0), whole, np.uint64(4)):
        a, b, c, d = numbers[i], numbers[i + 1], numbers[i + 2], numbers[i + 3]
        one = at + i * outs
        two, three, four = one + outs, one + outs + outs, one + outs + outs + outs
        for j in range(outs):
            sums[j] += (a * parameters[one + j] + b * parameters[two + j]) + (
                c * parameters[three + j] + d * parameters[four + j]
            )
    for i in range(whole, many):
        one = at + i * outs
        for j in range(outs):
            sums[j] += numbers[i] * parameters[one + j]


@kernel(types.float64(types.float64, types.int64))
def _activate(y: float, form: int) -> Any:
    """Give an activation's result, rounded to float32; the comparisons are such that NaN stays NaN."""
    if form == 1 and y <= 0.0:
        return 0.0
    if form == 2 and y < 0.0:
        return np.float64(np.float32(math.expm1(y)))
    if form == 3:
        return np.float64(np.float32(math.tanh(y)))
    return np.float64(np.float32(y))


@kernel(types.void(array(types.float32, 2), array(types.int64, 2), array(types.float32), output(types.float64),
                   output(types.float64), output(types.float32, 2)))  # fmt: skip
def _run_rows(inputs: Any, layers: Any, parameters: Any, numbers: Any, sums: Any, out: Any) -> None:
    """Run all layers for one row after another.

    ``layers`` (layers + 1, 3): outputs, activation, whether it is normed; the first is the inputs. ``numbers`` and
    ``sums`` (widest,) are written over.
    """
    for row in range(inputs.shape[0]):
        at = np.uint64(0)
        outs = np.uint64(layers[0, 0])
        for j in range(outs):
            numbers[j] = inputs[row, j]
        for layer in range(layers.shape[0]):
            many, outs = outs, np.uint64(layers[layer, 0])
            if layer > 0:
                _multiply(numbers, parameters, at, many, outs, sums)
                at += many * outs
                for j in range(outs):
                    y = np.float64(np.float32(sums[j] + parameters[at + j]))
                    numbers[j] = _activate(y, layers[layer, 1])
                at += outs
            if layers[layer, 2]:
                for j in range(outs):
                    numbers[j] = np.float64(np.float32(numbers[j] * parameters[at + j] + parameters[at + outs + j]))
                at += outs + outs
        for j in range(outs):
            out[row, j] = numbers[j]


@kernel(types.float32(types.float64, types.int64, types.float64, types.float64))
def _within(y: float, form: int, a: float, b: float) -> Any:
    """Give a head's result for one output; every operation rounds to float32."""
    if form == 2:
        return np.float32(np.float32(np.float32(1.0 / (1.0 + math.exp(-y))) * a) + b)
    if form == 3:
        return np.float32(a + abs(y))
    if form == 4:
        return np.float32(a - abs(y))
    if form == 5:
        return np.float32(np.float32(y * a) + b)
    return np.float32(np.float32(y - b) / a)


@kernel(types.void(output(types.float32, 2), types.int64, types.float64, types.float64))
def _finish(numbers: Any, form: int, a: float, b: float) -> None:
    """Turn the last layer's numbers into a head's results, in place."""
    for row in range(numbers.shape[0]):
        if form > 1:
            for j in range(numbers.shape[1]):
                numbers[row, j] = _within(numbers[row, j], form, a, b)
            continue
        most, total = np.float64(-np.inf), 0.0
        for j in range(numbers.shape[1]):
            # NaN makes all NaN by its own exponential.
            most = max(most, np.float64(numbers[row, j]))
        for j in range(numbers.shape[1]):
            total += math.exp(numbers[row, j] - most)
        for j in range(numbers.shape[1]):
            numbers[row, j] = math.exp(numbers[row, j] - most) / total


class _Layer(NamedTuple):
    weights: Singles
    biases: Singles
    activation: str
    norm: tuple[Singles, Singles] | None


def bind_network(network: Network, head: Head, arrays: Arrays) -> Callable[[Singles], Singles]:
    """Give a function from inputs (n, inputs) to the head's results (n, outputs), both float32 and C-contiguous."""
    parameters = arrays.get(network.parameters)
    first, layers = _split(network, parameters)
    activations = [_ACTIVATIONS[name] for name in ("none", *network.activations)]
    numbered = np.array(list(zip(network.sizes, activations, network.norms, strict=True)), np.int64)
    outputs, widest, form, a, b = network.sizes[-1], max(network.sizes), _HEADS[head.form], head.a, head.b

    def run(inputs: Singles) -> Singles:
        rows = len(inputs)
        out = np.empty((rows, outputs), np.float32)
        if rows <= _FEW:
            _run_rows(inputs, numbered, parameters, np.empty(widest), np.empty(widest), out)
        else:
            with np.errstate(all="ignore"):
                for start in range(0, rows, _CHUNK):
                    out[start : start + _CHUNK] = _run_chunk(inputs[start : start + _CHUNK], first, layers)
        if form:
            _finish(out, form, a, b)
        return out

    return run


def _split(network: Network, parameters: Singles) -> tuple[tuple[Singles, Singles] | None, list[_Layer]]:
    """Give views of the parameters: the inputs' norm, and the layers."""
    at = 0

    def take(*shape: int) -> Singles:
        nonlocal at
        at += math.prod(shape)
        return parameters[at - math.prod(shape) : at].reshape(shape)

    def norm(number: int) -> tuple[Singles, Singles] | None:
        size = network.sizes[number]
        return (take(size), take(size)) if network.norms[number] else None

    first, layers = norm(0), []
    for number, activation in enumerate(network.activations, 1):
        many, outs = network.sizes[number - 1 : number + 1]
        layers.append(_Layer(take(many, outs), take(outs), activation, norm(number)))
    return first, layers


def _run_chunk(numbers: Singles, first: tuple[Singles, Singles] | None, layers: list[_Layer]) -> Singles:
    if first is not None:
        numbers = numbers * first[0] + first[1]
    for layer in layers:
        numbers = numbers @ layer.weights
        numbers += layer.biases
        if layer.activation == "relu":
            np.maximum(numbers, 0, out=numbers)
        elif layer.activation == "tanh":
            np.tanh(numbers, out=numbers)
        elif layer.activation == "elu":
            falling = np.minimum(numbers, 0)
            np.maximum(numbers, 0, out=numbers)
            numbers += np.expm1(falling, out=falling)
        if layer.norm is not None:
            numbers *= layer.norm[0]
            numbers += layer.norm[1]
    return numbers
