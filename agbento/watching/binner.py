"""Counts rows into the bins of a reference: what a worker does with the rows that it has answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from agbento.bins import MISSING, UNSEEN, FeatureBins
from agbento.drift import Reference
from agbento.rows import Batch
from agbento.schema import Feature, Schema
from agbento.values.reasons import Counts, Reason, reasons_of
from agbento.watching.tallies import Tally, Values, prediction_tallier, tallier

Row = tuple[Any, ...]  # a row's held values, of each watched feature
_NULLS: tuple[Reason, ...] = ("null", "missing_column")


class Binner:
    """Counts rows and answers by the bins of ``reference``; safe to use from one thread at a time.

    ``watched`` are its features, and the prediction last where it is watched.
    """

    def __init__(self, reference: Reference, schema: Schema) -> None:
        by_name = {feature.name: feature for feature in schema.features}
        self.watched = reference.watched
        self._features = [(bins, by_name[bins.name]) for bins in reference.features]
        self._talliers = [tallier(bins, feature) for bins, feature in self._features]
        names = [bins.name for bins in reference.features]
        # itemgetter gives no tuple of one name.
        self._held: Callable[[Mapping[str, Any]], tuple[Any, ...]] = (
            itemgetter(*names) if len(names) > 1 else lambda columns: tuple(columns[name] for name in names)
        )
        self._moves = {
            (feature.name, reason): (i, *move)
            for i, (bins, feature) in enumerate(self._features)
            for reason, move in _moves(bins, feature).items()
        }
        self._prediction = None if reference.prediction is None else prediction_tallier(reference.prediction)
        self._middle = middle(schema)

    def row(self, batch: Batch) -> Row | None:
        """Give what ``count`` needs of a batch, in the smallest form; None where that is the batch itself."""
        if batch.rows != 1 or any((name, reason) in self._moves for name, reason, _ in batch.counts):
            return None
        return tuple([column[0] for column in self._held(batch.columns)])

    def count(
        self, batches: Sequence[Batch], answers: Sequence[npt.NDArray[Any]], rows: Sequence[Row] = ()
    ) -> list[Tally]:
        """Count the rows of ``batches``, and ``rows`` as ``row`` gave them; ``answers`` are theirs, in any cut.

        Batches are to be those that the row reader gave: a joined one has lost what was off with its values, so nulls
        of whole numbers, truth values and two-valued columns would be counted as what is held in their place. Answers
        are arrays of shape (n,), or (n, levels).

        Gives one array for each of ``watched``, of one number a bin. What cannot be binned is "(unseen)".
        """
        parts = [self._held(batch.columns) for batch in batches]
        if rows:
            parts.append(tuple(map(list, zip(*rows, strict=True))))
        columns = zip(*parts, strict=True)
        found = [count(_joined(of_one)) for count, of_one in zip(self._talliers, columns, strict=False)]
        found += [np.zeros(len(bins.labels), np.int64) for bins, _ in self._features[len(found) :]]
        for batch in batches:
            if batch.counts:
                self._put_right(found, batch.counts)
        if self._prediction is not None:
            found.append(self._prediction(answers_of(answers, self._middle)))
        return found

    def _put_right(self, found: list[Tally], counts: Counts) -> None:
        """Move values that are held as others to the bin of what they were."""
        for (name, reason, _), count in counts.items():
            if (move := self._moves.get((name, reason))) is not None:
                i, held, meant = move
                found[i][held] -= count
                found[i][meant] += count


def answers_of(answers: Sequence[npt.NDArray[Any]], column: int) -> Values:
    """Give one value a row: the answer, of quantiles the one in ``column``."""
    parts = [one if one.ndim == 1 else one[:, column] for one in answers]
    if all(part.dtype.kind == "f" for part in parts):
        return np.concatenate(parts) if parts else ()
    return [value for part in parts for value in part.tolist()]


def middle(schema: Schema) -> int:
    """Give the index of the quantile level that is nearest to the median; 0 where there are none."""
    levels = schema.quantile_levels
    return min(range(len(levels)), key=lambda i: abs(levels[i] - 0.5)) if levels else 0


def _moves(bins: FeatureBins, feature: Feature) -> dict[Reason, tuple[int, int]]:
    """Give, by reason, the bin of what is held in place of a value that is off, and the one that it is counted in.

    Only where the one does not tell the other.
    """
    missing, unseen = bins.labels.index(MISSING), bins.labels.index(UNSEEN)
    if feature.two_valued is not None:
        kept = ("date_spelling", "unverified_value")
        gone = (*_NULLS, "not_finite")
        reasons = [reason for reason in reasons_of(feature) if reason not in kept]
        return {reason: (1, missing if reason in gone else unseen) for reason in reasons}
    if feature.type == "bool":
        false = bins.levels.index(False)
        return {"null": (false, missing), "missing_column": (false, missing), "wrong_type": (false, unseen)}
    if feature.type == "int":
        zero = int(np.searchsorted(np.asarray(bins.edges, np.float64), 0.0))
        return dict.fromkeys((*_NULLS, "wrong_type", "not_a_number", "not_finite"), (zero, missing))
    return {}


def _joined(parts: Sequence[Values]) -> Values:
    if len(parts) == 1:
        return parts[0]
    if all(len(part) == 1 for part in parts):
        return list(chain.from_iterable(parts))
    return [value for part in parts for value in (part.tolist() if isinstance(part, np.ndarray) else part)]
