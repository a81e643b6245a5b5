"""A predictor: columns in, numbers out. Transport never touches a model; it touches this."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from agbento.describe import originals
from agbento.errors import ModelNotServable
from agbento.text import exception_text


@dataclass(frozen=True)
class Predictions:
    """What a predictor says of n rows.

    ``values`` has shape (n,): the number or the class of each row; quantile: (n, q), in the order of the levels.
    ``probabilities`` has shape (n, classes), in class order; None unless binary or multiclass.
    """

    values: npt.NDArray[Any]
    probabilities: npt.NDArray[Any] | None = None


class Predictor(Protocol):
    """What the service asks of a predictor."""

    def predict(self, frame: pd.DataFrame) -> Predictions:
        """Answer the rows of ``frame``, in order."""
        ...


class StockPredictor:
    """AutoGluon's own predictor, its models persisted in memory."""

    def __init__(self, predictor: Any, threads: int) -> None:
        self.autogluon = predictor
        self._classifies = predictor.problem_type in ("binary", "multiclass")
        self._originals = originals(predictor)
        predictor.persist(max_memory=None)
        _bound_threads(predictor, threads)

    @classmethod
    def load(cls, folder: Path, threads: int = 1) -> StockPredictor:
        """Open the predictor in ``folder``, its models using at most ``threads`` threads.

        Raises:
            ModelNotServable: it does not load here.
        """
        from autogluon.tabular import TabularPredictor

        try:
            return cls(TabularPredictor.load(str(folder), verbosity=0), threads)
        except Exception as error:
            # Unpickling runs whatever the predictor's classes do: any exception may come out of it.
            raise ModelNotServable(f"{folder}: the predictor does not load: {exception_text(error)}") from error

    def predict(self, frame: pd.DataFrame) -> Predictions:
        """Answer the rows of ``frame``, in order."""
        frame = self.restored(frame)
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


def _bound_threads(predictor: Any, threads: int) -> None:
    """Bound the models that look at no environment variable: scikit-learn's n_jobs is the training machine's."""
    for name in predictor.model_names(persisted=True):
        model = predictor._trainer.load_model(name)
        for part in (model, *(child for child in getattr(model, "models", ()) if not isinstance(child, str))):
            estimator: Any = getattr(part, "model", None)
            if hasattr(estimator, "n_jobs"):
                estimator.n_jobs = threads
            if type(estimator).__module__.startswith("catboost"):
                for method in {"predict", "predict_proba"} & set(dir(estimator)):
                    setattr(estimator, method, partial(getattr(estimator, method), thread_count=threads))
