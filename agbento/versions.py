"""The versions that a predictor was trained with, read before any of its pickles is opened."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from agbento.errors import PredictorNotLoadable
from agbento.text import shown


@dataclass(frozen=True)
class Versions:
    """Versions of AutoGluon and Python; Python's with its patch, where the predictor knows it."""

    autogluon: str
    python: str


def training_versions(predictor: Path) -> Versions:
    """Read ``version.txt`` and ``metadata.json``, as AutoGluon 0.6 and later write them.

    Raises PredictorNotLoadable where one is missing or cannot be read.
    """
    try:
        metadata = json.loads((predictor / "metadata.json").read_text("utf-8"))
        python = str(metadata.get("py_version_micro") or metadata["py_version"])
        return Versions((predictor / "version.txt").read_text("utf-8").strip(), python)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise PredictorNotLoadable(
            "version.txt and metadata.json, which AutoGluon writes beside a predictor, are missing or broken: "
            "upload the predictor's folder again, all of it"
        ) from None


def check_versions(trained: Versions) -> None:
    """Compare with what runs now; AutoGluon loads only predictors of its own version, and of its Python's.

    Raises PredictorNotLoadable with both versions and what to install.
    """
    here = Versions(version("autogluon.tabular"), platform.python_version())
    python = _minor(trained.python)
    if trained.autogluon != here.autogluon or python != _minor(here.python):
        raise PredictorNotLoadable(
            f"trained with AutoGluon {shown(trained.autogluon, 40)} and Python {shown(python, 40)}, here are AutoGluon "
            f"{here.autogluon} and Python {_minor(here.python)}: import and serve it in an environment with Python "
            f"{shown(python, 40)} and autogluon.tabular=={shown(trained.autogluon, 40)}"
        )


def _minor(python: str) -> str:
    return ".".join(python.split(".")[:2])
