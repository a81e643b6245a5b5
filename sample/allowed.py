"""The names that a predictor's pickles may import, from what genuine predictors hold: ``agbento/allowed.json``.

``make allowed`` trains every family of `sample.families` into a temporary folder and reads it;
``python -m sample.allowed FOLDER…`` reads folders of trained predictors instead, of any version.
Names that are on the list already stay, with ``--anew`` they do not. A name that may never be on it (`sample.never`)
ends the program with 1 and nothing written.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agbento.pickles.folder import read_folder
from agbento.pickles.reading import Reading
from sample.never import refusal

FILE: Final = Path(__file__).parent.parent / "agbento" / "allowed.json"
FORMAT: Final = 1
PACKAGES: Final = (
    *("python", "numpy", "pandas", "scikit-learn", "lightgbm", "catboost", "xgboost", "xgboost-cpu"),
    *("torch", "fastai", "pytabkit", "interpret-core", "imodels"),
)


_ONE_LINE: Final = re.compile(r'\[[\n "a-z,]+\]')  # the ways of a name


class Refused(Exception):
    """Names that may never be on the list; the text has one a line, with the reason and the file."""


@dataclass(frozen=True)
class Allowed:
    """The list: ``names`` are (module, qualified name, way); ``made_with`` are the versions they were found with."""

    made_with: frozenset[str] = frozenset()
    names: frozenset[tuple[str, str, str]] = frozenset()

    def __or__(self, other: Allowed) -> Allowed:
        """Both lists together."""
        return Allowed(self.made_with | other.made_with, self.names | other.names)

    @classmethod
    def read(cls, file: Path) -> Allowed:
        """Read a list that `write` wrote. Raises OSError, and ValueError for another format."""
        told = json.loads(file.read_text())
        if told.get("format") != FORMAT:
            raise ValueError(f"{file} has the format {told.get('format')!r}; {FORMAT} is known")
        each = ((module, name, way) for module, names in told["names"].items() for name in names for way in names[name])
        return cls(frozenset(told["made_with"]), frozenset(each))

    def write(self, file: Path) -> None:
        """Write the list, sorted, a name a line."""
        names: dict[str, dict[str, list[str]]] = {}
        for module, name, way in sorted(self.names):
            names.setdefault(module, {}).setdefault(name, []).append(way)
        told = {"format": FORMAT, "made_with": sorted(self.made_with), "names": names}
        file.write_text(
            _ONE_LINE.sub(lambda found: json.dumps(json.loads(found[0])), json.dumps(told, indent=1)) + "\n"
        )


def found_in(folder: Path) -> Allowed:
    """Read the predictors below ``folder``, print their flaws, and give what they use.

    Raises Refused, and OSError.
    """
    reading = read_folder(folder)
    for flaw in reading.flaws:
        print(f"{folder / flaw.where.file}@{flaw.where.offset}: {flaw.what}", file=sys.stderr)
    _refuse(reading)
    made_with = frozenset(_versions(file) for file in folder.rglob("metadata.json"))
    return Allowed(made_with, frozenset((use.module, use.name, use.way) for use in reading.uses))


def _refuse(reading: Reading) -> None:
    told = {}
    for use in reading.uses:
        if reason := refusal(use.module, use.name):
            told[f"{use.module} {use.name}"] = f"{use.module} {use.name}: {reason} ({use.where.file})"
    if told:
        raise Refused("\n".join(told.values()))


def _versions(metadata: Path) -> str:
    """Say with which AutoGluon and which packages a predictor was trained, by the file that it left about that."""
    told: dict[str, Any] = json.loads(metadata.read_text())
    packages = {"python": told["py_version"], **told["packages"]}
    return f"autogluon {told['version']}: " + ", ".join(
        f"{name} {packages[name]}" for name in PACKAGES if name in packages
    )


def _found_in_new_trainings() -> Allowed:
    from sample.families import FAMILIES, train_all

    listed = [name for name, family in FAMILIES.items() if not family.refused]
    with tempfile.TemporaryDirectory(prefix="agbento-families-") as scratch:
        if failed := train_all(Path(scratch), listed):
            raise Refused(f"not every family could be trained: {', '.join(failed)}")
        return found_in(Path(scratch))


def main(argv: list[str] | None = None) -> int:
    """Write the list; 1 where a name is refused or a training failed."""
    parser = argparse.ArgumentParser(prog="python -m sample.allowed", description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--anew", action="store_true", help="leave out the names that are on the list already")
    parser.add_argument("--file", type=Path, default=FILE, help="the list (%(default)s)")
    asked = parser.parse_args(argv)
    before = Allowed() if asked.anew or not asked.file.exists() else Allowed.read(asked.file)
    try:
        after = before
        for found in [found_in(folder) for folder in asked.folders] or [_found_in_new_trainings()]:
            after |= found
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    after.write(asked.file)
    names = {(module, name) for module, name, _ in after.names}
    print(f"{asked.file}: {len(names)} names, {len(names - {(m, n) for m, n, _ in before.names})} of them new")
    return 0


if __name__ == "__main__":
    sys.exit(main())
