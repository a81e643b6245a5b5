"""How many threads AutoGluon's own models use, where they look at no environment variable."""

from __future__ import annotations

from functools import partial
from typing import Any


def bound_threads(model: Any, threads: int) -> None:
    """Let ``model`` (an AutoGluon model, of a bag: its children too) use at most ``threads`` threads a call.

    scikit-learn's ``n_jobs`` is stored with the model and is the training machine's; CatBoost takes all cores.
    """
    for part in (model, *(child for child in getattr(model, "models", ()) if not isinstance(child, str))):
        estimator: Any = getattr(part, "model", None)
        if hasattr(estimator, "n_jobs"):
            estimator.n_jobs = threads
        if type(estimator).__module__.startswith("catboost"):
            for method in {"predict", "predict_proba"} & set(dir(estimator)):
                setattr(estimator, method, partial(getattr(estimator, method), thread_count=threads))
