"""The predictors that are measured: trained once, compiled once, imported once, and kept under build/bench-models.

``python -m benchmarks.models`` trains what is missing. Everything is keyed by what it comes from: a predictor by its
recipe, the made-up rows and AutoGluon's version; what was compiled or imported also by the source that did it.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import sample.rows
from benchmarks.progress import say
from sample.rows import LABEL, rows
from sample.train import HYPERPARAMETERS, ROWS

ROOT: Final = Path(__file__).resolve().parents[1]
CACHE: Final = ROOT / "build" / "bench-models"
SEED: Final = 20319
_REFERENCE_ROWS: Final = 10_000  # of the training, for drift
CORES: Final = 2  # what the predictors are trained with, on any machine
_TRAIN: Final = """import pickle, sys, pathlib, benchmarks.models as models
models.train(pickle.load(sys.stdin.buffer), pathlib.Path(sys.argv[1]))"""
_COMPILE: Final = "import sys; from agbento.compiler import compile_predictor as c; c(sys.argv[1]).save(sys.argv[2])"
# LightGBM's threads wait for each other by spinning, which on a busy machine makes minutes of seconds.
_PATIENT: Final = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"}


@dataclass(frozen=True)
class Recipe:
    """How a predictor is trained: ``n`` made-up rows, the options of AutoGluon's ``fit``, and what must come of it."""

    name: str
    title: str
    n: int
    fit: Mapping[str, Any]
    best: str
    """The model that answers, by the name that AutoGluon gives it before it is refitted."""
    holds: tuple[str, ...]
    """AutoGluon's classes of the models that the deployed predictor must hold, sorted; of a bag the class in it."""
    folder: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", f"bench_{self.name}")


_GBM, _XT = HYPERPARAMETERS["GBM"]
_FOREST: Final = {"n_estimators": 300, "n_jobs": CORES}

MEDIUM: Final = Recipe(
    "medium",
    "the sample's: two LightGBMs and a CatBoost, weighted",
    ROWS,
    {"hyperparameters": HYPERPARAMETERS},
    "WeightedEnsemble_L2",
    ("CatBoostModel", "GreedyWeightedEnsembleModel", "LGBModel", "LGBModel"),
)
STACK: Final = Recipe(
    "stack",
    "best_quality: two LightGBMs, a CatBoost, a RandomForest and ExtraTrees of 300 trees each below a stacked LightGBM",
    40_000,
    {
        "presets": "best_quality",
        "hyperparameters": {
            1: {"GBM": [_GBM, _XT], "CAT": HYPERPARAMETERS["CAT"], "RF": _FOREST, "XT": _FOREST},
            2: {"GBM": {"num_boost_round": 120, "learning_rate": 0.05}},
        },
        "num_bag_folds": 2,
        "num_bag_sets": 1,
        "num_stack_levels": 1,
        "dynamic_stacking": False,
        "fit_weighted_ensemble": False,
        "ag_args_ensemble": {"fold_fitting_strategy": "sequential_local"},
    },
    "LightGBM_BAG_L2",
    ("CatBoostModel", "LGBModel", "LGBModel", "LGBModel", "RFModel", "XTModel"),
)
MIXED: Final = Recipe(
    "mixed",
    "a LightGBM and k nearest neighbours, which have no native form, weighted",
    2_000,
    {"hyperparameters": {"GBM": {"num_boost_round": 8, "learning_rate": 0.05}, "KNN": {"weights": "distance"}}},
    "WeightedEnsemble_L2",
    ("GreedyWeightedEnsembleModel", "KNNModel", "LGBModel"),
)
RECIPES: Final = {recipe.name: recipe for recipe in (MEDIUM, STACK, MIXED)}


def trained(recipe: Recipe, cache: Path = CACHE) -> Path:
    """Give the folder of the deployed predictor of ``recipe``; trains it where the cache has none.

    Raises ValueError where the predictor does not hold the models that the recipe promises.
    """
    place = cache / _key(recipe) / recipe.folder
    if not place.exists():
        say(f"train {recipe.name}: {recipe.title}; once")
        _make(place, lambda folder: _run("-c", _TRAIN, str(folder), environment=_PATIENT, told=pickle.dumps(recipe)))
    return place


def compiled(recipe: Recipe, cache: Path = CACHE) -> Path:
    """Give the folder of the compiled predictor of ``recipe``; compiles it where the cache has none of this source."""
    predictor = trained(recipe, cache)
    place = predictor.with_name(f"compiled-{_source_digest('agbento/compiler')}")
    if not place.exists():
        _forget(place, "compiled-*")
        say(f"compile {recipe.name}")
        _make(place, lambda folder: _run("-c", _COMPILE, str(predictor), str(folder)))
    return place


def imported(recipe: Recipe, cache: Path = CACHE) -> tuple[Path, str]:
    """Give a BENTOML_HOME with the predictor of ``recipe``, imported by this source, and the model's tag there.

    Raises CalledProcessError where import_model.py refuses it.
    """
    predictor = trained(recipe, cache)
    place = predictor.with_name(f"imported-{_source_digest('agbento')}")
    if not place.exists():
        _forget(place, "imported-*")
        say(f"import {recipe.name}")
        _make(place, lambda folder: _import(recipe, predictor, folder))
    return place / "bentoml", (place / "tag").read_text("utf-8")


def _key(recipe: Recipe) -> str:
    told = (recipe.name, recipe.n, recipe.fit, recipe.best, SEED, version("autogluon.tabular"), sys.version_info[:2])
    digest = hashlib.sha256(repr(told).encode())
    digest.update(Path(sample.rows.__file__).read_bytes())
    return f"{recipe.name}-{digest.hexdigest()[:16]}"


def _source_digest(package: str) -> str:
    digest = hashlib.sha256()
    for file in sorted((ROOT / package).rglob("*.py")):
        digest.update(f"{file.relative_to(ROOT).as_posix()}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _make(place: Path, make: Any) -> None:
    """Let ``make`` fill a folder beside ``place`` and rename it into place: all or nothing."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".making-") as scratch:
        make(Path(scratch) / place.name)
        (Path(scratch) / place.name).rename(place)


def _forget(place: Path, pattern: str) -> None:
    """Remove what an older source has left: a stack takes gigabytes."""
    for old in place.parent.glob(pattern):
        shutil.rmtree(old)


def train(recipe: Recipe, folder: Path) -> None:
    """Train ``recipe``, refit it on all rows, and clone into ``folder`` what predicting needs.

    Raises ValueError where that does not hold the models that the recipe promises.
    """
    from autogluon.tabular import TabularPredictor

    data = rows(recipe.n, SEED).drop(columns="id")
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fit-") as scratch:
        predictor = TabularPredictor(label=LABEL, path=scratch, verbosity=0)
        predictor.fit(data, num_cpus=CORES, num_gpus=0, **recipe.fit)
        refitted = predictor.refit_full(recipe.best)[recipe.best]
        predictor.set_model_best(refitted, save_trainer=True)
        predictor.clone_for_deployment(str(folder))
    trainer = TabularPredictor.load(str(folder), verbosity=0)._trainer
    models = [trainer.load_model(name) for name in trainer._construct_model_pred_order([trainer._get_best()])]
    found = sorted((getattr(model, "_child_type", None) or type(model)).__name__ for model in models)
    if tuple(found) != recipe.holds:
        raise ValueError(f"{recipe.name} holds {found}, expected {recipe.holds}")


def _import(recipe: Recipe, predictor: Path, folder: Path) -> None:
    folder.mkdir()
    reference = folder / "reference.csv"
    rows(min(recipe.n, _REFERENCE_ROWS), SEED).drop(columns="id").to_csv(reference, index=False)
    environment = {"BENTOML_HOME": str(folder / "bentoml"), "BENTOML_DO_NOT_TRACK": "True"}
    command = (str(ROOT / "import_model.py"), str(predictor), "--reference", str(reference))
    told = _run(*command, environment=environment)
    (folder / "tag").write_text(told.strip().splitlines()[-1], "utf-8")


def _run(*arguments: str, environment: Mapping[str, str] | None = None, told: bytes | None = None) -> str:
    command, variables = [sys.executable, *arguments], {**os.environ, **(environment or {})}
    done = subprocess.run(command, cwd=ROOT, env=variables, input=told, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


if __name__ == "__main__":
    for known in RECIPES.values():
        print(trained(known))
