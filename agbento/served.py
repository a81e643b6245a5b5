"""Which model is served: the one a Bento was built with, else the one asked for, else the newest import."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from agbento import provenance
from agbento.compiling import COMPILED, Record
from agbento.drift import Reference
from agbento.environment import Environment
from agbento.errors import ModelNotServable, StoreError
from agbento.schema import Schema
from agbento.values.policy import Policy

_SHOWN = ("autogluon_version", "python_version", "best_model", "source", "digest", "mlflow_run_id", "imported_at")


@dataclass(frozen=True)
class ServedModel:
    """A stored model that is about to be served."""

    tag: str
    size_bytes: int
    folder: Path
    metadata: dict[str, Any] = field(default_factory=dict)
    use_compiled: bool = True

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Where it comes from, as the import wrote it down."""
        return provenance.load(self.folder)

    @cached_property
    def skew(self) -> tuple[str, ...]:
        """What of the running environment is too unlike that of the training."""
        environment = Environment.load(self.folder)
        if environment is None:
            return ()
        needed = environment.served if self.use_compiled else environment
        return tuple(str(difference) for difference in needed.differences() if difference.refused)

    def check_environment(self, allow_skew: bool) -> None:
        """Compare the running environment with the model's.

        Raises:
            ModelNotServable: it is too unlike, and neither ``allow_skew`` nor the model's import allows that.
        """
        if self.skew and not allow_skew and not self.provenance.get("version_skew"):
            raise ModelNotServable(
                f"{self.tag}: trained with {', '.join(self.skew)}; `make serve MODEL_TAG={self.tag} OWN_ENVIRONMENT=1` "
                "serves it in an environment made for it, ALLOW_VERSION_SKEW=true in this one"
            )

    @property
    def labels(self) -> dict[str, str]:
        """The labels of its image."""
        name, _, version = self.tag.partition(":")
        return provenance.labels(self.provenance, name, version)

    @property
    def digest(self) -> str | None:
        """The digest of its predictor; None where the import did not keep it."""
        return self.metadata.get("digest")

    @cached_property
    def drift(self) -> Reference | None:
        """What drift is measured against; None where the import did not say."""
        return Reference.load(self.folder)

    def described(self, schema: Schema, policy: Policy, compiled: dict[str, Any]) -> dict[str, Any]:
        """Give what ``GET /model`` answers."""
        shown = {key: self.metadata[key] for key in _SHOWN if self.metadata.get(key) is not None}
        described = {"tag": self.tag, **schema.to_json(), **shown}
        del described["format"]
        for feature in described["features"]:
            feature["required"] = policy.actions[feature["name"]]["missing_column"] == "reject"
        described["policy"] = policy.changes(schema)
        described["compiled"] = compiled
        described["provenance"] = self.provenance
        if self.drift is not None:
            described["drift"] = self.drift.described()
        environment = Environment.load(self.folder)
        if environment is not None:
            described["environment"] = {**asdict(environment), "differs_here": list(self.skew)}
        return described


def served_model(root: Path, asked: str | None, *, use_compiled: bool = True) -> ServedModel:
    """Find the model to serve for the service whose code lies in ``root``.

    ``asked`` is ``name``, ``name:version`` or None for the newest import.

    Raises:
        ModelNotServable: there is no such model, or ``root`` is a Bento that was built with another one.
    """
    from agbento.store import PREDICTOR, find

    pinned = _pinned_tag(root)
    if pinned and asked and not _means(asked, pinned):
        raise ModelNotServable(
            f"MODEL_TAG={asked}: this Bento holds {pinned}; unset MODEL_TAG, or build one for {asked}"
        )
    try:
        stored = find(pinned or asked)
    except StoreError as error:
        raise ModelNotServable(str(error)) from None
    folder = Path(stored.path)
    record = Record.load(folder)
    # What a worker holds of it: the arrays of a compiled predictor, or all that is unpickled.
    held = folder / (COMPILED if use_compiled and record and record.compiled and record.native else PREDICTOR)
    size = sum(file.stat().st_size for file in held.rglob("*") if file.is_file())
    metadata = dict(stored.info.metadata)
    return ServedModel(str(stored.tag), size, folder, metadata, use_compiled)


def _means(asked: str, tag: str) -> bool:
    (name, _, version), (tag_name, _, tag_version) = asked.partition(":"), tag.partition(":")
    return name == tag_name and (version == "latest" or tag_version.startswith(version))


def without_telemetry() -> None:
    """Keep BentoML from reporting usage, whatever it has cached of the environment."""
    from bentoml._internal.utils.analytics import usage_stats

    os.environ["BENTOML_DO_NOT_TRACK"] = "True"
    usage_stats.do_not_track.cache_clear()


def _pinned_tag(root: Path) -> str | None:
    """Give the tag of the one model that a Bento names in its bento.yaml; None where ``root`` is no Bento."""
    try:
        text = (root.parent / "bento.yaml").read_text("utf-8")
    except OSError:
        return None
    bento = yaml.safe_load(text)
    # BentoML names a service's models with the service, and other models on the top level.
    models = {str(m["tag"]) for part in (bento, *bento.get("services", ())) for m in part.get("models") or ()}
    if len(models) != 1:
        raise ModelNotServable(f"{root.parent / 'bento.yaml'}: names {len(models)} models, expected one")
    return models.pop()
