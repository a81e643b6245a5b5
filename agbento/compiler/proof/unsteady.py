"""Rows that AutoGluon itself answers differently from call to call: networks of float32 add in a batch's order.

No answer to such a row is nearer than AutoGluon's own are to each other, so a difference of that size is no miss.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from agbento.compiler.plan.plan import Plan
from agbento.compiler.proof.agreement import Agreement, Judge
from agbento.compiler.proof.stock import Numbers

_NETWORKS: Final = frozenset({"torch_mlp", "fastai_mlp"})
_ASKED: Final = 40  # rows of a comparison that AutoGluon is asked again
_LEAST: Final = 5e-7  # relative, for a row whose two answers happen to be the same
_FACTOR: Final = 8.0  # of what AutoGluon's answers differ: two calls show but one draw of it


def has_networks(plan: Plan) -> bool:
    """Tell whether any of the plan's models is a network."""
    return any(child.leaf.kind in _NETWORKS for model in plan.models for child in model.children)


def forgiven(found: Agreement, expected: Numbers, ask: Callable[[int, int], Numbers], judge: Judge) -> Agreement:
    """Mark the rows that differ by at most eight times what AutoGluon's answer to a row alone differs.

    ``ask`` gives AutoGluon's answers to the rows from one place up to another. Of many such rows some are asked; the
    others are held to the median of those, and none to less than half a millionth. Answers a million times the usual
    ones are all unsteady: sums overflow in one order, and not in another.
    """
    missed = np.flatnonzero(found.missed)
    if not len(missed):
        return found
    noise = np.zeros(len(missed))
    asked = np.linspace(0, len(missed) - 1, min(_ASKED, len(missed))).astype(int)
    for i in asked:
        place = int(missed[i])
        again = judge.compare(expected.taken(np.array([place])), ask(place, place + 1))
        noise[i] = again.difference.max()
    noise = np.maximum(noise, max(_LEAST, float(np.median(noise[asked]))))
    unsteady = np.zeros(len(found.exact), bool)
    unsteady[missed] = found.difference[missed].max(axis=1) <= _FACTOR * noise
    unsteady |= found.missed & judge.beyond(expected)
    return replace(found, unsteady=unsteady)
