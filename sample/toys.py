"""Tiny predictors of every problem type, for tests: a few hundred rows with a column of every kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from sample.train import deploy

Kind = Literal["regression", "binary", "multiclass", "quantile"]

LABELS: Final[dict[Kind, str]] = {
    "regression": "price",
    "binary": "sold",
    "multiclass": "grade",
    "quantile": "days",
}
QUANTILES: Final = (0.1, 0.5, 0.9)
CITIES: Final = ("Oslo", "Porto", "Quito")
WORDS: Final = ("red", "blue", "old", "new", "large", "small", "bright", "worn", "round", "plain")


def toy_rows(kind: Kind, n: int = 400, seed: int = 0) -> pd.DataFrame:
    """Make ``n`` rows for the predictor of ``kind``: shape ``(n, 7)``, the label last, no nulls.

    Columns: ``size`` (float, 1 to 10), ``count`` (int, 0 to 19), ``fresh`` (bool), ``city`` (three categories),
    ``when`` (datetime64 in 2024), ``note`` (text of six words), and the label of `LABELS`: a float for regression and
    quantile, the strings "yes"/"no" for binary, the ints 1, 2, 3 for multiclass.
    """
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "size": rng.uniform(1.0, 10.0, n).round(3),
            "count": rng.integers(0, 20, n),
            "fresh": rng.random(n) < 0.5,
            "city": pd.Categorical(rng.choice(CITIES, n), categories=list(CITIES)),
            "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 366, n), unit="D"),
            "note": [" ".join(rng.choice(WORDS, 6)) for _ in range(n)],
        }
    )
    frame[LABELS[kind]] = _label(kind, frame, rng)
    return frame


def toy_predictor(kind: Kind, folder: Path, data: pd.DataFrame | None = None) -> Path:
    """Train a LightGBM and a CatBoost of a few rounds on ``data`` (else `toy_rows`) into the new folder ``folder``.

    It is refitted and cloned for deployment, in some seconds. Returns ``folder``; raises FileExistsError if it exists.
    """
    options: dict[str, Any] = {"quantile_levels": list(QUANTILES)} if kind == "quantile" else {}
    hyperparameters = {"GBM": {"num_boost_round": 20}, "CAT": {"iterations": 20}}
    frame = toy_rows(kind) if data is None else data
    return deploy(frame, folder, hyperparameters, label=LABELS[kind], problem_type=kind, **options)


def _label(kind: Kind, frame: pd.DataFrame, rng: np.random.Generator) -> Any:
    """Make the label depend on every column but a little noise."""
    city = frame["city"].cat.codes.to_numpy()
    month = frame["when"].dt.month.to_numpy()
    old = frame["note"].str.count("old").to_numpy()
    score = frame["size"] + 0.3 * frame["count"] + 2.0 * frame["fresh"] + 1.5 * city - 0.2 * month - old
    score = score + rng.normal(0.0, 0.5, len(frame))
    if kind == "binary":
        return np.where(score > score.median(), "yes", "no")
    if kind == "multiclass":
        return pd.qcut(score, 3, labels=False) + 1
    return score.round(3)
