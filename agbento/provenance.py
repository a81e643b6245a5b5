"""Where a model comes from: one document, the same in the store, the Bento, the image's labels and ``GET /model``."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

PROVENANCE, OBJECTS = "provenance.json", "objects.json"  # in a stored model's folder
LABEL = "agbento.provenance"
# MLflow 2: <experiment>/<run>/artifacts/; MLflow 3: <experiment>/models/m-<id>/artifacts/; copied: <number>/artifacts/
_EXPERIMENT = re.compile(r"/(?:([^/]+)/(?:[0-9a-f]{32}|models/m-[0-9a-f]{32})|([0-9]+))/artifacts(?:/|$)")


@dataclass(frozen=True)
class Provenance:
    """What is known of a model's origin.

    ``objects`` names the versions of its files: their count, and the SHA-256 of ``objects.json`` in the stored model,
    which lists ETag or object version by path. ``logged_at`` is when MLflow logged it. ``trusted``, ``brought`` and
    ``placeholders`` are names (`agbento.trust.Trust`), ``code`` is the digest over the files that were brought;
    ``version_skew`` are the differences of the environment in which
    it was imported all the same. Times are UTC, ISO 8601.
    """

    source: str
    digest: str
    objects: Mapping[str, Any]
    autogluon_version: str
    python_version: str
    imported_at: str
    agbento_version: str
    mlflow_run_id: str | None = None
    logged_at: str | None = None
    mlflow_experiment_id: str | None = None
    trusted: tuple[str, ...] = ()
    trusted_by: str | None = None
    brought: tuple[str, ...] = ()
    code: str | None = None
    placeholders: tuple[str, ...] = ()
    version_skew: tuple[str, ...] = ()
    relaxed: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Give what is known: neither null nor empty."""
        return {key: value for key, value in asdict(self).items() if value not in (None, (), "")}

    def save(self, folder: Path) -> None:
        """Write it into a stored model's folder."""
        (folder / PROVENANCE).write_text(json.dumps(self.to_json(), indent=1) + "\n", "utf-8")


def load(folder: Path) -> dict[str, Any]:
    """Read the document of a stored model; empty where an earlier version imported it."""
    try:
        read = json.loads((folder / PROVENANCE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def labels(document: Mapping[str, Any], name: str, version: str) -> dict[str, str]:
    """Give the document as an image's labels, with those of the OCI that fit.

    https://specs.opencontainers.org/image-spec/annotations/#pre-defined-annotation-keys
    """
    if not document:
        return {}
    oci = {
        "title": name,
        "version": version,
        "revision": str(document["digest"]),
        "source": str(document["source"]),
        "description": f"An AutoGluon {document['autogluon_version']} predictor behind HTTP",
    }
    whole = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return {**{f"org.opencontainers.image.{key}": value for key, value in oci.items()}, LABEL: whole}


def save_objects(folder: Path, versions: Mapping[str, str]) -> dict[str, Any]:
    """Write the versions of the source's files (path → ETag or object version) and give what the document says."""
    text = json.dumps(dict(sorted(versions.items())), indent=1) + "\n"
    (folder / OBJECTS).write_text(text, "utf-8")
    return {"count": len(versions), "sha256": hashlib.sha256(text.encode()).hexdigest()}


def experiment_id(uri: str) -> str | None:
    """Name the MLflow experiment in a predictor's URI; None where it follows no layout that is known."""
    found = _EXPERIMENT.findall(uri)
    return "".join(found[-1]) if found else None
