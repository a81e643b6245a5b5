"""The models of this product in BentoML's model store: how one gets there, and how it is found again.

A stored model is a folder ``models/<name>/<version>/`` of ``BENTOML_HOME`` with ``model.yaml`` (BentoML's),
``predictor/`` (AutoGluon's folder as it was) and ``schema.json``. It comes into being by one rename, so no half of it
is ever seen. The version is the first 16 hex digits of the content's digest: same content, same version.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agbento.digest import folder_digest, folder_files, short
from agbento.errors import StoreError, UsageError
from agbento.schema import Schema
from agbento.text import one_line, os_fault, shown

if TYPE_CHECKING:
    import bentoml

PREDICTOR, SCHEMA = "predictor", "schema.json"
_MODULE = "agbento"  # marks, in model.yaml, the models of this product
_API_VERSION = "v1"
_NO_NAME = "autogluon"
# BentoML's own rule for the parts of a tag (bentoml._internal.tag).
_NAME = re.compile(r"[a-z0-9]([-._a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Description:
    """What model.yaml says of a model: flat strings and numbers."""

    labels: dict[str, str]
    metadata: dict[str, str | int]


def checked_name(name: str) -> str:
    """Give ``name`` if it can be a model's; raises UsageError."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"--name {shown(name, 80)!r}: expected at most 63 of a-z, 0-9, '-', '_', '.', "
            f"a letter or digit first and last; for example {valid_name(name)}"
        )
    return name


def valid_name(text: str) -> str:
    """Make a model's name of ``text``: lower case, "-" for what is not allowed, ``autogluon`` if nothing is left."""
    replaced = re.sub(r"[^-._a-z0-9]+", "-", text.lower()).strip("-._")
    return replaced[:63].rstrip("-._") or _NO_NAME


def home() -> Path:
    """Give the folder that holds ``models/`` (``BENTOML_HOME``), made if need be; raises StoreError."""
    models = _models()
    try:
        models.mkdir(parents=True, exist_ok=True)
        parent = models.resolve().parent
        if parent.stat().st_dev != models.stat().st_dev:
            raise StoreError(f"{models} is a mount of its own: have all of BENTOML_HOME on one file system")
    except OSError as error:
        raise disk_fault(error, models) from None
    return parent


def disk_fault(error: OSError, folder: Path, needed: str = "") -> StoreError:
    """Say in one line what the file system below ``folder`` objects to; ``needed`` is how much room an import takes."""
    where = shown(str(error.filename or folder))
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        amount = f" (needed: {needed})" if needed else ""
        return StoreError(f"{folder}: {os_fault(error)}{amount}; free some room, or set BENTOML_HOME to where there is")
    return StoreError(f"{where}: {os_fault(error)}; make it writable, or set BENTOML_HOME to a folder that is")


def find(tag: str | None = None) -> bentoml.Model:
    """Give the model for ``name:version`` (or the beginning of a version), for ``name``, or None: the newest import.

    Only models of this product are looked at. Raises StoreError where there is none, or several versions begin so.
    """
    name, _, version = (tag or "").partition(":")
    known = list(_imported(name or None))
    if version and version != "latest":
        exact = [m for m in known if m.tag.version == version]
        known = exact or [m for m in known if str(m.tag.version).startswith(version)]
        if len(known) > 1:
            raise StoreError(f"{shown(str(tag))}: {len(known)} versions begin so; give more of it")
    if not known:
        what = f"no model {shown(tag)}" if tag else "no imported model"
        raise StoreError(f"{what} in {_models()}; import one with `make import SOURCE=…`")
    return max(known, key=_age)


def same_content(digest: str) -> list[bentoml.Model]:
    """Give the imported models that hold the content of ``digest``, the newest first."""
    found = [m for m in _imported(None) if m.info.metadata.get("digest") == digest]
    return sorted(found, key=_age, reverse=True)


def touch(model: bentoml.Model, room: Path) -> None:
    """Make ``model`` the newest again; ``room`` is the import's staging.

    Raises StoreError where the model's files are no longer those that were imported, or are of another format.
    """
    folder = Path(model.path)
    again = f"`bentoml models delete {model.tag}` and import again"
    try:
        if folder_digest(folder / PREDICTOR) != model.info.metadata["digest"] or not (folder / SCHEMA).is_file():
            raise StoreError(f"{model.tag} is in the store, but its files were changed since: {again}")
        Schema.load(folder / SCHEMA)
        os.utime(folder)
        latest = room / "latest"
        latest.write_text(folder.name, "utf-8")
        latest.replace(folder.parent / "latest")
    except ValueError as error:
        raise StoreError(f"{model.tag} is in the store, but {error}: {again}") from None
    except OSError as error:
        raise disk_fault(error, folder) from None


def replace(stored: Path, made: Path, aside: Path, names: Sequence[str]) -> None:
    """Put ``names`` of the folder ``made`` in place of those of a stored model; what is not made goes.

    The first of ``names`` is put in place last, so a record comes after what it speaks of. A file is replaced by one
    rename; a folder takes two, and where there is one the first of ``names`` is away meanwhile, so that nothing speaks
    of what is not there.
    """
    aside.mkdir()
    for place in (made / name for name in names):
        if place.is_dir():
            _sync(place)
        elif place.exists():
            _sync_folder(place)
    folders = {name for name in names if (stored / name).is_dir() or (made / name).is_dir()}
    away = folders | ({names[0]} if folders else set())
    with _locked(stored):
        for name in names:
            if (stored / name).exists() and (name in away or not (made / name).exists()):
                (stored / name).rename(aside / name)
        for name in reversed(names):
            if (made / name).exists():
                (made / name).rename(stored / name)
        _sync_folder(stored)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Wait until no other import changes ``folder``."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def describe(folder: Path, name: str, description: Description) -> None:
    """Write ``model.yaml`` into ``folder``, for the tag of ``name`` and the digest's version."""
    from bentoml import Tag
    from bentoml._internal.models.model import ModelContext, ModelInfo

    metadata: dict[str, Any] = dict(description.metadata)
    info = ModelInfo(
        tag=Tag(name, short(str(metadata["digest"]))),
        module=_MODULE,
        api_version=_API_VERSION,
        labels=description.labels,
        options={},
        metadata=metadata,
        context=ModelContext("autogluon", {"autogluon.tabular": str(metadata["autogluon_version"])}),
        signatures={},
    )
    with (folder / "model.yaml").open("w", encoding="utf-8") as stream:
        info.dump(stream)


def publish(folder: Path, name: str, digest: str) -> tuple[bentoml.Model, bool]:
    """Move ``folder`` (in the staging) into the store as ``name``; give the model, and whether it is new there.

    Another import of the same content may have come first: then that one stands. Raises StoreError, OSError.
    """
    version = short(digest)
    _sync(folder)
    # <room>/shelf/<name>/{<version>/, latest}: the first model of its name arrives with all of that in one rename.
    shelf = folder.parent / "shelf" / name
    shelf.mkdir(parents=True)
    (shelf / "latest").write_text(version, "utf-8")
    folder.rename(shelf / version)
    os.utime(shelf / version)
    target = _models() / name
    for _ in range(5):
        if _moved(shelf, target):
            break
        if _moved(shelf / version, target / version):
            (shelf / "latest").replace(target / "latest")
            break
        if (target / version).is_dir():
            model = _ours(target / version, digest)
            touch(model, folder.parent)
            return model, False
    _sync_folder(target)
    _sync_folder(target.parent)
    return _ours(target / version, digest), True


def _moved(origin: Path, target: Path) -> bool:
    """Rename a folder to where nothing is, or an empty folder; say whether that was so."""
    try:
        origin.rename(target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.ENOENT):
            return False
        raise
    return True


def _ours(folder: Path, digest: str) -> bentoml.Model:
    model = _read(folder)
    if model is None or model.info.metadata.get("digest") != digest:
        raise StoreError(f"{folder} is there and is no import of this content; move it away or give another --name")
    return model


def _models() -> Path:
    """Give the folder of the model store that BentoML uses now: in a Bento it is the Bento's own."""
    from bentoml._internal.configuration.containers import BentoMLContainer

    try:
        return Path(BentoMLContainer.model_store.get()._path)
    except OSError as error:
        raise disk_fault(error, Path(error.filename or "BENTOML_HOME")) from None
    except Exception as error:  # noqa: BLE001 - BentoML's own, of no common class
        raise StoreError(f"BENTOML_HOME cannot be used: {one_line(str(error))}") from None


def _imported(name: str | None) -> Iterator[bentoml.Model]:
    models = _models()
    if name is not None and not _NAME.fullmatch(name):
        return
    try:
        found = sorted(models.glob(f"{name or '*'}/*/model.yaml"))
    except OSError as error:
        raise disk_fault(error, models) from None
    for file in found:
        if model := _read(file.parent):
            yield model


def _read(folder: Path) -> bentoml.Model | None:
    """Read the model in ``folder``; None where it is none of ours, or none at all: others keep models there too."""
    from bentoml._internal.models.model import Model

    try:
        model = Model.from_path(folder)
    except Exception:  # noqa: BLE001 - whatever another's model.yaml holds, it is not ours
        return None
    return model if model.info.module == _MODULE and (folder / PREDICTOR).is_dir() else None


def _age(model: bentoml.Model) -> tuple[int, str]:
    return Path(model.path).stat().st_mtime_ns, str(model.tag)


def _sync(folder: Path) -> None:
    for _, file in folder_files(folder):
        _sync_folder(file)
    for below in [*(p for p in folder.rglob("*") if p.is_dir()), folder]:
        _sync_folder(below)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
