"""Small predictors for the tests of proof and report: few rows, a column of every kind, trained in some seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from autogluon.tabular import TabularPredictor

from agbento.compiler.proof.stock import quiet

Kind = Literal["regression", "binary", "multiclass", "quantile"]
GBM = {"GBM": {"num_boost_round": 12, "min_data_in_leaf": 5}}
LABEL = "y"
CITIES = ("Oslo", "Porto", "Quito")


def rows(kind: Kind, n: int = 300) -> pd.DataFrame:
    """Make ``n`` rows of which every column but "spare" moves the label."""
    rng = np.random.default_rng(7)
    hours = rng.integers(0, 9000, n)
    frame = pd.DataFrame(
        {
            "size": rng.uniform(1.0, 10.0, n),
            "weight": rng.normal(0, 10, n).astype("float32"),
            "gaps": pd.Series(rng.random(n)).mask(rng.random(n) < 0.2),
            "count": rng.integers(0, 30, n),
            "level": rng.integers(-100, 100, n).astype("int8"),
            "flag": rng.choice(np.array(["yes", "no"], dtype=object), n),
            "city": pd.Categorical(rng.choice(CITIES, n)),
            "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(hours, unit="h"),
            "note": [" ".join(rng.choice(["red", "blue", "old", "new", "large"], 6)) for _ in range(n)],
        }
    )
    score = frame["size"] + frame["weight"] / 5 + 3 * frame["gaps"].fillna(2) + frame["count"] / 5
    score += frame["level"] / 40 + 3 * (frame["flag"] == "yes") + 2 * frame["city"].cat.codes
    score += hours / 1000 + frame["note"].str.count("old")
    if kind == "binary":
        return frame.assign(**{LABEL: np.where(score > score.median(), "in", "out")})
    return frame.assign(**{LABEL: pd.qcut(score, 3, labels=False) if kind == "multiclass" else score})


def trained(kind: Kind, folder: Path, models: dict[str, Any] | None = None, without: str = "") -> TabularPredictor:
    """Train a predictor of ``kind``, on all columns but ``without``."""
    options = {"quantile_levels": [0.1, 0.5, 0.9]} if kind == "quantile" else {}
    data = rows(kind).drop(columns=[without] if without else [])
    with quiet():
        predictor = TabularPredictor(LABEL, problem_type=kind, path=str(folder), verbosity=0, **options)
        return predictor.fit(data, hyperparameters=models or GBM, num_cpus=1, num_gpus=0, raise_on_model_failure=True)
