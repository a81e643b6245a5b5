"""Which predictor lies below a source, and which MLflow run logged it.

A predictor is a folder that holds ``predictor.pkl`` and ``learner.pkl`` (AutoGluon's ``TabularPredictor.save``). MLflow
puts it at ``<experiment>/<run>/artifacts/<name>/artifacts/<predictor>/`` (MLflow 2) or at
``<experiment>/models/m-<id>/artifacts/artifacts/<predictor>/`` (MLflow 3), with the file ``MLmodel`` two folders above
it in both; a plain folder is as good. The layout need not be known to find the predictor: any depth will do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

import yaml

from agbento.entry import Entry, collision, path_fault
from agbento.errors import PredictorNotFound, SourceError
from agbento.text import shown

MLMODEL = "MLmodel"
MLMODEL_ABOVE = 2  # folders between the predictor's and the one that holds MLmodel
_MARKS = ("predictor.pkl", "learner.pkl")
_LISTED = 8
_RUN_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_RUN_IN_PATH = re.compile(r"(?:^|/)([0-9a-f]{32})/artifacts/")


@dataclass(frozen=True)
class Located:
    """The one predictor below a source: ``root`` is its folder's path there ("" for the source itself)."""

    root: str
    entries: tuple[Entry, ...]
    """Its files, with paths relative to ``root``."""

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(entry.size for entry in self.entries)


def locate(entries: Sequence[Entry], name_of: Callable[[str], str]) -> Located:
    """Find the predictor among ``entries``; ``name_of`` turns a path into what a person would give as SOURCE.

    Raises PredictorNotFound for none or several, SourceError for files below it that cannot be taken as they are.
    """
    roots = _roots(entries)
    if not roots:
        raise PredictorNotFound(_none_text(entries, name_of))
    if len(roots) > 1:
        raise PredictorNotFound(_several_text(roots, name_of))
    return select(entries, roots[0], name_of)


def select(entries: Sequence[Entry], root: str, name_of: Callable[[str], str]) -> Located:
    """Take what lies below ``root``; raises SourceError for files that cannot be taken as they are."""
    inside = f"{root}/" if root else ""
    below = tuple(replace(e, path=e.path[len(inside) :]) for e in entries if e.path.startswith(inside))
    for entry in below:
        if fault := entry.fault or path_fault(entry.path):
            raise SourceError(
                f"{shown(name_of(inside + entry.path))}: {fault}; nothing was written: remove or rename it there"
            )
    if both := collision(entry.path for entry in below):
        raise SourceError(
            f"{shown(name_of(inside + both))} is both a file and a folder; nothing was written: remove either there"
        )
    return Located(root, below)


@dataclass(frozen=True)
class Logged:
    """What MLflow says of a model that it logged: its run, and when (ISO 8601, UTC); None where that is not known."""

    run_id: str | None
    at: str | None

    @classmethod
    def read(cls, mlmodel: bytes | None, path: str) -> Logged:
        """Read it of the ``MLmodel`` file (YAML; its ``run_id`` and ``utc_time_created``), if there is one.

        ``path`` is the predictor's whole path or URI, in which MLflow 2 puts the run's 32 hex digits before
        ``/artifacts/``.
        """
        try:
            described = yaml.safe_load(mlmodel) if mlmodel else None
        except (yaml.YAMLError, ValueError, RecursionError):  # ValueError: bytes that are no text, dates that are none
            described = None
        known = described if isinstance(described, dict) else {}
        run_id, in_path = known.get("run_id"), _RUN_IN_PATH.findall(path)
        if not isinstance(run_id, str) or not _RUN_ID.fullmatch(run_id):
            run_id = in_path[-1] if in_path else None
        return cls(run_id, _utc(known.get("utc_time_created")))


def _utc(created: Any) -> str | None:
    """Give MLflow's time, ``2026-01-31 12:00:00.123456`` in UTC, with its zone."""
    try:
        if not isinstance(created, (str, datetime)):
            return None  # text of a list whose YAML aliases hold each other would have no end
        return datetime.fromisoformat(str(created)).replace(tzinfo=timezone.utc).isoformat(timespec="seconds")
    except ValueError:
        return None


def _folders_with(entries: Sequence[Entry], name: str) -> set[str]:
    return {folder for e in entries for folder, _, last in [e.path.rpartition("/")] if last == name}


def _roots(entries: Sequence[Entry]) -> list[str]:
    predictor, learner = (_folders_with(entries, mark) for mark in _MARKS)
    found = predictor & learner
    # A predictor may hold others (a model of its own kind): the outermost is meant.
    return sorted(root for root in found if not any(_is_below(root, other) for other in found))


def _is_below(path: str, other: str) -> bool:
    return path != other and (other == "" or path.startswith(f"{other}/"))


def _none_text(entries: Sequence[Entry], name_of: Callable[[str], str]) -> str:
    half = sorted(_folders_with(entries, _MARKS[0]) | _folders_with(entries, _MARKS[1]))
    if half:
        return (
            f"no whole predictor: {shown(name_of(half[0]))} has only one of {' and '.join(_MARKS)}; "
            "expected both, so upload the predictor's folder again, all of it"
        )
    return (
        f"no predictor under {shown(name_of(''))}: among its {len(entries)} files no predictor.pkl lies beside a "
        "learner.pkl; give the folder that TabularPredictor saved to, or any folder above it"
    )


def _several_text(roots: Sequence[str], name_of: Callable[[str], str]) -> str:
    names = ", ".join(shown(name_of(root)) for root in roots[:_LISTED])
    more = f" and {len(roots) - _LISTED} more" if len(roots) > _LISTED else ""
    return f"{len(roots)} predictors under {shown(name_of(''))}: {names}{more}; give one of them as SOURCE"
