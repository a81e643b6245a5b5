"""The product's service without its own counting: what `benchmarks.watching` measures the counting against.

A request still has its trace, whose times are taken; nothing is made of it. BentoML's metrics stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agbento import answering
from agbento.errors import Fault
from agbento.metrics import ServiceMetrics
from agbento.predictor import Predictions
from agbento.rows import Batch
from agbento.schema import Schema
from agbento.values.policy import Policy
from agbento.values.reasons import Counts
from agbento.watching.trace import Trace
from agbento.watching.watch import Watch


class Unwatched(Watch):
    """Counts nothing."""

    @classmethod
    def of(cls, _folder: Path, schema: Schema, policy: Policy, _digest: str | None) -> Watch:
        return cls(ServiceMetrics(), schema, policy)

    def start(self) -> None: ...

    def ended(self, trace: Trace) -> None: ...

    def read(self, counts: Counts) -> None: ...

    def rejected(self, rows: int, faults: Sequence[Fault]) -> None: ...

    def turned(self, waits: Sequence[float], rows: int) -> None: ...

    def predicted(self, batches: Sequence[Batch], predictions: Predictions, seconds: float) -> None: ...


answering.Watch = Unwatched  # type: ignore[attr-defined] # before the service looks for it

from service import AutogluonBento  # noqa: E402 - see above

__all__ = ["AutogluonBento"]
