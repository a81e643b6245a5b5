"""The walk of an import: source → trust → environment → probe → compiler → papers → store, all or nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agbento import __version__, provenance, store
from agbento.code import CODE, Code, code_digest
from agbento.compiling import COMPILED, RECORD, Record, compile_into, is_compiled
from agbento.digest import folder_digest, is_plain
from agbento.drift import DRIFT, Reference
from agbento.environment import ENVIRONMENT, Environment
from agbento.errors import EnvironmentDiffers, PredictorNotLoadable, SourceError, StoreError, Untrusted
from agbento.locate import Located, locate
from agbento.notes import notes
from agbento.papers import PAPERS, Origin, write_papers
from agbento.permit import TRUST
from agbento.probe import Probe, probe
from agbento.progress import Progress
from agbento.reference.child import lines, reference_into
from agbento.reference.file import fetched
from agbento.requirements import LOCK
from agbento.sbom import SBOM
from agbento.source import Source
from agbento.staging import staging
from agbento.text import shown, size_text
from agbento.trust import Examined, examine
from agbento.versions import training_versions

if TYPE_CHECKING:
    import bentoml


@dataclass(frozen=True)
class Wishes:
    """What whoever imports asks for, beyond source and name; the defaults ask for nothing.

    ``rows`` is a file of rows with which the compiled predictor is proven too, ``reference`` one (a path, or an
    ``s3://`` URI) that drift is measured against. ``trusted`` are names that its pickles
    may hold although they are on no list, ``code`` the modules that it needs. ``sha256`` is the digest that it must
    have. ``allow_version_skew`` opens it where other versions run than it was trained with. ``cuda`` lets its image
    have CUDA, ``torch_index`` is an index that has CPU builds of torch.
    """

    rows: Path | None = None
    reference: str | None = None
    trusted: frozenset[str] = field(default_factory=frozenset)
    code: Code | None = None
    sha256: str | None = None
    allow_version_skew: bool = False
    cuda: bool = False
    torch_index: str | None = None
    max_files: int = 100_000
    max_bytes: int = 64 * 2**30


def import_predictor(
    source: Source,
    name: str | None,
    progress: Progress,
    commit: Callable[[], None] = lambda: None,
    wishes: Wishes = Wishes(),
) -> bentoml.Model:
    """Import the one predictor below ``source`` into BentoML's model store and give its model there.

    ``name`` is the model's, or None for the predictor's folder's. ``commit`` is called just before the store changes:
    what interrupts the process should be ignored from there on. Content that is in the store already stays as it is
    and becomes the newest. Raises ImportFailed; then, and when interrupted, the store is as it was.
    """
    chosen = None if name is None else store.checked_name(name)
    home = store.home()
    located = locate(source.entries(), source.name_of)
    _check_limits(located, wishes, source.uri_of(located.root))
    chosen = chosen or store.valid_name(source.folder_name(located.root))
    progress.say(
        f"{shown(source.uri_of(located.root))}: a predictor of {len(located.entries)} files, {size_text(located.size)}"
    )
    needed = f"{len(located.entries)} files, {size_text(located.size)}"
    try:
        with staging(home) as room:
            _check_room(room, located, needed)
            folder, named = room / "model", wishes.reference
            reference = None if named is None else fetched(named, room, wishes.max_bytes)
            versions = _fetch(source, located, folder, progress)
            return _Walk(source, located, versions, progress, commit, wishes, reference).keep(folder, chosen)
    except OSError as error:
        raise store.disk_fault(error, home, needed) from None


def _check_limits(located: Located, wishes: Wishes, uri: str) -> None:
    if len(located.entries) > wishes.max_files:
        raise SourceError(
            f"{shown(uri)}: {len(located.entries)} files, of which {wishes.max_files} are taken at the most: give a "
            "prefix that holds the predictor alone, or set IMPORT_MAX_FILES"
        )
    if located.size > wishes.max_bytes:
        raise SourceError(
            f"{shown(uri)}: {size_text(located.size)}, of which {size_text(wishes.max_bytes)} are taken at the most: "
            "give a prefix that holds the predictor alone, or set IMPORT_MAX_BYTES"
        )


def _check_room(room: Path, located: Located, needed: str) -> None:
    free = shutil.disk_usage(room).free
    if located.size > free:
        raise StoreError(
            f"{room.parent.parent}: No space left on device (needed: {needed}; free: {size_text(free)}); "
            "free some room, or set BENTOML_HOME to where there is"
        )


def _fetch(source: Source, located: Located, folder: Path, progress: Progress) -> Mapping[str, str]:
    target = folder / store.PREDICTOR
    target.mkdir(parents=True)
    progress.begin(located.size)
    try:
        return source.fetch(located, target, progress)
    finally:
        progress.end()


@dataclass(frozen=True)
class _Walk:
    """What stays the same during one import.

    ``versions`` are those of the source's files, ``reference`` is the file of the reference's rows.
    """

    source: Source
    located: Located
    versions: Mapping[str, str]
    progress: Progress
    commit: Callable[[], None]
    wishes: Wishes
    reference: Path | None

    @property
    def uri(self) -> str:
        """Where the predictor is."""
        return self.source.uri_of(self.located.root)

    def keep(self, folder: Path, name: str) -> bentoml.Model:
        """Put what was fetched into ``folder`` into the store as ``name``."""
        predictor = folder / store.PREDICTOR
        digest = folder_digest(predictor)
        self._check_digest(digest)
        try:
            trained = training_versions(predictor)
            examined = self._examine(predictor)
            skew = self._check_environment(Environment.of(trained, examined.reading.modules()))
        except PredictorNotLoadable as error:
            raise error.at(shown(self.uri)) from None
        examined.permit.save(folder)
        if self.wishes.code is not None and examined.permit.brought:
            self.wishes.code.copy(folder / CODE)
        origin = Origin(self.source, self.located, self.versions, digest, trained, examined, skew)
        same = store.same_content(digest)
        there = [model for model in same if model.tag.name == name]
        if there:
            return self._keep_again(there[0], folder, origin)
        self.progress.say("opening it")
        found = self._opened(folder, origin)
        for note in notes(found.schema):
            self.progress.say(note)
        found.schema.save(folder / store.SCHEMA)
        origin.environment(found.used).save(folder)
        record = self._compile(folder, digest)
        self._refer(folder, folder / store.SCHEMA)
        _check_predictor(folder, digest)
        self._papers(folder, origin, record, name)
        store.describe(folder, name, origin.description(found, __version__))
        self.commit()
        model, new = store.publish(folder, name, digest)
        if not new:
            self.progress.say(f"already in the store as {model.tag}: another import of the same content came first")
        elif same:
            self.progress.say(f"the same content is already in the store as {same[0].tag}; now as {model.tag} too")
        return model

    def _check_digest(self, digest: str) -> None:
        self.progress.say(f"sha256 {digest}")
        if self.wishes.sha256 not in (None, digest):
            raise Untrusted(
                f"{shown(self.uri)}: its digest is {digest}, expected {self.wishes.sha256}: it is another one, or was "
                "changed; nothing of it was opened"
            )

    def _examine(self, predictor: Path) -> Examined:
        examined = examine(predictor, self.wishes.trusted, self.wishes.code)
        said = f"read {examined.reading.pickles} pickles before opening any"
        self.progress.say(f"{said}: {len(examined.permit.names)} names, each allowed")
        for line in examined.permit.lines():
            self.progress.say(line)
        if unused := sorted(self.wishes.trusted - set(examined.permit.trusted)):
            self.progress.say(f"--trust that it does not need: {', '.join(unused)}")
        return examined

    def _check_environment(self, environment: Environment) -> tuple[str, ...]:
        """Compare with what runs here; give what differs and would have been refused."""
        differences = environment.differences()
        told = [str(difference) for difference in differences if difference.here and not difference.refused]
        if told:
            self.progress.say(f"trained with {', '.join(told)}: no matter")
        refused = tuple(str(difference) for difference in differences if difference.refused)
        if refused and not self.wishes.allow_version_skew:
            raise EnvironmentDiffers(f"trained with {', '.join(refused)}", environment)
        if refused:
            self.progress.say(f"trained with {', '.join(refused)}: imported all the same (--allow-version-skew)")
        return refused

    def _opened(self, folder: Path, origin: Origin) -> Probe:
        scratch, before = folder.with_name("probe"), sorted(folder.iterdir())
        scratch.mkdir()
        try:
            found = probe(folder / store.PREDICTOR, scratch)
            _check_predictor(folder, origin.digest, before)
        except PredictorNotLoadable as error:
            wanted = Environment.of(origin.trained, origin.examined.reading.modules())
            lacks = [str(difference) for difference in wanted.differences() if not difference.here]
            if lacks:
                raise EnvironmentDiffers(f"{shown(self.uri)}: {error}; it has {', '.join(lacks)}", wanted) from None
            raise error.at(shown(self.uri)) from None
        return found

    def _keep_again(self, stored: bentoml.Model, draft: Path, origin: Origin) -> bentoml.Model:
        """Make a model of the same content the newest: compiled by this version, with the papers of this import."""
        folder, digest = Path(stored.path), origin.digest
        other_code = code_digest(draft) != code_digest(folder)  # what was compiled was proven with the former
        anew = self.wishes.rows is not None or other_code or not is_compiled(folder, digest)
        kept = Environment.load(folder) or origin.environment(None)
        kept.save(draft)
        record = self._compile(draft, digest) if anew else Record.load(folder)
        referred = self.wishes.reference is not None or Reference.load(folder) is None
        if referred:
            self._refer(draft, folder / store.SCHEMA)
        self._papers(draft, origin, record, stored.tag.name, provenance.load(folder))
        papers = [name for name in PAPERS if name not in self._kept_lock(folder, draft)]
        self.commit()
        store.touch(stored, draft.parent)
        names = [
            *([RECORD, COMPILED] if anew else []),
            *([DRIFT] if referred else []),
            *papers,
            ENVIRONMENT,
            TRUST,
            *([CODE] if other_code else []),
        ]
        store.replace(folder, draft, draft.with_name("replaced"), names)
        done = [*(["compiled anew"] if anew else []), *(["another drift reference"] if self.wishes.reference else [])]
        what = " and ".join(done) or "nothing was added"
        self.progress.say(f"already in the store as {stored.tag}: the same content, {what}; it is the newest now")
        return stored

    def _kept_lock(self, stored: Path, draft: Path) -> tuple[str, ...]:
        """Give the papers of a former import that stay: its lock, where this one has none for the same environment."""
        same = Environment.load(stored) == Environment.load(draft)
        if not same or (draft / LOCK).exists() or not (stored / LOCK).exists():
            return ()
        self.progress.say("the lock of the former import stays, so images are built of that")
        return (LOCK, SBOM)

    def _compile(self, folder: Path, digest: str) -> Record:
        self.progress.say("compiling it, and proving that it answers as AutoGluon does: up to a minute")
        scratch = folder.with_name("compiling")
        scratch.mkdir()
        record = compile_into(folder, folder / store.PREDICTOR, digest, scratch, self.wishes.rows)
        for line in record.lines():
            self.progress.say(line)
        return record

    def _refer(self, folder: Path, schema: Path) -> None:
        """Make the drift reference; a file that it cannot be made of fails the import."""
        scratch = folder.with_name("referring")
        scratch.mkdir()
        for line in lines(reference_into(folder, schema, scratch, self.reference, self.wishes.reference)):
            self.progress.say(line)

    def _papers(
        self, folder: Path, origin: Origin, record: Record | None, name: str, earlier: Mapping[str, Any] | None = None
    ) -> None:
        asked = self.wishes
        lines = write_papers(
            folder, origin, record, name, cuda=asked.cuda, index=asked.torch_index, earlier=earlier or {}
        )
        for line in lines:
            self.progress.say(line)


def _check_predictor(folder: Path, digest: str, expected: list[Path] | None = None) -> None:
    predictor = folder / store.PREDICTOR
    unexpected = expected is not None and sorted(folder.iterdir()) != expected
    if unexpected or not is_plain(predictor) or folder_digest(predictor) != digest:
        raise PredictorNotLoadable(
            "opening it changed its own files, so what would be served is not what was read: do not trust it"
        )
