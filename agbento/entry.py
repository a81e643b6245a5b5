"""One file below a source, and whether its name is safe to write."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_LONGEST_PART = 255  # bytes; NAME_MAX of the file systems in use
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Entry:
    """A file below a source.

    ``path`` is POSIX and relative to the source's root (to the predictor's folder, once located); ``size`` is in bytes;
    ``version`` is a token that changes with the content (an ETag, or times and inode); ``fault`` says why the file
    cannot be taken, where that is known before reading it.
    """

    path: str
    size: int
    version: str
    fault: str | None = None


def climbs(path: str) -> bool:
    """Say whether ``path`` has a part that would leave the folder it is written to, for any reading of separators."""
    return ".." in re.split(r"[/\\\x00]", path)


def path_fault(path: str) -> str | None:
    """Say why ``path`` cannot be written below a folder as it stands, or give None where it can.

    A path that passes has parts that are neither empty nor ``.`` or ``..``, no backslash, no control character, is
    UTF-8 and has no part of more than 255 bytes: joined to a folder it names exactly one file inside that folder.
    """
    if climbs(path):
        return "it has a '..' part and would climb out of the folder"
    if path.startswith("/"):
        return "it is absolute"
    parts = path.split("/")
    if "" in parts or "." in parts:
        return "it has an empty or '.' part"
    if "\\" in path or _CONTROL.search(path):
        return "it has a backslash or a control character"
    try:
        encoded = [part.encode() for part in parts]
    except UnicodeEncodeError:
        return "it is not UTF-8"
    if max(map(len, encoded)) > _LONGEST_PART:
        return f"it has a part of more than {_LONGEST_PART} bytes"
    return None


def collision(paths: Iterable[str]) -> str | None:
    """Give a path that is both a file and the folder of another one, or None: a file system cannot hold both."""
    files = set(paths)
    for path in sorted(files):
        parts = path.split("/")
        for depth in range(1, len(parts)):
            if (folder := "/".join(parts[:depth])) in files:
                return folder
    return None
