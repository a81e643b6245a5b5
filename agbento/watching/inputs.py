"""What was off with the values of requests, counted by feature."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from agbento.errors import Fault
from agbento.metrics import OTHERS, as_label
from agbento.schema import Schema
from agbento.values.policy import Policy
from agbento.values.reasons import Counts

MAX_FEATURES: Final = 100


class Inputs:
    """Counts in ``values_off``, whose series are there at 0 from the start.

    The first MAX_FEATURES features of the schema have series of their own; the rest is counted together as OTHERS.
    What belongs to no feature (columns that a caller made up, rows that are no objects) is counted under an empty name.
    """

    def __init__(self, values_off: Any, schema: Schema, policy: Policy) -> None:
        self._values_off = values_off
        self._names = {feature.name: as_label(feature.name) for feature in schema.features[:MAX_FEATURES]}
        self._series: dict[tuple[str, str, str], Any] = {}
        for name, actions in policy.actions.items():
            for reason, action in actions.items():
                self._one(self._label(name), reason, action)
        self._one("", "unused_column", policy.unused_column)
        self._one("", "not_an_object", "reject")

    def count(self, counts: Counts) -> None:
        """Count what was off with rows that are answered."""
        for (feature, reason, action), count in counts.items():
            self._one(self._label(feature), reason, action).inc(count)

    def count_faults(self, faults: Sequence[Fault]) -> None:
        """Count what was off with rows that are rejected, as far as the faults are listed."""
        for (column, reason), count in Counter((fault.column, fault.reason) for fault in faults).items():
            feature = "" if column is None or reason == "unused_column" else column
            self._one(self._label(feature), reason, "reject").inc(count)

    def _label(self, feature: str) -> str:
        return self._names.get(feature, OTHERS) if feature else ""

    def _one(self, feature: str, reason: str, action: str) -> Any:
        # Looked up once: prometheus_client takes longer to find a counter than to count.
        found = self._series.get((feature, reason, action))
        if found is None:
            found = self._series[feature, reason, action] = self._values_off.labels(feature, reason, action)
        return found
