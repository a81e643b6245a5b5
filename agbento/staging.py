"""A folder beside the model store in which an import is put together, and which never outlives the import.

``<home>/agbento-staging/<random>/`` is on the store's file system, so that one rename publishes what is in it;
``<random>.lock`` beside it is locked (flock) for as long as its import lives. Three ways lead to its end: the import
removes it; a guardian process does when the import was killed; the next import does when both were.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FOLDER = "agbento-staging"
_GUARDIAN_SECONDS = 10

# Blocks until the import closes its end of the pipe, by ending in whatever way. In a session of its own: Ctrl-C and a
# closed terminal do not reach it. Threads of a killed import may still be writing, hence the repetitions.
_GUARDIAN = """
import os, shutil, signal, sys, time
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
os.chdir("/")
os.write(1, b".")
sys.stdin.buffer.read()
folder = sys.argv[1]
for _ in range(50):
    shutil.rmtree(folder, ignore_errors=True)
    if not os.path.lexists(folder):
        break
    time.sleep(0.1)
for remove, path in ((os.unlink, folder + ".lock"), (os.rmdir, os.path.dirname(folder))):
    try:
        remove(path)
    except OSError:
        pass
"""


@contextmanager
def staging(home: Path) -> Iterator[Path]:
    """Give an empty folder below ``home`` for the time of the block; afterwards it is gone with all that is in it.

    Raises OSError where it cannot be made.
    """
    parent = home / FOLDER
    sweep(parent)
    folder = parent / secrets.token_hex(8)
    # The guardian is there before the folder is: there is no moment at which a kill leaves litter.
    with _guarded(folder):
        lock = _locked(folder)
        try:
            folder.mkdir()
            yield folder
        finally:
            _remove(folder)
            os.close(lock)


def sweep(parent: Path) -> None:
    """Remove what killed imports left in ``parent``: whatever no living import holds the lock of."""
    with suppress(OSError):
        for lock in parent.glob("*.lock"):
            _sweep_one(lock)
        for folder in parent.iterdir():
            # The lock is made before the folder and removed after it: a folder without one is nobody's.
            if folder.is_dir() and not folder.with_name(f"{folder.name}.lock").exists():
                shutil.rmtree(folder, ignore_errors=True)
        parent.rmdir()


def _sweep_one(lock: Path) -> None:
    with suppress(OSError):
        held = os.open(lock, os.O_RDWR)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(lock.with_suffix(""))
        finally:
            os.close(held)


def _locked(folder: Path) -> int:
    """Make and lock the lock file of ``folder``, however many sweeps go on beside it; give its descriptor."""
    path = folder.with_name(f"{folder.name}.lock")
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            if path.parent.exists() and not path.parent.is_dir():
                raise
            continue  # a sweep removed it while mkdir looked what it is
        try:
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except FileNotFoundError:
            continue  # a sweep removed the empty parent in between
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if os.fstat(lock).st_nlink:
                return lock
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)  # a sweep took it for a dead one before it was locked


def _remove(folder: Path) -> None:
    for _ in range(3):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            break
    with suppress(OSError):
        folder.with_name(f"{folder.name}.lock").unlink()
    with suppress(OSError):
        folder.parent.rmdir()


@contextmanager
def _guarded(folder: Path) -> Iterator[None]:
    """Have a process remove ``folder`` should this one die; where none can be started go on all the same."""
    guardian: subprocess.Popen[bytes] | None = None
    with suppress(OSError):
        guardian = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _GUARDIAN, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            start_new_session=True,
        )
    try:
        if guardian and guardian.stdout:
            guardian.stdout.read(1)  # it ignores signals from here on
        yield
    finally:
        if guardian:
            with suppress(OSError, subprocess.TimeoutExpired):
                guardian.communicate(timeout=_GUARDIAN_SECONDS)
