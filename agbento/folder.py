"""A folder of this machine as a source."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from agbento.entry import Entry
from agbento.errors import SourceError
from agbento.locate import Located
from agbento.progress import Progress
from agbento.text import os_fault, shown

_CHUNK = 1 << 20
_SMALL = 1 << 20
_AGAIN = "import again once nobody writes there"


class FolderSource:
    """The files below ``folder``; symbolic links and special files are listed as faulty, never followed."""

    def __init__(self, folder: Path) -> None:
        self._given = folder
        self._folder = folder.expanduser().absolute()

    def name_of(self, path: str) -> str:
        """Give the path as it was given on the command line, with ``path`` below it."""
        return str(self._given / path) if path else str(self._given)

    def uri_of(self, root: str) -> str:
        """Give the ``file://`` URI of the folder ``root``."""
        return f"{(self._folder / root).resolve().as_uri()}/"

    def folder_name(self, root: str) -> str:
        """Give the folder's name."""
        return (self._folder / root).resolve().name

    def entries(self) -> list[Entry]:
        """List every file; raises SourceError where there is no such folder, or it cannot be read, or is empty."""
        try:
            found = list(_walk(self._folder.resolve(strict=True), ""))
        except NotADirectoryError:
            raise SourceError(f"{self._given}: not a folder; give the folder that holds the predictor") from None
        except FileNotFoundError:
            raise SourceError(f"{self._given}: no such folder; give s3://bucket/prefix or one that exists") from None
        except OSError as error:
            raise SourceError(f"{shown(str(error.filename))}: {os_fault(error)}; make it readable") from None
        if not found:
            raise SourceError(f"nothing under {self._given}: it is empty; give the folder that holds the predictor")
        return found

    def read_above(self, root: str, above: int, name: str) -> bytes | None:
        """Read the file ``name`` in the folder ``above`` levels over ``root``, up to 1 MiB of it."""
        start = (self._folder / root).resolve()
        if above > len(start.parents):
            return None
        file = start.parents[above - 1] / name
        try:
            with file.open("rb") as stream:
                return stream.read(_SMALL) if file.is_file() else None
        except OSError:
            return None

    def fetch(self, located: Located, target: Path, progress: Progress) -> Mapping[str, str]:
        """Copy the files; raises SourceError where one changed, appeared or vanished since they were listed."""
        start = self._folder.resolve() / located.root
        for entry in located.entries:
            file = target / entry.path
            file.parent.mkdir(parents=True, exist_ok=True)
            self._copy(start / entry.path, file, entry, progress)
        again = {e.path: e.version for e in _walk(start, "")}
        if again != {e.path: e.version for e in located.entries}:
            raise SourceError(f"{self.name_of(located.root)} changed while it was copied; {_AGAIN}")
        return {}

    def _copy(self, origin: Path, file: Path, entry: Entry, progress: Progress) -> None:
        try:
            # O_NOFOLLOW: a link that took the file's place since it was listed is not followed.
            source = os.open(origin, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            raise SourceError(f"{shown(str(origin))} vanished while it was copied; {_AGAIN}") from None
        except OSError as error:
            raise SourceError(f"{shown(str(origin))}: {os_fault(error)}; make it readable") from None
        with open(source, "rb") as reader, file.open("xb") as writer:  # noqa: PTH123 - it is a descriptor
            while chunk := reader.read(_CHUNK):
                writer.write(chunk)
                progress.advance(len(chunk))
            if _version(os.fstat(reader.fileno())) != entry.version or writer.tell() != entry.size:
                raise SourceError(f"{shown(str(origin))} changed while it was copied; {_AGAIN}")
            writer.flush()
            os.fsync(writer.fileno())


def _walk(folder: Path, inside: str) -> Iterator[Entry]:
    with os.scandir(folder) as listing:
        found = sorted(listing, key=lambda item: item.name)
    for item in found:
        path, status = f"{inside}{item.name}", item.stat(follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            yield from _walk(Path(item.path), f"{path}/")
        else:
            yield Entry(path, status.st_size, _version(status), _kind_fault(status.st_mode))


def _kind_fault(mode: int) -> str | None:
    if stat.S_ISREG(mode):
        return None
    return "a symbolic link, which is not followed" if stat.S_ISLNK(mode) else "not a regular file"


def _version(status: os.stat_result) -> str:
    return f"{status.st_ino}-{status.st_size}-{status.st_mtime_ns}"
