"""What a compiled predictor is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from agbento.compiler.arrays import Arrays
from agbento.compiler.plan.plan import Plan


@dataclass
class Parts:
    """A plan, its arrays, and AutoGluon's objects for what has no native form: models by name, and "features".

    ``source`` is the digest of the predictor that they were read from, where it is known.
    """

    plan: Plan
    arrays: Arrays
    foreign: dict[str, Any] = field(default_factory=dict)
    source: str = ""
