"""The walk of an import: source → probe → compiler → store, all or nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from agbento import __version__, store
from agbento.compiling import compile_into, is_compiled, replace_compiled
from agbento.digest import folder_digest, is_plain
from agbento.errors import PredictorNotLoadable, StoreError
from agbento.locate import MLMODEL, MLMODEL_ABOVE, Located, locate, mlflow_run_id
from agbento.probe import Probe, probe
from agbento.progress import Progress
from agbento.schema import Schema
from agbento.source import Source
from agbento.staging import staging
from agbento.text import shown, size_text
from agbento.versions import check_versions, training_versions

if TYPE_CHECKING:
    import bentoml

_NAMED = 10  # columns in a note


def import_predictor(
    source: Source,
    name: str | None,
    progress: Progress,
    commit: Callable[[], None] = lambda: None,
    rows: Path | None = None,
) -> bentoml.Model:
    """Import the one predictor below ``source`` into BentoML's model store and give its model there.

    ``name`` is the model's, or None for the predictor's folder's. ``rows`` is a file of rows with which the compiled
    predictor is proven too. ``commit`` is called just before the store changes:
    what interrupts the process should be ignored from there on. Content that is in the store already stays as it is
    and becomes the newest. Raises ImportFailed; then, and when interrupted, the store is as it was.
    """
    chosen = None if name is None else store.checked_name(name)
    home = store.home()
    located = locate(source.entries(), source.name_of)
    uri = source.uri_of(located.root)
    chosen = chosen or store.valid_name(source.folder_name(located.root))
    progress.say(f"{shown(uri)}: a predictor of {len(located.entries)} files, {size_text(located.size)}")
    needed = f"{len(located.entries)} files, {size_text(located.size)}"
    try:
        with staging(home) as room:
            _check_room(room, located, needed)
            folder = room / "model"
            _fetch(source, located, folder, progress)
            return _Walk(source, located, progress, commit, rows).keep(folder, chosen)
    except OSError as error:
        raise store.disk_fault(error, home, needed) from None


def _check_room(room: Path, located: Located, needed: str) -> None:
    free = shutil.disk_usage(room).free
    if located.size > free:
        raise StoreError(
            f"{room.parent.parent}: No space left on device (needed: {needed}; free: {size_text(free)}); "
            "free some room, or set BENTOML_HOME to where there is"
        )


def _fetch(source: Source, located: Located, folder: Path, progress: Progress) -> None:
    target = folder / store.PREDICTOR
    target.mkdir(parents=True)
    progress.begin(located.size)
    try:
        source.fetch(located, target, progress)
    finally:
        progress.end()


@dataclass(frozen=True)
class _Walk:
    """What stays the same during one import."""

    source: Source
    located: Located
    progress: Progress
    commit: Callable[[], None]
    rows: Path | None

    @property
    def uri(self) -> str:
        """Where the predictor is."""
        return self.source.uri_of(self.located.root)

    def keep(self, folder: Path, name: str) -> bentoml.Model:
        """Put what was fetched into ``folder`` into the store as ``name``."""
        digest = folder_digest(folder / store.PREDICTOR)
        same = store.same_content(digest)
        there = [model for model in same if model.tag.name == name]
        if there:
            return self._keep_again(there[0], digest, folder.parent)
        self.progress.say("opening it")
        found = _opened(folder, self.uri, digest)
        for note in _notes(found.schema):
            self.progress.say(note)
        found.schema.save(folder / store.SCHEMA)
        self._compile(folder, folder / store.PREDICTOR, digest)
        _check_predictor(folder, digest)
        store.describe(folder, name, _description(self.source, self.located, digest, found))
        self.commit()
        model, new = store.publish(folder, name, digest)
        if not new:
            self.progress.say(f"already in the store as {model.tag}: another import of the same content came first")
        elif same:
            self.progress.say(f"the same content is already in the store as {same[0].tag}; now as {model.tag} too")
        return model

    def _keep_again(self, stored: bentoml.Model, digest: str, room: Path) -> bentoml.Model:
        """Make a model of the same content the newest, compiled by this version."""
        folder, made = Path(stored.path), room / "again"
        anew = self.rows is not None or not is_compiled(folder, digest)
        if anew:
            made.mkdir()
            self._compile(made, folder / store.PREDICTOR, digest)
        self.commit()
        store.touch(stored, room)
        if anew:
            replace_compiled(folder, made, room / "replaced")
        what = "compiled anew" if anew else "nothing was added"
        self.progress.say(f"already in the store as {stored.tag}: the same content, {what}; it is the newest now")
        return stored

    def _compile(self, folder: Path, predictor: Path, digest: str) -> None:
        self.progress.say("compiling it, and proving that it answers as AutoGluon does: up to a minute")
        scratch = folder.with_name("compiling")
        scratch.mkdir()
        for line in compile_into(folder, predictor, digest, scratch, self.rows).lines():
            self.progress.say(line)


def _notes(schema: Schema) -> Iterator[str]:
    """Give what whoever trained the predictor may not know of it."""
    if schema.dropped:
        why = "constant, all different, or of a dtype that AutoGluon drops, such as pandas' nullable ones"
        yield f"columns of training that the predictor does not use ({why}): {_listed(schema.dropped)}"
    unknown = [feature.name for feature in schema.features if feature.two_valued and feature.two_valued.false is None]
    if unknown:
        yield f"columns of two values of which AutoGluon kept one, and takes all else for the other: {_listed(unknown)}"
    texts = [f.name for f in schema.features if f.type == "datetime" and not f.holds_timestamps]
    if texts:
        yield f"dates that were texts in training, read month first unless that cannot be: {_listed(texts)}"
    durations = [feature.name for feature in schema.features if feature.dtype.startswith("timedelta64")]
    if durations:
        yield f"durations, to be sent as whole numbers of nanoseconds: {_listed(durations)}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(shown(name, 60) for name in names[:_NAMED]) + more


def _opened(folder: Path, uri: str, digest: str) -> Probe:
    predictor, scratch = folder / store.PREDICTOR, folder.with_name("probe")
    try:
        check_versions(training_versions(predictor))
        scratch.mkdir()
        found = probe(predictor, scratch)
        _check_untouched(folder, digest)
    except PredictorNotLoadable as error:
        raise PredictorNotLoadable(f"{shown(uri)}: {error}") from None
    return found


def _check_untouched(folder: Path, digest: str) -> None:
    _check_predictor(folder, digest, alone=True)


def _check_predictor(folder: Path, digest: str, alone: bool = False) -> None:
    predictor = folder / store.PREDICTOR
    unexpected = alone and [*folder.iterdir()] != [predictor]
    if unexpected or not is_plain(predictor) or folder_digest(predictor) != digest:
        raise PredictorNotLoadable(
            "opening it changed its own files, so what would be served is not what was read: do not trust it"
        )


def _description(source: Source, located: Located, digest: str, found: Probe) -> store.Description:
    uri = source.uri_of(located.root)
    run = mlflow_run_id(source.read_above(located.root, MLMODEL_ABOVE, MLMODEL), uri)
    metadata: dict[str, str | int] = {
        "source": uri,
        "digest": digest,
        "autogluon_version": found.autogluon_version,
        "python_version": found.python_version,
        "label": found.schema.label,
        "problem_type": found.schema.problem_type,
        "best_model": found.best_model,
        "files": len(located.entries),
        "bytes": located.size,
        "imported_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "agbento_version": __version__,
    }
    labels = {
        "source": uri,
        "digest": digest,
        "label": found.schema.label,
        "problem_type": found.schema.problem_type,
        "autogluon": found.autogluon_version,
        "python": found.python_version,
    }
    if run:
        metadata["mlflow_run_id"] = labels["mlflow_run"] = run
    return store.Description(labels, metadata)
