"""One small training that leaves a predictor on disk, so that what predictors hold can be looked at."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd
from autogluon.tabular import TabularPredictor

from sample.toys import LABELS, QUANTILES, Kind, toy_rows
from sample.train import quiet

KINDS: Final[tuple[Kind, ...]] = ("regression", "binary", "multiclass", "quantile")
ROWS: Final = 160
FOLDS: Final = {"fold_fitting_strategy": "sequential_local"}
BOUNDS: Final[dict[str, Any]] = {"num_gpus": 0, "num_cpus": 1, "raise_on_no_models_fitted": False}
GBM: Final[dict[str, Any]] = {"GBM": {"num_boost_round": 5}}


class FamilyFailed(Exception):
    """A training left a model out, or did not do what it is there for; the text says what."""


@dataclass(frozen=True)
class Family:
    """What is trained: ``train`` leaves one or several predictors in the new folder that it is given.

    ``needs`` are the modules without which it cannot be trained; ``refused`` says why names that it holds may never be
    allowed, so that such a predictor cannot be imported.
    """

    train: Callable[[Path], object]
    needs: tuple[str, ...] = ()
    refused: str = ""

    def missing(self) -> tuple[str, ...]:
        """The modules of ``needs`` that are not installed here."""
        return tuple(name for name in self.needs if importlib.util.find_spec(name) is None)


def fitted(kind: Kind, folder: Path, data: pd.DataFrame | None = None, *, label: str | None = None, **fit: Any) -> Any:
    """Fit a predictor on ``data`` (else toy rows) with the arguments ``fit``, or those of `TabularPredictor`.

    One thread, no GPU, folds one after the other: a second or two. Returns the predictor, which is saved in ``folder``.
    Raises FamilyFailed naming each model that could not be trained.
    """
    frame = toy_rows(kind, ROWS) if data is None else data
    init = {name: fit.pop(name) for name in INIT & fit.keys()}
    if kind == "quantile":
        init["quantile_levels"] = list(QUANTILES)
    ensemble = {**FOLDS, **fit.pop("ag_args_ensemble", {})}
    with quiet():
        predictor = TabularPredictor(
            label=label or LABELS[kind], problem_type=kind, path=str(folder), **{"verbosity": 0, **init}
        )
        predictor.fit(
            frame,
            **{
                "hyperparameters": GBM,
                **BOUNDS,
                "ag_args_ensemble": ensemble,
                **fit,
            },
        )
    _require_all(predictor)
    return predictor


INIT: Final = frozenset(
    {
        "eval_metric",
        "sample_weight",
        "weight_evaluation",
        "groups",
        "positive_class",
        "learner_kwargs",
        "log_to_file",
    }
)


def by_kind(
    name: str,
    train: Callable[[Kind, Path], object],
    kinds: tuple[Kind, ...] = KINDS,
    needs: tuple[str, ...] = (),
    refused: str = "",
) -> Iterator[tuple[str, Family]]:
    """Give a family ``name-kind`` for each of ``kinds``."""
    for kind in kinds:
        yield f"{name}-{kind}", Family(_of_kind(train, kind), needs, refused)


def several(trainings: Mapping[str, Callable[[Path], object]]) -> Callable[[Path], object]:
    """Make one training of many: each into the folder of its name, so that one that fails is named."""

    def train(folder: Path) -> None:
        failed = []
        for name, each in trainings.items():
            try:
                each(folder / name)
            except Exception as error:  # noqa: BLE001 — what AutoGluon raises has no common class
                failed.append(f"{name}: {type(error).__name__}: {error}")
        if failed:
            raise FamilyFailed("; ".join(failed))

    return train


def _of_kind(train: Callable[[Kind, Path], object], kind: Kind) -> Callable[[Path], object]:
    return lambda folder: train(kind, folder)


def _require_all(predictor: Any) -> None:
    failures = predictor.model_failures()
    if len(failures):
        told = (f"{row.model}: {row.exc_type}: {row.exc_str}" for row in failures.itertuples())
        raise FamilyFailed("; ".join(told))
