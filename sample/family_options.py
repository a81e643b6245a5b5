"""Trainings with the options of `TabularPredictor` that leave traces in what is saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from autogluon.common import space
from autogluon.tabular import TabularPredictor

from sample.family import GBM, ROWS, Family, by_kind, fitted
from sample.toys import LABELS, Kind, toy_predictor, toy_rows

FEW: Final[dict[str, Any]] = {
    "GBM": {"num_boost_round": 5},
    "CAT": {"iterations": 5},
    "RF": {"n_estimators": 5},
    "XT": {"n_estimators": 5},
}
PLAIN: Final[dict[str, Any]] = {**FEW, "XGB": {"n_estimators": 5}, "KNN": {}, "LR": {}}
NETWORKS: Final[dict[str, Any]] = {"NN_TORCH": {"num_epochs": 1}, "FASTAI": {"epochs": 1}}
BAGS: Final[dict[str, Any]] = {"num_bag_folds": 2, "num_bag_sets": 1, "dynamic_stacking": False}
WEIGHTS: Final = "weight"
GROUPS: Final = "group"


def option_families() -> Iterator[tuple[str, Family]]:
    """Each option, for each problem type where it matters; two to twenty seconds each."""
    yield from by_kind("deployed", toy_predictor)
    yield from by_kind("bagged", _bagged)
    yield from by_kind("bagged-networks", _bagged_networks, needs=("torch", "fastai"))
    yield from by_kind("calibrated", _fit_with(calibrate=True), ("binary", "multiclass", "quantile"), ("torch",))
    yield from by_kind("presets", _presets)
    yield from by_kind("weighted", _weighted, ("regression", "binary", "multiclass"))
    yield from by_kind("tuned", _tuned, ("regression", "binary"))
    yield from by_kind("distilled", _distilled, ("regression", "binary", "multiclass"), ("torch",))
    yield from by_kind("pseudo", _pseudo, ("regression", "binary", "multiclass"))
    yield from by_kind("interpretable", _interpretable, ("regression", "binary"), ("imodels",))
    for name, (kind, train) in OPTIONS.items():
        yield name, Family(partial(train, kind))


def _fit_with(**options: Any) -> Callable[[Kind, Path], Any]:
    return lambda kind, folder: fitted(kind, folder, **options)


def _bagged(kind: Kind, folder: Path) -> None:
    """Two sets of two folds on two levels, refitted; the nearest neighbours and forests keep no folds."""
    models = FEW if kind == "quantile" else PLAIN
    predictor = fitted(kind, folder, hyperparameters=models, **{**BAGS, "num_bag_sets": 2, "num_stack_levels": 1})
    predictor.refit_full()
    predictor.clone_for_deployment(str(folder.with_name(f"{folder.name}-clone")), dirs_exist_ok=True)


def _bagged_networks(kind: Kind, folder: Path) -> None:
    predictor = fitted(kind, folder, hyperparameters=NETWORKS, **BAGS)
    predictor.refit_full()
    predictor.save_space()


def _presets(kind: Kind, folder: Path) -> None:
    """The best preset in all but its models, then what a deployment keeps."""
    predictor = fitted(
        kind,
        folder,
        presets="best_quality",
        hyperparameters=FEW,
        num_bag_folds=2,
        num_bag_sets=1,
        ds_args={"validation_procedure": "holdout"},
    )
    predictor.refit_full("best")
    predictor.delete_models(models_to_keep="best", dry_run=False)
    predictor.save_space()


def _weighted(kind: Kind, folder: Path) -> None:
    frame = toy_rows(kind, ROWS).assign(**{WEIGHTS: np.random.default_rng(1).uniform(0.5, 2.0, ROWS)})
    fitted(kind, folder, frame, hyperparameters=PLAIN, sample_weight=WEIGHTS, weight_evaluation=True)


def _tuned(kind: Kind, folder: Path) -> None:
    models = {
        "GBM": {"num_boost_round": 5, "num_leaves": space.Int(8, 32), "learning_rate": space.Real(0.01, 0.2, log=True)},
        "CAT": {"iterations": 5, "depth": space.Categorical(3, 4)},
    }
    fitted(
        kind,
        folder,
        hyperparameters=models,
        hyperparameter_tune_kwargs={"num_trials": 2, "scheduler": "local", "searcher": "random"},
    )


def _distilled(kind: Kind, folder: Path) -> None:
    predictor = fitted(kind, folder, hyperparameters={**FEW, "XGB": {"n_estimators": 5}})
    students = {**FEW, "NN_TORCH": {"num_epochs": 1}, "RF": {"n_estimators": 5}}
    for teacher in ("soft", "hard"):
        predictor.distill(
            hyperparameters=students,
            teacher_preds=teacher,
            augment_args={"size_factor": 1, "max_size": 100},
            models_name_suffix=teacher,
            verbosity=0,
        )


def _pseudo(kind: Kind, folder: Path) -> None:
    predictor = fitted(kind, folder, **BAGS)
    unlabelled = toy_rows(kind, ROWS, seed=1).drop(columns=LABELS[kind])
    predictor.fit_pseudolabel(unlabelled, max_iter=1, hyperparameters=GBM)


def _extended(kind: Kind, folder: Path) -> None:
    predictor = fitted(kind, folder, hyperparameters={"GBM": {"num_boost_round": 5}, "RF": {"n_estimators": 5}})
    predictor.fit_extra({"XT": {"n_estimators": 5}})
    predictor.fit_weighted_ensemble(name_suffix="Again")
    predictor.refit_full()
    predictor.set_model_best(predictor.model_names()[0], save_trainer=True)
    predictor.save()


def _threshold(kind: Kind, folder: Path) -> None:
    predictor = fitted(kind, folder, eval_metric="f1", calibrate_decision_threshold=True, positive_class="yes")
    predictor.set_decision_threshold(0.25)
    predictor.save()


def _grouped(kind: Kind, folder: Path) -> None:
    frame = toy_rows(kind, ROWS).assign(**{GROUPS: np.arange(ROWS) % 3})
    fitted(kind, folder, frame, groups=GROUPS, **{**BAGS, "num_bag_folds": 3})


def _given_validation(kind: Kind, folder: Path) -> None:
    extra: dict[str, Any] = {
        name: toy_rows(kind, 60, seed) for seed, name in enumerate(("tuning_data", "test_data"), 1)
    }
    fitted(
        kind,
        folder,
        hyperparameters={**GBM, "XGB": {"n_estimators": 5}, "CAT": {"iterations": 5}},
        learning_curves=True,
        **extra,
    )


def _inferred(kind: Kind, folder: Path) -> None:
    """Nothing is said but the label: problem type and metric are found."""
    TabularPredictor(LABELS[kind], path=str(folder), verbosity=0).fit(
        toy_rows(kind, ROWS), hyperparameters=GBM, num_gpus=0
    )


def _interpretable(kind: Kind, folder: Path) -> None:
    """Numbers only: of categories, AutoGluon's preset makes sparse columns that it cannot take the spread of."""
    frame = toy_rows(kind, ROWS)[["size", "count", LABELS[kind]]]
    fitted(kind, folder, frame, hyperparameters={"IM_FIGS": {"max_rules": 5}}, presets="interpretable")


def _kept_best(kind: Kind, folder: Path) -> None:
    fitted(
        kind,
        folder,
        hyperparameters=PLAIN,
        keep_only_best=True,
        save_space=True,
        refit_full=True,
        set_best_to_refit_full=True,
    )


OPTIONS: Final[dict[str, tuple[Kind, Callable[[Kind, Path], Any]]]] = {
    "balanced": ("multiclass", _fit_with(sample_weight="balance_weight")),
    "auto-weighted": ("binary", _fit_with(sample_weight="auto_weight")),
    "extended": ("multiclass", _extended),
    "threshold": ("binary", _threshold),
    "grouped": ("regression", _grouped),
    "learning-curves": ("multiclass", _given_validation),
    "kept-best": ("binary", _kept_best),
    "inferred-regression": ("regression", _inferred),
    "inferred-binary": ("binary", _inferred),
    "inferred-multiclass": ("multiclass", _inferred),
    "uncached": ("regression", _fit_with(learner_kwargs={"cache_data": False})),
    "no-folds": ("binary", _fit_with(**BAGS, refit_full=True, save_bag_folds=False, set_best_to_refit_full=True)),
    "holdout": ("multiclass", _fit_with(**BAGS, use_bag_holdout=True, holdout_frac=0.3)),
    "stacked-dynamically": (
        "binary",
        _fit_with(auto_stack=True, dynamic_stacking=True, ds_args={"memory_safe_fits": False}),
    ),
    "limited": ("regression", _fit_with(infer_limit=0.1, infer_limit_batch_size=100, time_limit=60)),
    "simple-ensemble": ("regression", _fit_with(hyperparameters={**GBM, "SIMPLE_ENS_WEIGHTED": {}})),
    "short-trees": (
        "multiclass",
        _fit_with(ag_args_fit={"ag.early_stop": 2, "predict_1_batch_size": 1}, hyperparameters=GBM),
    ),
    "pruned": ("regression", _fit_with(feature_prune_kwargs={"force_prune": True, "max_fits": 2})),
    "models-left-out": (
        "regression",
        _fit_with(hyperparameters=FEW, included_model_types=["GBM"]),
    ),
    "stopped-early": (
        "binary",
        _fit_with(callbacks=[["EarlyStoppingCountCallback", {"patience": 1}]], hyperparameters=FEW),
    ),
}
