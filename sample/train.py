"""The sample predictor: real, small, and as a deployment has it.

``python -m sample.train`` trains it, unless the cache has it already, and prints its folder.
"""

from __future__ import annotations

import hashlib
import logging
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import autogluon.tabular
import pandas as pd
from autogluon.tabular import TabularPredictor

from sample.rows import LABEL, rows

NAME: Final = "AutoGluon_mlflow_best_quality_deployment"  # the folder's name in the original's bucket
ROWS: Final = 10_000
SEED: Final = 20319
CACHE: Final = Path(".cache/sample")
SOURCES: Final = ("rows.py", "train.py")  # a change in one of them makes another predictor

# Rounds and leaves are bounded so that all three find a place in the ensemble and the training stays short.
HYPERPARAMETERS: Final[dict[str, Any]] = {
    "GBM": [
        {"num_boost_round": 120, "learning_rate": 0.05, "feature_fraction": 0.7},
        {
            "num_boost_round": 250,
            "learning_rate": 0.1,
            "extra_trees": True,
            "num_leaves": 15,
            "feature_fraction": 0.6,
            "ag_args": {"name_suffix": "XT"},
        },
    ],
    "CAT": {"iterations": 180, "learning_rate": 0.1},
}


def train(data: pd.DataFrame, folder: Path, hyperparameters: dict[str, Any] | None = None) -> Path:
    """Train on `sample.rows.rows` and leave a deployment clone in ``folder``, which must not exist yet.

    ``data`` is ``(n, 22)``; ``id`` is dropped, the label is ``cost`` in US dollars, the measure the mean squared error.
    Two LightGBMs (one of extra trees) and a CatBoost under a weighted ensemble, each refitted on all of ``data``;
    the clone holds only what predicting needs. Some 4 s on two cores for 10,000 rows. Returns ``folder``.
    Raises what AutoGluon raises for data that it cannot learn from.
    """
    return deploy(data.drop(columns="id"), folder, hyperparameters or HYPERPARAMETERS, label=LABEL)


def sample_predictor(cache: Path = CACHE) -> Path:
    """Give the sample predictor's folder under ``cache``, training it the first time only.

    The place is keyed by seed, AutoGluon's version and the sources of the sample, so that a change of one retrains.
    All or nothing: it is trained beside its place and renamed into it, and of two that train at once the first wins.
    """
    place = cache / _key()
    if not place.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=".training-") as scratch:
            train(rows(ROWS, SEED), Path(scratch) / "key" / NAME)
            _publish(Path(scratch) / "key", place)
    return (place / NAME).resolve()


def _publish(made: Path, place: Path) -> None:
    """Rename ``made`` to ``place``, unless another process has been there first."""
    try:
        made.rename(place)
    except OSError:
        if not (place / NAME).exists():
            raise


def _key() -> str:
    digest = hashlib.sha256(f"{SEED} {ROWS} {autogluon.tabular.__version__} {sys.version_info[:2]}".encode())
    for name in SOURCES:
        digest.update((Path(__file__).parent / name).read_bytes())
    return digest.hexdigest()[:16]


def deploy(data: pd.DataFrame, folder: Path, hyperparameters: dict[str, Any], **options: Any) -> Path:
    """Fit in a scratch folder, refit on all rows, and clone into ``folder`` what predicting needs."""
    if folder.exists():
        raise FileExistsError(f"{folder} is there already; a predictor is trained into a new folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="agbento-train-") as scratch, quiet():
        predictor = TabularPredictor(path=scratch, verbosity=0, **options)
        predictor.fit(data, hyperparameters=hyperparameters, num_gpus=0)
        predictor.refit_full()
        predictor.clone_for_deployment(str(folder))
    return folder


@contextmanager
def quiet() -> Iterator[None]:
    """Hush what no user of the sample can mend: warnings from below AutoGluon, and that there is no torch."""
    resources = logging.getLogger("autogluon.common.utils.resource_utils")
    level = resources.level
    resources.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        resources.setLevel(level)


if __name__ == "__main__":
    print(sample_predictor())
