"""Trainings of every model family, each for the problem types that it can do."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sample.family import KINDS, Family, by_kind, fitted
from sample.toys import Kind

PLAIN: Final[tuple[Kind, ...]] = ("regression", "binary", "multiclass")
QUERIES: Final = "its rules are texts that pandas evaluates, and can call what they like"
TABPREP: Final = "autogluon.tabular.models.tabprep"
CLASSES: Final[tuple[Kind, ...]] = ("binary", "multiclass")


@dataclass(frozen=True)
class Models:
    """Configurations of one family of models: its key in AutoGluon, and what they need."""

    key: str
    configurations: tuple[dict[str, Any], ...]
    kinds: tuple[Kind, ...] = KINDS
    needs: tuple[str, ...] = ()
    refused: str = ""


MODELS: Final = (
    Models(
        "GBM",
        (
            {"num_boost_round": 5},
            {"num_boost_round": 5, "extra_trees": True, "ag_args": {"name_suffix": "XT"}},
            {"num_boost_round": 5, "boosting": "dart", "ag_args": {"name_suffix": "Dart"}},
            {"num_boost_round": 5, "linear_tree": True, "ag_args": {"name_suffix": "Linear"}},
        ),
    ),
    Models(
        "CAT",
        ({"iterations": 5}, {"iterations": 5, "grow_policy": "Lossguide", "ag_args": {"name_suffix": "_lossguide"}}),
    ),
    Models(
        "XGB",
        ({"n_estimators": 5}, {"n_estimators": 5, "enable_categorical": True, "ag_args": {"name_suffix": "_cat"}}),
        PLAIN,
    ),
    Models("RF", ({"n_estimators": 5}, {"n_estimators": 5, "max_features": 0.5, "ag_args": {"name_suffix": "Half"}})),
    Models("XT", ({"n_estimators": 5}, {"n_estimators": 5, "max_leaf_nodes": 9, "ag_args": {"name_suffix": "Few"}})),
    Models(
        "KNN",
        (
            {"weights": "uniform", "ag_args": {"name_suffix": "Unif"}},
            {"weights": "distance", "ag_args": {"name_suffix": "Dist"}},
            {"algorithm": "kd_tree", "ag_args": {"name_suffix": "Tree"}},
            {"algorithm": "ball_tree", "metric": "manhattan", "ag_args": {"name_suffix": "Ball"}},
        ),
        PLAIN,
    ),
    Models(
        "LR",
        (
            {},
            {"penalty": "L1", "ag_args": {"name_suffix": "_L1"}},
            {"proc.impute_strategy": "mean", "proc.skew_threshold": 0.1, "ag_args": {"name_suffix": "_mean"}},
        ),
        PLAIN,
    ),
    Models(
        "NN_TORCH",
        (
            {"num_epochs": 2},
            {
                "num_epochs": 2,
                "activation": "elu",
                "use_batchnorm": True,
                "optimizer": "sgd",
                "ag_args": {"name_suffix": "_elu"},
            },
            {
                "num_epochs": 2,
                "activation": "tanh",
                "num_layers": 1,
                "hidden_size": 8,
                "ag_args": {"name_suffix": "_tanh"},
            },
        ),
        needs=("torch",),
    ),
    Models(
        "FASTAI",
        ({"epochs": 2}, {"epochs": 2, "bs": 32, "layers": [20, 10], "ag_args": {"name_suffix": "_small"}}),
        needs=("fastai",),
    ),
    Models("TABM", ({"n_epochs": 1, "d_block": 16, "tabm_k": 4},), PLAIN, ("torch",)),
    Models(
        "REALMLP",
        (
            {"n_epochs": 1, "hidden_sizes": [8]},
            {"n_epochs": 1, "default_hyperparameters": "td_s", "ag_args": {"name_suffix": "_s"}},
        ),
        PLAIN,
        ("pytabkit",),
    ),
    Models("EBM", ({"max_rounds": 5, "outer_bags": 1},), PLAIN, ("interpret", "autogluon.tabular.models.ebm")),
    Models(
        "GBM_PREP", ({"num_boost_round": 5, "ag.prep_params": [["ArithmeticFeatureGenerator", {}]]},), needs=(TABPREP,)
    ),
    Models("IM_RULEFIT", ({"max_rules": 5},), ("regression", "binary"), ("imodels",), QUERIES),
    Models("IM_GREEDYTREE", ({"max_leaf_nodes": 5},), CLASSES, ("imodels",)),
    Models("IM_FIGS", ({"max_rules": 5},), PLAIN, ("imodels",)),
    Models("IM_BOOSTEDRULES", ({"n_estimators": 3},), ("binary",), ("imodels",), QUERIES),
    Models("DUMMY", ({},)),
    Models(
        "TABPFNMIX",
        ({"model_path_classifier": None, "model_path_regressor": None, "n_layers": 1, "dim": 16},),
        PLAIN,
        ("einops", "huggingface_hub"),
    ),
    # These open weights that their packages download; where there is no network, they fail and say so.
    Models("TABPFN-3", ({},), PLAIN, ("tabpfn",)),
    Models("TABICL", ({},), PLAIN, ("tabicl",)),
    Models("TABDPT", ({},), PLAIN, ("tabdpt",)),
    Models("NORI", ({},), ("regression",), ("synthefy_nori",)),
    Models("FT_TRANSFORMER", ({},), PLAIN, ("autogluon.multimodal",)),
    Models("AG_AUTOMM", ({},), PLAIN, ("autogluon.multimodal",)),
)


def model_families() -> Iterator[tuple[str, Family]]:
    """Each family of models for each of its problem types: fitted, and refitted on all rows; some seconds each."""
    for models in MODELS:
        yield from by_kind(models.key.lower(), _trainer(models), models.kinds, models.needs, models.refused)
    yield from by_kind("mitra", _mitra, PLAIN, ("einx", "safetensors", "transformers"))


def _trainer(models: Models) -> Any:
    def train(kind: Kind, folder: Path) -> None:
        predictor = fitted(kind, folder, hyperparameters={models.key: [dict(each) for each in models.configurations]})
        predictor.refit_full()

    return train


def _mitra(kind: Kind, folder: Path) -> None:
    """Fit a Mitra on tiny weights of its own, since the real ones are downloaded."""
    from autogluon.tabular.models.mitra._internal.models.tab2d import Tab2D

    task, outputs = ("REGRESSION", 1) if kind == "regression" else ("CLASSIFICATION", 10)
    with tempfile.TemporaryDirectory() as weights:
        Tab2D(32, outputs, 1, 2, task, False, "", device="cpu").save_pretrained(weights)
        fitted(kind, folder, hyperparameters={"MITRA": {"fine_tune": False, "hf_model": weights}})
