"""The layers of a multilayer perceptron."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Activation = Literal["none", "relu", "elu", "tanh"]


@dataclass(frozen=True)
class Network:
    """Layers: activation(inputs · weights + biases), then · scale + shift where the layer is normed.

    ``sizes`` are the number of inputs and of each layer's outputs. ``norms[0]`` tells of a scale and shift before the
    first layer, ``norms[i]`` after layer i. ``parameters`` is an array of float32, one after another: [scale, shift] of
    the inputs; of each layer weights (inputs, outputs), biases, [scale, shift].
    """

    sizes: tuple[int, ...]
    activations: tuple[Activation, ...]
    norms: tuple[bool, ...]
    parameters: str


@dataclass(frozen=True)
class Head:
    """What becomes of the last layer's numbers y; every result is rounded to float32.

    ``none``: y. ``softmax``: over the outputs. ``bounded``: sigmoid(y) · a + b. ``above``: a + abs(y). ``below``:
    a - abs(y). ``linear``: y · a + b. ``shifted``: (y - b) / a.
    """

    form: Literal["none", "softmax", "bounded", "above", "below", "linear", "shifted"]
    a: float = 1.0
    b: float = 0.0
