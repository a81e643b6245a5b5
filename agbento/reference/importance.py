"""How much each feature does to a model's answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agbento.predictor import Predictions

ROWS: Final = 1000
SECONDS: Final = 20.0
_SEED = 1

Positions = npt.NDArray[np.intp]
# The rows at some positions → their answers, where one feature (or none) is that of the rows at other positions.
Ask = Callable[[str | None, Positions, Positions], Predictions]


def importances(names: Sequence[str], ask: Ask, rows: int, seconds: float = SECONDS) -> dict[str, float]:
    """Give each feature's importance; together they are 1.

    It is the mean absolute change of the answer (of the probabilities, of the quantiles) when the feature's values are
    shuffled among up to `ROWS` of the ``rows``. What is not measured within ``seconds`` is left out: it is unknown.
    """
    rng = np.random.default_rng(_SEED)
    end = time.monotonic() + seconds
    chosen = np.sort(rng.permutation(rows)[:ROWS])
    before = _numbers(ask(None, chosen, chosen))
    moved: dict[str, float] = {}
    for name in names:
        if time.monotonic() > end:
            break
        moved[name] = float(np.abs(_numbers(ask(name, chosen, rng.permutation(chosen))) - before).mean())
    total = sum(moved.values())
    # Not finite: a model that answers so tells nothing.
    return {name: one / total for name, one in moved.items()} if np.isfinite(total) and total > 0 else {}


def _numbers(answers: Predictions) -> npt.NDArray[Any]:
    found = answers.values if answers.probabilities is None else answers.probabilities
    return np.asarray(found, np.float64)
