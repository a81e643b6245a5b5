"""Rows with a column of every raw type that AutoGluon has, and of the rarer ways to hold one."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from autogluon.tabular import TabularPredictor

from sample.toys import QUANTILES, Kind
from sample.train import deploy

LABEL = "y"
THRESHOLD = 0.3  # of the positive class, True, where the label is binary
NULLS = 0.1  # share of the columns that have some
WORDS = ("red", "blue", "old", "new", "large", "small", "bright", "worn")


def gaps(values: Any, rng: np.random.Generator) -> Any:
    """The values with nulls among them."""
    return pd.Series(values).mask(rng.random(len(values)) < NULLS)


def odd_rows(kind: Kind = "regression", n: int = 600, seed: int = 0) -> pd.DataFrame:
    """Make ``n`` rows; the label depends on a few columns, the features that AutoGluon makes depend on all of them."""
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2024-01-01")
    days, hours = rng.integers(0, 366, n), rng.integers(0, 9000, n)

    def choice(*values: Any) -> Any:
        return rng.choice(np.array(values, dtype=object), n)

    frame = pd.DataFrame(
        {
            "int 64": rng.integers(-1000, 1000, n),
            "int(8)": rng.integers(-100, 100, n).astype("int8"),
            "uint.16": rng.integers(0, 60000, n).astype("uint16"),
            "int flag": rng.integers(0, 2, n),
            "int two": rng.choice([3, 7], n),
            "float 64": rng.normal(0, 100, n),
            "größe": rng.random(n).astype("float32"),
            "float gaps": gaps(rng.random(n), rng),
            "float flag": rng.choice(np.array([0.1, 0.2], dtype="float32"), n),
            "float flag gaps": rng.choice([1.0, np.nan], n),
            "bool": rng.random(n) < 0.5,
            "bool gaps": gaps(choice(True, False), rng),
            "text flag": choice("yes", "no"),
            "text flag gaps": gaps(choice("on"), rng).where(rng.random(n) < 0.5, None),
            "category": pd.Categorical(choice("Oslo", "Porto", "Quito")),
            "category of ints": pd.Categorical(rng.choice([1, 2, 30], n)),
            "category of dates": pd.Categorical(
                rng.choice(pd.to_datetime(["2024-01-02", "2024-01-03", "2024-02-01"]), n)
            ),
            "intervals": pd.cut(rng.random(n), [0.0, 0.25, 0.5, 1.0]),
            "texts": gaps(choice("a", " b", 'c,"d"', "ü"), rng),
            "numbers as texts": choice("1", "2.5", "30"),
            "numbers as objects": choice(1, 2.5, 30),
            "whole numbers as objects": gaps(choice(1, 2, 30), rng),
            "dates": start + pd.to_timedelta(days, unit="D"),
            "dates gaps": gaps(start + pd.to_timedelta(hours, unit="h"), rng),
            "dates in seconds": pd.Series(start + pd.to_timedelta(hours, unit="h")).astype("datetime64[s]"),
            "dates in Paris": pd.Timestamp("2024-01-01", tz="Europe/Paris") + pd.to_timedelta(hours, unit="h"),
            "dates as texts": [f"{start + pd.Timedelta(days=int(d)):%m/%d/%Y}" for d in days],
            "dates as objects": pd.Series(
                [datetime.date(2024, 1, 1) + datetime.timedelta(int(d)) for d in days], dtype=object
            ),
            "two dates": rng.choice(pd.to_datetime(["2024-01-01", "2024-06-01"]), n),
            "two dates as texts": choice("06/01/2024", "2024-01-01"),
            "two dates as objects": choice(datetime.date(2024, 1, 1), datetime.date(2024, 6, 1)),
            "text": [" ".join(rng.choice(WORDS, 6)) for _ in range(n)],
            "constant": 1,
            "id": [f"id{i}" for i in range(n)],
            "nullable": pd.array(rng.integers(0, 50, n), dtype="Int64"),
        }
    )
    return frame.assign(**{LABEL: _label(kind, frame, rng)})


def odd_predictor(kind: Kind, folder: Path) -> Path:
    """Train a LightGBM and a CatBoost of a few rounds on `odd_rows` into the new folder ``folder``."""
    options: dict[str, Any] = {"quantile_levels": list(QUANTILES)} if kind == "quantile" else {}
    models = {"GBM": {"num_boost_round": 10}, "CAT": {"iterations": 10}}
    deploy(odd_rows(kind), folder, models, label=LABEL, problem_type=kind, **options)
    if kind == "binary":
        predictor = TabularPredictor.load(str(folder), verbosity=0)
        predictor.set_decision_threshold(THRESHOLD)
        predictor.save()
    return folder


def _label(kind: Kind, frame: pd.DataFrame, rng: np.random.Generator) -> Any:
    score = (
        frame["float 64"] / 50 + 2.0 * frame["bool"] + (frame["text flag"] == "yes") + 3 * frame["float gaps"].fillna(2)
    )
    score = score + frame["category"].cat.codes + frame["dates"].dt.month / 4 + rng.normal(0, 0.1, len(frame))
    match kind:
        case "binary":
            return score > score.median()
        case "multiclass":
            return np.array([" low", "middle", "high"])[pd.qcut(score, 3, labels=False)]
        case _:
            return score
