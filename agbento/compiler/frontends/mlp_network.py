"""Torch's modules → the layers of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from agbento.compiler.errors import NotNative
from agbento.compiler.frontends.context import Context
from agbento.compiler.plan.mlp_network import Activation, Network

Singles = npt.NDArray[np.float32]
Norm = tuple[Singles, Singles]


class Layers:
    """Layers that are gathered module by module, in the order that numbers go through them."""

    def __init__(self, inputs: int, norm: Norm | None = None) -> None:
        self._sizes = [inputs]
        self._norms: list[Norm | None] = [norm]
        self._weights: list[tuple[Singles, Singles]] = []
        self._activations: list[Activation] = []

    def add(self, modules: Any) -> None:
        """Add what is in a ``torch.nn.Sequential``.

        Raises:
            NotNative: a module has a kind or an option that is not known here, or stands in an unusual place.
        """
        import torch.nn as nn

        for module in _flat(modules):
            if type(module) in (nn.Dropout, nn.Identity):
                continue
            if type(module) is nn.Linear:
                self._add_linear(module)
            elif type(module) is nn.BatchNorm1d:
                if self._norms[-1] is not None:
                    raise NotNative("two batch-norms one after the other")
                self._norms[-1] = read_norm(module)
            else:
                self._activate(module)

    def _add_linear(self, module: Any) -> None:
        weights = single(module.weight)
        if weights.shape[1] != self._sizes[-1]:
            raise NotNative(f"a layer of {weights.shape[1]} inputs after {self._sizes[-1]} outputs")
        biases = np.zeros(len(weights), np.float32) if module.bias is None else single(module.bias)
        self._sizes.append(len(weights))
        self._weights.append((weights, biases))
        self._activations.append("none")
        self._norms.append(None)

    def _activate(self, module: Any) -> None:
        import torch.nn as nn

        known: dict[type, Activation] = {nn.ReLU: "relu", nn.ELU: "elu", nn.Tanh: "tanh"}
        name = known.get(type(module))
        if name is None or (name == "elu" and module.alpha != 1):
            raise NotNative(f"{module} has no native form")
        if not self._weights or self._activations[-1] != "none" or self._norms[-1] is not None:
            raise NotNative(f"{module} is not right after a layer")
        self._activations[-1] = name

    def network(self, outputs: int, context: Context) -> Network:
        """Give the layers, whose numbers go into one array.

        Raises:
            NotNative: they do not end in ``outputs``.
        """
        if not self._weights or self._sizes[-1] != outputs:
            raise NotNative(f"a network of {self._sizes[-1]} outputs, expected {outputs}")
        parts = list(self._norms[0] or ())
        for (weights, biases), norm in zip(self._weights, self._norms[1:], strict=True):
            parts += [weights.T, biases, *(norm or ())]
        return Network(
            sizes=tuple(self._sizes),
            activations=tuple(self._activations),
            norms=tuple(norm is not None for norm in self._norms),
            parameters=context.arrays.put(f"{context.name}.network", np.concatenate([part.ravel() for part in parts])),
        )


def _flat(modules: Any) -> Iterator[Any]:
    import torch.nn as nn

    # Not children(): that leaves out a module's second place in a sequence.
    for module in modules._modules.values():
        if isinstance(module, nn.Sequential):
            yield from _flat(module)
        else:
            yield module


def single(tensor: Any) -> Singles:
    """Give a tensor's numbers; raises NotNative where they are not float32."""
    numbers: Singles = tensor.detach().cpu().numpy()
    if numbers.dtype != np.float32:
        raise NotNative(f"numbers of {numbers.dtype} in a network")
    return numbers


def read_norm(module: Any) -> Norm:
    """Give scale and shift of a batch-norm as torch computes them when it does not train, each shape (columns,).

    https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html
    """
    if not module.affine or module.running_var is None:
        raise NotNative("a batch-norm without its own scale or statistics")
    inverse = np.float32(1) / np.sqrt(single(module.running_var) + np.float32(module.eps))
    scale = single(module.weight) * inverse
    return scale, single(module.bias) - single(module.running_mean) * scale


def read_table(module: Any, rows: int) -> Singles:
    """Give an embedding's table, shape (rows, width); raises NotNative where it has fewer than ``rows``."""
    import torch.nn as nn

    if not isinstance(module, nn.Embedding) or module.max_norm is not None:
        raise NotNative(f"{module} has no native form")
    table = single(module.weight)
    if len(table) < rows:
        raise NotNative(f"an embedding of {len(table)} rows for {rows} levels")
    return table
