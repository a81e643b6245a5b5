"""What reading pickles finds: the names they use, and what can never be accepted in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Way = Literal["refer", "call", "new", "build"]


@dataclass(frozen=True, order=True)
class Where:
    """A place: ``offset`` is in bytes from the start of ``file``.

    ``file`` is a path within the folder; a member of an archive is ``model.pt!archive/data.pkl``, what is compressed
    ``model.gz!``, bytes inside a pickle ``model.pkl@1234``, nested freely.
    """

    file: str
    offset: int


@dataclass(frozen=True)
class Use:
    """A name that unpickling would import, and the first place where it is used in this way.

    ``refer``: only referenced; ``call``: called with arguments of the pickle's choice; ``new``: its ``__new__`` is;
    ``build``: the state of an object that it made is set, by ``__setstate__`` where there is one.
    """

    module: str
    name: str
    way: Way
    where: Where


@dataclass(frozen=True)
class Flaw:
    """What can never be accepted, in words for a person."""

    where: Where
    what: str


@dataclass(frozen=True)
class Reading:
    """All that was found, in the order of files and offsets.

    ``pickles`` is how many streams were read; ``devices`` are the locations of tensors' storages (``cpu``, ``cuda:0``).
    ``files`` are, by path within the folder, the modules of the names in that file.
    """

    uses: tuple[Use, ...]
    flaws: tuple[Flaw, ...]
    pickles: int
    devices: frozenset[str]
    files: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def modules(self, models: Sequence[str] | None = None) -> tuple[str, ...]:
        """Give the modules of all names; of the files below ``models/`` only those in these folders, if any are given.

        The folders are relative to the predictor's, e.g. ``models/LightGBM_BAG_L1``.
        """
        kept = (modules for file, modules in self.files.items() if models is None or _belongs(file, models))
        return tuple(sorted(set().union(*kept)))


def _belongs(file: str, models: Sequence[str]) -> bool:
    is_model = file.startswith("models/") and file.count("/") > 1
    return not is_model or any(file.startswith(f"{folder}/") for folder in models)
