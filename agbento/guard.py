"""The second look: in the process that opens a predictor nothing is unpickled, opened or started that need not be.

Reading a predictor's files (`agbento.pickles`) tells what they name. What they then do with paths and attributes is
watched while they are opened, by Python's audit events (https://docs.python.org/3/library/audit_events.html): what
raises in a hook stops what raised the event.
"""

from __future__ import annotations

import os
import sys
import tempfile
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# None is needed to open a predictor, and each would be a way out.
_REFUSED = frozenset(
    {
        *("os.system", "os.exec", "os.spawn", "os.posix_spawn", "os.fork", "os.forkpty", "pty.spawn"),
        *("subprocess.Popen", "socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"),
    }
)
_CHANGES = frozenset(
    {f"os.{name}" for name in ("chmod", "chown", "link", "mkdir", "remove", "rename", "rmdir", "symlink", "truncate")}
)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# The system's own, which libraries look at when they are loaded.
_SYSTEM = ("/proc", "/sys", "/dev", "/etc", "/usr", "/lib", "/lib64")


class RefusedError(PermissionError):
    """Something was about to be done that opening a predictor does not take."""


@contextmanager
def opening_only(folder: Path, names: Collection[tuple[str, str]]) -> Iterator[None]:
    """Hold this process, for the time of the block, to what opening the predictor in ``folder`` takes.

    It unpickles ``names`` (module, qualified name) and no others, reads ``folder`` and what Python is made of, writes
    temporary files, connects to nothing and starts nothing. Raises RefusedError where it would do more.
    """
    allowed, watching = frozenset(names), True
    writable = _roots(tempfile.gettempdir(), *filter(None, map(os.environ.get, ("TMPDIR", "MPLCONFIGDIR"))), "/dev")
    readable = writable + _roots(str(folder), sys.prefix, sys.base_prefix, *sys.path, *_SYSTEM)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if not watching:
            return
        if event == "pickle.find_class":
            if arguments not in allowed and _mapped(*arguments) not in allowed:
                raise RefusedError(f"{arguments[0]}.{arguments[1]} is not among the names that were read in its files")
        elif event == "open":
            _check(event, arguments[:1], writable if _is_write(*arguments[1:]) else readable)
        elif event in _CHANGES:
            _check(event, arguments, writable)
        elif event in _REFUSED:
            raise RefusedError(f"it would do {event} {str(arguments)[:200]}")

    sys.addaudithook(hook)
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        watching, sys.dont_write_bytecode = False, bytecode


def _roots(*places: str) -> tuple[str, ...]:
    real = {os.path.realpath(place) for place in places}
    return tuple(f"{place}/" for place in real if place != "/")


def _is_write(mode: str | None, flags: int) -> bool:
    return bool(set(mode) & set("wax+")) if isinstance(mode, str) else bool(flags & _WRITES)


def _check(event: str, arguments: tuple[Any, ...], roots: tuple[str, ...]) -> None:
    """Refuse paths that are not below ``roots``; file descriptors are of files that were opened before."""
    for path in arguments:
        if isinstance(path, (str, bytes, os.PathLike)) and not _is_below(path, roots):
            raise RefusedError(f"it would do {event} {os.fsdecode(path)[:200]}, which is no file of it")


def _is_below(path: str | bytes | os.PathLike[str], roots: tuple[str, ...]) -> bool:
    # A root is below itself: folders are made with all that they lie in, where these are there or not.
    return f"{os.path.realpath(os.fsdecode(path))}/".startswith(roots)


def _mapped(module: str, name: str) -> tuple[str, str]:
    """Give the name of Python 3 for one of Python 2, as protocols 0 to 2 have them."""
    return NAME_MAPPING.get((module, name)) or (IMPORT_MAPPING.get(module, module), name)
