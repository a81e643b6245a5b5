"""AutoGluon's fastai network (FASTAI) in a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agbento.compiler.plan.mlp_inputs import Inputs
from agbento.compiler.plan.mlp_network import Head, Network


@dataclass(frozen=True)
class Clip:
    """Bounds of a prediction; ``double``: AutoGluon's result is float64."""

    lower: float
    upper: float
    double: bool


@dataclass(frozen=True)
class FastaiMlp:
    """A network; ``answers`` is which of its outputs are given.

    ``all``, ``first`` and ``second`` as they are, ``isotonic``: all, made to rise by isotonic regression. ``clip``
    bounds the ``first``. An infinite ``first`` is an error, and so is a missing or infinite ``isotonic``.
    """

    columns: tuple[int, ...]
    inputs: Inputs
    network: Network
    head: Head
    answers: Literal["all", "isotonic", "first", "second"]
    clip: Clip | None = None
    kind: Literal["fastai_mlp"] = "fastai_mlp"
