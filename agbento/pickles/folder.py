"""All pickles below a folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from agbento.pickles.content import opened
from agbento.pickles.limits import Limits
from agbento.pickles.names import found_here
from agbento.pickles.reader import Reader
from agbento.pickles.reading import Reading

_USUAL = Limits()


def read_folder(folder: Path, limits: Limits = _USUAL, names: Callable[[str], bool] = found_here) -> Reading:
    """Read every regular file below ``folder``, whatever its name, without running or importing anything of it.

    ``names`` says whether a top-level module of this name is installed: bytes that may be no pickle refer to nothing
    else. Raises OSError where the folder or a file cannot be read, or a temporary file not be written.
    """
    reader = Reader(limits, names)
    for path in _files(folder):
        file = path.relative_to(folder).as_posix()
        if not stat.S_ISREG(path.lstat().st_mode):
            reader.flaw(file, "neither a file nor a folder")
            continue
        with opened(path) as content:
            reader.read(content, file)
    return reader.reading()


def _raise(error: OSError) -> None:
    raise error


def _files(folder: Path) -> list[Path]:
    """Give all that is below the folder but folders, links to folders among it, in the order of their names."""
    found: list[Path] = []
    for base, folders, files in os.walk(folder, onerror=_raise):
        found += [Path(base, name) for name in (*files, *folders) if name in files or Path(base, name).is_symlink()]
    return sorted(found)
