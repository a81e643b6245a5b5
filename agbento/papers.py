"""The papers of a stored model: what it is (model.yaml), where it comes from, what its environment and image hold."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import Any

from agbento import __version__, provenance, sbom
from agbento.code import code_digest
from agbento.compiling import Record
from agbento.digest import short
from agbento.environment import Environment
from agbento.errors import NotLockable
from agbento.locate import MLMODEL, MLMODEL_ABOVE, Located, Logged
from agbento.probe import Probe
from agbento.provenance import Provenance
from agbento.requirements import LOCK, Locked, compiled_needs, serving_lock
from agbento.source import Source
from agbento.store import Description
from agbento.trust import Examined
from agbento.versions import Versions

PAPERS = (provenance.PROVENANCE, provenance.OBJECTS, LOCK, sbom.SBOM)


@dataclass(frozen=True)
class Origin:
    """Where a predictor comes from, and what was found before it was opened.

    ``versions`` are ETags or object versions by path; ``skew`` are the versions in which the environment of the import
    differs and that were allowed to.
    """

    source: Source
    located: Located
    versions: Mapping[str, str]
    digest: str
    trained: Versions
    examined: Examined
    skew: tuple[str, ...]

    @property
    def uri(self) -> str:
        """The predictor's URI."""
        return self.source.uri_of(self.located.root)

    @cached_property
    def logged(self) -> Logged:
        """What MLflow says of it."""
        mlmodel = self.source.read_above(self.located.root, MLMODEL_ABOVE, MLMODEL)
        return Logged.read(mlmodel, self.uri)

    def environment(self, used: Sequence[str] | None) -> Environment:
        """Give what serving it asks for: the libraries of the models in the folders ``used``; None: of all."""
        reading = self.examined.reading
        known = used is not None and all(any(file.startswith(f"{f}/") for file in reading.files) for f in used)
        return Environment.of(self.trained, reading.modules(used if known else None))

    def description(self, found: Probe, version: str) -> Description:
        """Give what model.yaml says: flat, for `bentoml models list`."""
        metadata: dict[str, str | int] = {
            "source": self.uri,
            "digest": self.digest,
            "autogluon_version": self.trained.autogluon,
            "python_version": self.trained.python,
            "label": found.schema.label,
            "problem_type": found.schema.problem_type,
            "best_model": found.best_model,
            "files": len(self.located.entries),
            "bytes": self.located.size,
            "imported_at": _now(),
            "agbento_version": version,
        }
        labels = {key: str(metadata[key]) for key in ("source", "digest", "label", "problem_type")}
        labels |= {"autogluon": self.trained.autogluon, "python": self.trained.python}
        if run := self.logged.run_id:
            metadata["mlflow_run_id"] = labels["mlflow_run"] = run
        return Description(labels, metadata)


def write_papers(
    folder: Path,
    origin: Origin,
    record: Record | None,
    name: str,
    *,
    cuda: bool,
    index: str | None,
    earlier: Mapping[str, Any],
) -> Iterator[str]:
    """Write lock, bill of materials and provenance into ``folder``, which has its environment; give lines to tell.

    ``earlier`` is the provenance of an import of the same content: where all else is the same its time is kept.
    """
    environment = Environment.load(folder) or origin.environment(None)
    native = record is not None and record.compiled and record.native
    environment = replace(environment, compiled=compiled_needs(environment) if native else None)
    environment.save(folder)
    locked = Locked("")
    try:
        locked = serving_lock(environment.served, index, cuda)
    except NotLockable as error:
        yield f"no lock, so no image can be built of it: {error}"
    if locked.relaxed:
        yield f"its image cannot have all versions of the training: {', '.join(locked.relaxed)}"
    document = _provenance(folder, origin, locked.relaxed, earlier)
    document.save(folder)
    if locked.text:
        (folder / LOCK).write_text(locked.text, "utf-8")
        sbom.save(folder, locked.text, environment.python_minor, f"{name}:{short(origin.digest)}", document.imported_at)


def _provenance(folder: Path, origin: Origin, relaxed: tuple[str, ...], earlier: Mapping[str, Any]) -> Provenance:
    permit = origin.examined.permit
    made = Provenance(
        source=origin.uri,
        digest=origin.digest,
        objects=provenance.save_objects(folder, origin.versions),
        autogluon_version=origin.trained.autogluon,
        python_version=origin.trained.python,
        imported_at=_now(),
        agbento_version=__version__,
        mlflow_run_id=origin.logged.run_id,
        logged_at=origin.logged.at,
        mlflow_experiment_id=provenance.experiment_id(origin.uri),
        trusted=permit.trusted,
        trusted_by=permit.by or None,
        brought=tuple(f"{module}.{name}" for module, name in permit.brought),
        code=code_digest(folder),
        placeholders=tuple(f"{module}.{name}" for module, name in permit.placeholders),
        version_skew=origin.skew,
        relaxed=relaxed,
    )
    same = replace(made, imported_at=str(earlier.get("imported_at", "")))
    return same if json.loads(json.dumps(same.to_json())) == earlier else made


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
