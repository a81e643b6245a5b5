"""The drift metrics of one model: its reference, and predicted rows counted into the same bins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from agbento.drift import Reference
from agbento.metrics import ServiceMetrics, as_label
from agbento.rows import Batch
from agbento.schema import Schema
from agbento.watching.binner import Binner, Row


class DriftSeries:
    """Counts into bins, and writes what was counted. Every bin is there at 0, and its reference, once this is made.

    ``digest`` is the model's, 16 hex digits. What is counted is compared with the same model's same reference alone.
    """

    def __init__(self, metrics: ServiceMetrics, reference: Reference, schema: Schema, digest: str) -> None:
        self._binner = Binner(reference, schema)
        self.row, watched = self._binner.row, self._binner.watched
        self._counts = [np.zeros(len(bins.labels), np.int64) for bins in watched]
        self._series: list[list[Any]] = []
        of = (digest, reference.hash)
        metrics.drift_rows.labels(*of).set(reference.rows)
        for bins in watched:
            name = as_label(bins.name)
            self._series.append([metrics.drift_values.labels(*of, name, as_label(one)) for one in bins.labels])
            for label, share in zip(bins.labels, bins.shares, strict=True):
                metrics.drift_reference.labels(*of, name, as_label(label)).set(share)
            if bins.importance is not None:
                metrics.drift_importance.labels(*of, name).set(bins.importance)

    def count(self, batches: Sequence[Batch], answers: Sequence[npt.NDArray[Any]], rows: Sequence[Row]) -> None:
        """Count the rows of ``batches``, ``rows`` as ``row`` gave them, and what was answered to all."""
        for counts, found in zip(self._counts, self._binner.count(batches, answers, rows), strict=True):
            counts += found

    def write(self) -> None:
        """Write what was counted since the last time."""
        for counts, series in zip(self._counts, self._series, strict=True):
            for i in np.flatnonzero(counts).tolist():
                series[i].inc(int(counts[i]))
            counts[:] = 0
