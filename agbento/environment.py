"""The environment that a model asks for, and how the running one differs from it.

AutoGluon answers as it did in training where AutoGluon, Python and the libraries of the model's families are those of
the training, but for their patches. numpy, pandas and what else the pickles name must be of the same major version.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from agbento.libraries import AUTOGLUON, alternatives, installed, libraries
from agbento.versions import Versions, minor, public

ENVIRONMENT = "environment.json"  # in a stored model's folder
_MODEL, _MAJOR = "minor", "major"  # the part of a version that must be the same


@dataclass(frozen=True)
class Difference:
    """A package of another version here than in training; ``here`` is empty where it is not installed.

    ``refused``: the model is not opened with it.
    """

    name: str
    trained: str
    here: str
    refused: bool

    def __str__(self) -> str:
        return f"{self.name} {self.trained} (here {self.here or 'none'})"


@dataclass(frozen=True)
class Environment:
    """What a model was trained with, as far as it matters where it is opened or served.

    ``packages`` is canonical name → version, AutoGluon left out; ``models`` names those of them that families of models
    are. ``compiled`` names those that serving it takes once it is compiled to native calls; None where it is not.
    """

    autogluon: str
    python: str
    packages: Mapping[str, str]
    models: tuple[str, ...]
    compiled: tuple[str, ...] | None = None

    @classmethod
    def of(cls, trained: Versions, modules: Sequence[str]) -> Environment:
        """Give what a predictor asks for whose pickles name ``modules``."""
        found = libraries(modules, trained.packages)
        return cls(
            trained.autogluon,
            trained.python,
            {library.distribution: library.version for library in found},
            tuple(library.distribution for library in found if library.of_models),
        )

    @property
    def served(self) -> Environment:
        """What serving it takes: without what only AutoGluon's own objects need, where none of them serves."""
        if self.compiled is None:
            return self
        kept = {name: version for name, version in self.packages.items() if name in self.compiled}
        return Environment(self.autogluon, self.python, kept, tuple(n for n in self.models if n in kept))

    @property
    def python_minor(self) -> str:
        """The Python of its image, e.g. ``"3.11"``."""
        return minor(self.python)

    def pinned(self) -> dict[str, str]:
        """Give every version that its lock has to hold: name → version."""
        return {AUTOGLUON: self.autogluon, **self.packages}

    def differences(self) -> list[Difference]:
        """Compare with what runs now; what is not installed is no reason to refuse: it may not be needed."""
        return list(self._differences())

    def _differences(self) -> Iterator[Difference]:
        pairs = [("Python", self.python, platform.python_version(), _MODEL)]
        pairs.append(("AutoGluon", self.autogluon, version("autogluon.tabular"), _MODEL))
        for name, trained in self.packages.items():
            pairs.append((name, trained, installed(alternatives(name)), _MODEL if name in self.models else _MAJOR))
        for name, trained, here, part in pairs:
            if not _same(public(trained), public(here)):
                yield Difference(name, trained, here, bool(here) and _part(trained, part) != _part(here, part))

    def save(self, folder: Path) -> None:
        """Write it into a stored model's folder."""
        (folder / ENVIRONMENT).write_text(json.dumps(asdict(self), indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Environment | None:
        """Read it from a stored model's folder; None where there is none, or none that can be read."""
        try:
            read = json.loads((folder / ENVIRONMENT).read_text("utf-8"))
            compiled = None if read["compiled"] is None else tuple(read["compiled"])
            return cls(**{**read, "models": tuple(read["models"]), "compiled": compiled})
        except (OSError, ValueError, TypeError, KeyError):
            return None


def _same(trained: str, here: str) -> bool:
    """Compare; a predictor may know no more than the minor version of Python."""
    return trained == here or (trained.count(".") == 1 and trained == minor(here))


def _part(version: str, part: str) -> str:
    return minor(public(version)) if part == _MODEL else version.partition(".")[0]
