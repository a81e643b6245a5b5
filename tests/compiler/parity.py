"""Predictors of every problem type with every family: alone, bagged, stacked, refitted; and what must be equal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from autogluon.tabular import TabularPredictor

from agbento.compiler import CompiledPredictor

FAMILIES: dict[str, Any] = {
    "GBM": {"num_boost_round": 20},
    "CAT": {"iterations": 20},
    "XGB": {"n_estimators": 20},
    "RF": {"n_estimators": 15, "max_leaf_nodes": 100},
    "XT": {"n_estimators": 15, "max_leaf_nodes": 100},
}
CLASSES = ("binary", "multiclass")


def train(data: pd.DataFrame, label: str, kind: str, folder: Path, **options: Any) -> TabularPredictor:
    """Train each family alone in two bagged layers, with its weighted ensembles, and refit all."""
    levels = {"quantile_levels": [0.1, 0.5, 0.9]} if kind == "quantile" else {}
    # Log loss has AutoGluon keep probabilities off 0 and 1; calibration scales them, or shifts the quantiles.
    metric = "log_loss" if kind in CLASSES else None
    predictor = TabularPredictor(label, problem_type=kind, eval_metric=metric, path=str(folder), verbosity=0, **levels)
    settings: dict[str, Any] = {
        "hyperparameters": FAMILIES,
        "num_cpus": 1,
        "num_gpus": 0,
        "dynamic_stacking": False,
        "num_bag_folds": 2,
        "num_bag_sets": 1,
        "num_stack_levels": 1,
        "ag_args_ensemble": {"fold_fitting_strategy": "sequential_local"},
        "calibrate": kind != "regression",
    }
    predictor.fit(data, **(settings | options))
    predictor.refit_full()
    if kind == "binary":
        predictor.set_decision_threshold(0.3)
    predictor.persist("all", max_memory=None)
    return predictor


def assert_equal(compiled: CompiledPredictor, predictor: TabularPredictor, data: Any, model: str) -> None:
    """Have ``compiled`` answer as ``predictor`` does with ``model``: a frame, its rows one by one, its columns."""
    expected = predictor.predict(data, model=model, as_pandas=False)
    spread = np.std(expected.astype(float)) if predictor.problem_type not in CLASSES else 0.0
    rows = [dict(row) for row in data.to_dict(orient="records")]
    if predictor.problem_type in CLASSES:
        shares = predictor.predict_proba(data, model=model).to_numpy()
        close(compiled.predict_proba(data), shares, 1.0)
        close(np.concatenate([compiled.predict_proba(row) for row in rows]), shares, 1.0)
        close(compiled.predict_proba(rows), shares, 1.0)
        assert compiled.predict(data).tolist() == expected.tolist()
        assert [compiled.predict(row)[0] for row in rows] == expected.tolist()
        return
    close(compiled.predict(data), expected, spread)
    close(np.concatenate([compiled.predict(row) for row in rows]), expected, spread)
    close(compiled.predict_columns({name: data[name].tolist() for name in data})[0], expected, spread)


def close(found: npt.NDArray[Any], expected: npt.NDArray[Any], scale: float) -> None:
    """Have two arrays equal but for a millionth of their numbers, or of ``scale`` where that is more."""
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.astype(float), expected.astype(float), rtol=1e-6, atol=1e-6 * scale)
