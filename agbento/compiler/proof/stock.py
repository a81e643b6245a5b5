"""AutoGluon's own predictor as the one that knows: DataFrames in, answers out, and nothing said."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd


@dataclass(frozen=True)
class Numbers:
    """Answers to n rows: ``values`` of shape (n,), quantile (n, levels); ``probabilities`` (n, classes), or None."""

    values: npt.NDArray[Any]
    probabilities: npt.NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.values)

    def taken(self, places: npt.NDArray[np.intp]) -> Numbers:
        """Give the answers to the rows at ``places``."""
        return Numbers(self.values[places], None if self.probabilities is None else self.probabilities[places])


def joined(parts: Sequence[Numbers]) -> Numbers:
    """Put answers one after the other."""
    values = np.concatenate([part.values for part in parts])
    probabilities = [part.probabilities for part in parts if part.probabilities is not None]
    return Numbers(values, np.concatenate(probabilities) if probabilities else None)


class Stock:
    """A ``TabularPredictor`` that is asked."""

    def __init__(self, predictor: Any) -> None:
        self.predictor = predictor
        self.classifies: bool = predictor.problem_type in ("binary", "multiclass")

    def answer(self, frame: pd.DataFrame) -> Numbers:
        """Answer a DataFrame; raises whatever AutoGluon raises."""
        return self._ask(frame, transform_features=True)

    def features(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Give what the feature generators make of ``frame``; raises whatever they raise."""
        with quiet():
            return self.predictor.transform_features(frame)  # type: ignore[no-any-return]

    def answer_features(self, features: Sequence[pd.DataFrame]) -> Numbers:
        """Answer rows that went through ``features`` one by one, together: that spares most of the time of a row."""
        parts, order = [], list[int]()
        for places, together in _alike(features):
            parts.append(self._ask(together, transform_features=False))
            order += places
        return joined(parts).taken(np.argsort(order))

    def try_answer(self, frame: pd.DataFrame) -> None:
        """Raise what ``answer`` raises, in less time."""
        self._try(frame, transform_features=True)

    def try_features(self, features: Sequence[pd.DataFrame]) -> None:
        """Raise what ``answer_features`` raises, in less time."""
        for _, together in _alike(features):
            self._try(together, transform_features=False)

    def _try(self, frame: pd.DataFrame, *, transform_features: bool) -> None:
        # Classes come of the probabilities.
        ask = self.predictor.predict_proba if self.classifies else self.predictor.predict
        with quiet():
            ask(frame, transform_features=transform_features)

    def _ask(self, frame: pd.DataFrame, *, transform_features: bool) -> Numbers:
        with quiet():
            values = self.predictor.predict(frame, transform_features=transform_features).to_numpy()
            if not self.classifies:
                return Numbers(values)
            probabilities = self.predictor.predict_proba(frame, transform_features=transform_features)
        return Numbers(values, probabilities.to_numpy())


def _alike(features: Sequence[pd.DataFrame]) -> Iterator[tuple[list[int], pd.DataFrame]]:
    """Put rows of the same dtypes together, with their places: generators that cast nothing may give others by row."""
    alike: dict[tuple[Any, ...], list[int]] = {}
    for place, one in enumerate(features):
        alike.setdefault(tuple(one.dtypes), []).append(place)
    for places in alike.values():
        with quiet():
            together = pd.concat([features[place] for place in places], ignore_index=True)
        yield places, together


@contextmanager
def persisted(predictor: Any) -> Iterator[None]:
    """Keep the predictor's models in memory meanwhile, unless they are there anyway or there is no room."""
    if predictor.model_names(persisted=True):
        yield
        return
    with quiet():
        predictor.persist()
    try:
        yield
    finally:
        with quiet():
            predictor.unpersist()


@contextmanager
def quiet() -> Iterator[None]:
    """Say nothing of warnings and logs of the libraries; odd rows are what they are given on purpose."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
