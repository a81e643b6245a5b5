"""A compiled predictor in a folder.

    plan.json    what is computed        arrays.bin, arrays.json   the numbers, mapped when loaded
    foreign/     AutoGluon's own objects, where some part has no native form
    seal.json    format, the compiler's version, the predictor's digest, and size and CRC-32 of every other file; last

The seal tells an artefact that is whole, and of this compiler, from any other. It guards against accidents (a full
disk, a copy that broke off, an older version), not against malice: what is in the folder is trusted as the model is.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import pickle
import shutil
import uuid
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from agbento.compiler.arrays import Arrays
from agbento.compiler.errors import ArtefactError
from agbento.compiler.parts import Parts
from agbento.compiler.plan.plan import read_json, to_json

FORMAT = 1
_PLAN, _ARRAYS, _INDEX, _SEAL, _FOREIGN = "plan.json", "arrays.bin", "arrays.json", "seal.json", "foreign"
_FEATURES = "features.pkl"
_CHUNK = 1 << 22  # bytes that are read at a time


@lru_cache
def compiler_version() -> str:
    """Give the first 16 hex digits of a SHA-256 over the compiler's own source: any change makes another version."""
    package, digest = Path(__file__).parent, hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        digest.update(f"{file.relative_to(package).as_posix()}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def save(parts: Parts, folder: Path) -> None:
    """Write ``folder``, which must not exist; it is there whole or not at all.

    Raises:
        FileExistsError: there is something of that name.
        OSError: it cannot be written.
    """
    if folder.exists():
        raise FileExistsError(f"{folder}: there already; expected a name that is free")
    made = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")  # nobody else writes there
    made.mkdir(parents=True)
    try:
        (made / _PLAN).write_bytes(to_json(parts.plan))
        parts.arrays.save(made / _ARRAYS, made / _INDEX)
        _save_foreign(parts.foreign, made / _FOREIGN)
        seal = {"format": FORMAT, "compiler": compiler_version(), "source": parts.source, "files": _files(made)}
        (made / _SEAL).write_text(json.dumps(seal, indent=1) + "\n", "utf-8")
        try:
            made.rename(folder)
        except OSError as error:
            if folder.exists():
                raise FileExistsError(f"{folder}: another was written there meanwhile") from error
            raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def load(folder: Path, source: str | None = None) -> Parts:
    """Open what ``save`` wrote; ``source`` is the digest of the predictor that it must be of.

    Raises:
        ArtefactError: it is no artefact, one of another version or predictor, or damaged; says which.
    """
    told = check(folder, source)
    try:
        plan = read_json((folder / _PLAN).read_bytes())
        arrays = Arrays.load(folder / _ARRAYS, folder / _INDEX)
        return Parts(plan, arrays, _load_foreign(folder / _FOREIGN), told)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtefactError(f"{folder}: its seal is right, its content is not: {error}") from error


def check(folder: Path, source: str | None = None) -> str:
    """Check the seal and give the digest of the artefact's predictor; raises ArtefactError."""
    try:
        seal = json.loads((folder / _SEAL).read_text("utf-8"))
        told, version, files = seal["format"], seal["compiler"], dict(seal["files"])
        found_source = str(seal["source"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtefactError(f"{folder}: no compiled predictor: {error}") from error
    if told != FORMAT:
        raise ArtefactError(f"{folder}: of format {told}, expected {FORMAT}: compile it again")
    if version != compiler_version():
        raise ArtefactError(
            f"{folder}: compiled by version {version} of the compiler, expected {compiler_version()}: compile it again"
        )
    if source not in (None, found_source):
        raise ArtefactError(f"{folder}: compiled from the predictor {found_source or 'unknown'}, expected {source}")
    try:
        found = _files(folder)
    except OSError as error:
        raise ArtefactError(f"{folder}: {error}") from error
    for name in sorted({*files, *found, _PLAN, _ARRAYS, _INDEX}):
        if name not in files or files[name] != found.get(name):
            raise ArtefactError(f"{folder / name}: damaged: expected {files.get(name)}, found {found.get(name)}")
    return found_source


def _files(folder: Path) -> dict[str, dict[str, int]]:
    names = (p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    return {name: _sum(folder / name) for name in sorted(names) if name != _SEAL}


def _sum(file: Path) -> dict[str, int]:
    size = crc = 0
    with file.open("rb") as data:
        while chunk := data.read(_CHUNK):
            size, crc = size + len(chunk), zlib.crc32(chunk, crc)
    return {"bytes": size, "crc32": crc}


def _save_foreign(foreign: Mapping[str, Any], folder: Path) -> None:
    if not foreign:
        return
    folder.mkdir()
    index = {}
    for number, (name, found) in enumerate(foreign.items()):
        if name == "features":
            (folder / _FEATURES).write_bytes(pickle.dumps(found, protocol=4))
            continue
        place = f"{number:03d}"
        # AutoGluon's own way: some models keep parts of theirs in files beside the pickle.
        found.save(path=str(folder / place), verbose=False)
        index[name] = {"folder": place, "module": type(found).__module__, "class": type(found).__qualname__}
    (folder / "index.json").write_text(json.dumps(index, indent=1) + "\n", "utf-8")


def _load_foreign(folder: Path) -> dict[str, Any]:
    if not folder.exists():
        return {}
    found: dict[str, Any] = {}
    for name, told in json.loads((folder / "index.json").read_text("utf-8")).items():
        model_class = getattr(importlib.import_module(told["module"]), told["class"])
        found[name] = model_class.load(path=str(folder / told["folder"]), verbose=False)
    if (folder / _FEATURES).exists():
        found["features"] = pickle.loads((folder / _FEATURES).read_bytes())  # noqa: S301 the model's own, as trusted as it
    return found
