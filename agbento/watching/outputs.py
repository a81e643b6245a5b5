"""What was predicted, counted by class or as numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agbento.metrics import OTHERS, ServiceMetrics, as_label
from agbento.schema import Schema, plain

MAX_CLASSES: Final = 100


class Outputs:
    """Counts predictions of the model with this digest, in series that are there at 0 from the start.

    The first MAX_CLASSES classes have series of their own; the rest is counted together as OTHERS.
    """

    def __init__(self, metrics: ServiceMetrics, schema: Schema, digest: str) -> None:
        names = [as_label(str(name)) for name in schema.classes]
        shown = [*names[:MAX_CLASSES], *([OTHERS] if len(names) > MAX_CLASSES else [])]
        self._classes = {name: metrics.predictions.labels(digest, name) for name in shown}
        levels = [str(level) for level in schema.quantile_levels]
        self._is_quantile = bool(levels)
        self._values = [] if names else [metrics.predicted_value.labels(digest, level) for level in levels or [""]]

    def count(self, answers: Sequence[npt.NDArray[Any]]) -> None:
        """Count all of ``answers``: arrays of shape (n,), or (n, levels)."""
        if self._values:
            numbers = np.concatenate(answers).astype(np.float64, copy=False)
            for i, level in enumerate(self._values):
                level.observe_many(numbers[:, i] if self._is_quantile else numbers)
            return
        found: Counter[Any] = Counter()
        for one in answers:
            found.update(one.tolist())
        for value, count in found.items():
            series = self._classes.get(as_label(str(plain(value)))) or self._classes.get(OTHERS)
            if series is not None:
                series.inc(count)
