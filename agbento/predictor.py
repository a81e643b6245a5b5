"""A predictor: columns in, numbers out. Transport never touches a model; it touches this."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from agbento.compiler.foreign_threads import bound_threads
from agbento.describe import originals
from agbento.errors import ModelNotServable
from agbento.opening import load_any_version
from agbento.rows import Batch
from agbento.text import exception_text

# Seconds that the event loop may be held by a model, and how many rows it is then asked for at the most.
_AT_ONCE_SECONDS = 0.0005
_AT_ONCE_ROWS = 16
_CALLS = 9  # of one batch, to know what it takes: the median is not misled by the first, or by a busy machine


@dataclass(frozen=True)
class Predictions:
    """What a predictor says of n rows.

    ``values`` has shape (n,): the number or the class of each row; quantile: (n, q), in the order of the levels.
    ``probabilities`` has shape (n, classes), in class order; None unless binary or multiclass.
    """

    values: npt.NDArray[Any]
    probabilities: npt.NDArray[Any] | None = None

    def part(self, begin: int, end: int) -> Predictions:
        """Give what is said of the rows from ``begin`` up to ``end``."""
        return Predictions(
            self.values[begin:end], None if self.probabilities is None else self.probabilities[begin:end]
        )


class Predictor(Protocol):
    """What the service asks of a predictor.

    A batch of at most ``fast_rows`` rows is answered in well under a millisecond, so it may be in the event loop, while
    another thread may be in ``predict`` as well. 0: there is one call at a time, and never in the event loop.
    """

    @property
    def fast_rows(self) -> int:
        """See above; ``warm`` may change it."""
        ...

    def predict(self, batch: Batch) -> Predictions:
        """Answer the rows of ``batch``, in order."""
        ...

    def warm(self, one: Batch, some: Batch) -> None:
        """Get ready to answer: called once, with a batch of one row and one of several, before any other call."""
        ...


class StockPredictor:
    """AutoGluon's own predictor, its models persisted in memory."""

    fast_rows = 0

    def __init__(self, predictor: Any, threads: int) -> None:
        self.autogluon = predictor
        self._classifies = predictor.problem_type in ("binary", "multiclass")
        self._originals = originals(predictor)
        predictor.persist(max_memory=None)
        for name in predictor.model_names(persisted=True):
            bound_threads(predictor._trainer.load_model(name), threads)

    @classmethod
    def load(cls, folder: Path, threads: int = 1) -> StockPredictor:
        """Open the predictor in ``folder``, its models using at most ``threads`` threads.

        Raises:
            ModelNotServable: it does not load here.
        """
        try:
            return cls(load_any_version(folder), threads)
        except Exception as error:
            # Unpickling runs whatever the predictor's classes do: any exception may come out of it.
            raise ModelNotServable(f"{folder}: the predictor does not load: {exception_text(error)}") from error

    def warm(self, one: Batch, some: Batch) -> None:
        """Answer both: the first call of a size is the slowest."""
        for batch in (one, one, some):
            self.predict(batch)

    def predict(self, batch: Batch) -> Predictions:
        """Answer the rows of ``batch``, in order."""
        frame = self.restored(batch.frame())
        if not self._classifies:
            return Predictions(self.autogluon.predict(frame, as_pandas=False))
        probabilities = self.autogluon.predict_proba(frame, as_pandas=True, as_multiclass=True)
        # The decision threshold is honoured here, from the same pass over the models.
        classes = self.autogluon.predict_from_proba(probabilities)
        # As objects: NumPy would make numbers of classes that are dates.
        return Predictions(np.array(classes.tolist(), dtype=object), probabilities.to_numpy())

    def restored(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Give ``frame`` with the training values that JSON cannot hold, where their texts are."""
        found = {
            name: pd.Series([values.get(value, value) for value in frame[name]], dtype=object)
            for name, values in self._originals.items()
        }
        return frame.assign(**found) if found else frame


class Compiled(Protocol):
    """A compiled predictor, as ``agbento.compiler`` makes it; ``native``: none of its models is AutoGluon's own."""

    @property
    def native(self) -> bool:
        """See above."""
        ...

    def predict_row(self, row: Mapping[str, Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:
        """Answer one row, in arrays of one."""
        ...

    def predict_columns(
        self, columns: Mapping[str, Sequence[Any] | npt.NDArray[Any]]
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:
        """Answer the rows of ``columns``: values and probabilities, of the shapes of ``Predictions``."""
        ...


class CompiledAdapter:
    """A compiled predictor behind the service's columns.

    ``originals`` are, by column, the training values that JSON cannot hold, by their text.
    """

    def __init__(self, compiled: Compiled, originals: Mapping[str, Mapping[Any, Any]] | None = None) -> None:
        self._compiled, self._originals = compiled, originals or {}
        self._changed: dict[str, Callable[[Any], Any]] = {}
        self.fast_rows = 0

    def predict(self, batch: Batch) -> Predictions:
        """Answer the rows of ``batch``, in order."""
        columns = batch.columns
        if self._changed:
            columns = {**columns, **{name: list(map(change, columns[name])) for name, change in self._changed.items()}}
        if batch.rows == 1:
            return Predictions(*self._compiled.predict_row({name: values[0] for name, values in columns.items()}))
        return Predictions(*self._compiled.predict_columns(columns))

    def warm(self, one: Batch, some: Batch) -> None:
        """Answer both, and take from their times how many rows the event loop may answer itself."""
        # What the readers give is without a zone, in UTC; a column with one holds such values only.
        self._changed = {feature.name: _in_utc for feature in one.features if feature.has_zone}
        self._changed |= {name: partial(_restored, values) for name, values in self._originals.items()}
        times = [(batch.rows, self._seconds(batch)) for batch in (one, some)]
        self.fast_rows = fast_rows(times) if self._compiled.native else 0

    def _seconds(self, batch: Batch) -> float:
        times = []
        for _ in range(_CALLS):
            began = time.perf_counter()
            self.predict(batch)
            times.append(time.perf_counter() - began)
        return statistics.median(times)


def _in_utc(value: Any) -> Any:
    return value.tz_localize("UTC") if isinstance(value, pd.Timestamp) else value


def _restored(originals: Mapping[Any, Any], value: Any) -> Any:
    return originals.get(value, value)


def fast_rows(times: Sequence[tuple[int, float]]) -> int:
    """Give the largest number of rows, up to 16, that fits half a millisecond, where ``times`` are (rows, seconds).

    Between two of them, fewer rows first, time is taken to grow evenly; beyond the last, nothing is known.
    """
    (few, short), (many, long) = times
    if short > _AT_ONCE_SECONDS:
        return 0
    if long <= _AT_ONCE_SECONDS:
        return min(many, _AT_ONCE_ROWS)
    return min(few + int((many - few) * (_AT_ONCE_SECONDS - short) / (long - short)), _AT_ONCE_ROWS)
