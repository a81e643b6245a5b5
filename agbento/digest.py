"""The digest of a folder's content: the same for the same files, wherever and whenever they were copied.

For each file, in the order of its path's UTF-8 bytes, the line
``<sha256 of the content, hex> SP <size in bytes, decimal> SP <POSIX path relative to the folder> NUL``
is fed to one SHA-256; its hex form is the digest. Before them comes this format's version, ``agbento-digest-1 NUL``.
Times, modes, owners and empty folders do not count. A path cannot hold NUL, so no two folders have the same lines.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

_FORMAT = b"agbento-digest-1\0"
_SHORT = 16


def folder_files(folder: Path) -> list[tuple[str, Path]]:
    """List the regular files below ``folder`` as (POSIX relative path, file), in the order that the digest has."""
    found = [(p.relative_to(folder).as_posix(), p) for p in folder.rglob("*") if p.is_file() and not p.is_symlink()]
    return sorted(found, key=lambda pair: pair[0].encode("utf-8", "surrogateescape"))


def folder_digest(folder: Path) -> str:
    """Give the digest of ``folder``: 64 hex digits. Raises OSError where a file cannot be read."""
    return files_digest(folder_files(folder))


def files_digest(files: Iterable[tuple[str, Path]]) -> str:
    """Give the digest of some files of a folder, in the order given, each as (POSIX relative path, file)."""
    total = hashlib.sha256(_FORMAT)
    for path, file in files:
        content, size = _content(file)
        total.update(f"{content} {size} ".encode() + path.encode("utf-8", "surrogateescape") + b"\0")
    return total.hexdigest()


def is_plain(folder: Path) -> bool:
    """Tell whether all below ``folder`` is regular files and folders, and so in its digest."""
    return all((p.is_dir() or p.is_file()) and not p.is_symlink() for p in folder.rglob("*"))


def short(digest: str) -> str:
    """Give the digest's first 16 digits: the version of the stored model."""
    return digest[:_SHORT]


def _content(file: Path) -> tuple[str, int]:
    sha, size = hashlib.sha256(), 0
    with file.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            sha.update(chunk)
            size += len(chunk)
    return sha.hexdigest(), size
