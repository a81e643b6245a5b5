"""AutoGluon's own neural network (NN_TORCH) in a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agbento.compiler.plan.mlp_inputs import Inputs
from agbento.compiler.plan.mlp_network import Head, Network


@dataclass(frozen=True)
class TorchMlp:
    """A network; ``answers`` is which of its outputs are given: all (``ordered`` by size, for quantiles), or one."""

    columns: tuple[int, ...]
    inputs: Inputs
    network: Network
    head: Head
    answers: Literal["all", "ordered", "first", "second"]
    kind: Literal["torch_mlp"] = "torch_mlp"
