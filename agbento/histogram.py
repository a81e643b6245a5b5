"""A histogram that is told many values at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from prometheus_client import Histogram


class ManyHistogram(Histogram):
    """A histogram that observes many values at the price of a few: ``observe`` is a write into a file for each."""

    def observe_many(self, values: npt.ArrayLike) -> None:
        """Observe all of ``values``; those that are no number are left out."""
        numbers = np.asarray(values, dtype=np.float64)
        numbers = numbers[~np.isnan(numbers)]
        if not len(numbers):
            return
        # A bucket holds what is at most its bound; the file holds each bucket by itself, a scrape adds them up.
        counts = np.bincount(np.searchsorted(self._upper_bounds, numbers), minlength=len(self._upper_bounds))
        for bucket, count in zip(self._buckets, counts.tolist(), strict=True):
            if count:
                bucket.inc(count)
        with np.errstate(over="ignore", invalid="ignore"):  # a sum may be infinite, or of two infinities none
            self._sum.inc(float(numbers.sum()))
