"""Every small training there is: models, options and values that a predictor can hold.

``python -m sample.families FOLDER [NAME…]`` trains all of them, or those named, into ``FOLDER/NAME``, in five minutes.
One line each says how long it took, or why it cannot be trained here; a missing package is no failure.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Final

from sample.family import Family
from sample.family_generators import generator_families
from sample.family_metrics import metric_families
from sample.family_models import model_families
from sample.family_options import option_families
from sample.family_values import value_families

FAMILIES: Final[dict[str, Family]] = dict(
    (*model_families(), *option_families(), *metric_families(), *value_families(), *generator_families())
)


class CannotTrain(Exception):
    """A package that a training needs is not installed here; the text names it."""


def train_family(name: str, folder: Path) -> Path:
    """Train the family ``name`` into the new folder ``folder``, in some seconds, and return it.

    Raises KeyError for a name that is none of `FAMILIES`, FileExistsError, CannotTrain where a package is missing, and
    what AutoGluon raises.
    """
    family = FAMILIES[name]
    if missing := family.missing():
        raise CannotTrain(f"{', '.join(missing)} not installed")
    if folder.exists():
        raise FileExistsError(f"{folder} is there already; a predictor is trained into a new folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    family.train(folder)
    return folder


def train_all(folder: Path, names: list[str]) -> list[str]:
    """Train each of ``names`` below ``folder``, one line of print each; give the names of those that failed.

    One that is there already stays; one for which a package is missing is told, and is no failure.
    """
    failed = []
    for name in names:
        start = time.monotonic()
        try:
            train_family(name, folder / name)
        except FileExistsError:
            told = "there already"
        except CannotTrain as reason:
            told = f"not trained: {reason}"
        except Exception as error:  # noqa: BLE001 — what AutoGluon raises has no common class
            failed.append(name)
            told = f"FAILED: {type(error).__name__}: {error}"
        else:
            told = f"{time.monotonic() - start:.1f} s"
        print(f"{name:32} {told}", flush=True)
    return failed


def main(argv: list[str] | None = None) -> int:
    """Train what the command line asks for; 1 if a training failed."""
    parser = argparse.ArgumentParser(prog="python -m sample.families", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help="; ".join(FAMILIES))
    asked = parser.parse_args(argv)
    if unknown := [name for name in asked.names if name not in FAMILIES]:
        parser.error(f"no such family: {', '.join(unknown)}")
    return bool(train_all(asked.folder, asked.names or list(FAMILIES)))


if __name__ == "__main__":
    sys.exit(main())
