"""Trainings with every measure that AutoGluon has, and one predictor that was given a measure as an object."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from autogluon.core import metrics

from sample.family import ROWS, Family, by_kind, fitted, several
from sample.toys import LABELS, Kind, toy_rows

MODELS: Final[dict[str, Any]] = {"GBM": {"num_boost_round": 3}, "CAT": {"iterations": 3}, "XGB": {"n_estimators": 3}}
NETWORKS: Final[dict[str, Any]] = {"NN_TORCH": {"num_epochs": 1}, "FASTAI": {"epochs": 1}}


def metric_families() -> Iterator[tuple[str, Family]]:
    """One family for each problem type, with a predictor for each of its measures: a second each."""
    yield from by_kind("metrics", _every_metric)
    yield from by_kind("metrics-networks", _network_metrics, needs=("torch", "fastai"))


def _every_metric(kind: Kind, folder: Path) -> None:
    models = {"GBM": MODELS["GBM"]} if kind == "quantile" else MODELS
    names = metrics.METRICS[kind]
    several({name: partial(_measured, kind, name, models) for name in names})(folder)


def _network_metrics(kind: Kind, folder: Path) -> None:
    names = list(metrics.METRICS[kind])[:4]
    several({name: partial(_measured, kind, name, NETWORKS) for name in names})(folder)


def _measured(kind: Kind, name: str, models: dict[str, Any], folder: Path) -> None:
    frame = toy_rows(kind, ROWS)
    if kind == "binary":
        frame[LABELS[kind]] = (frame[LABELS[kind]] == "yes").astype(int)
    fitted(kind, folder, frame, hyperparameters=models, eval_metric=metrics.METRICS[kind][name])
