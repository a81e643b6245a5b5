"""A program started, watched and ended together with all that it started itself."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

import psutil

PATIENCE_SECONDS: Final = 15.0  # between SIGTERM and SIGKILL
TAIL_LINES: Final = 20


class ChildFailed(Exception):
    """A program that ended, or did not get ready in time; the text is one line, with the log's tail below it."""


class Child:
    """Runs ``command`` in a session of its own, its output in ``log``; as a context manager it is ended at the end."""

    def __init__(self, command: Sequence[str], log: Path, env: Mapping[str, str], cwd: Path) -> None:
        self.name, self.log = Path(command[0]).name, log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
            )

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id, the session's and the group's too."""
        return self._process.pid

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until ``ready()``, which must not block for long.

        Raises `ChildFailed` when the program ends first, or when ``seconds`` have passed.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            if (code := self._process.poll()) is not None:
                raise ChildFailed(f"{self.name} ended with {code} before it was ready\n{self.tail()}")
            if time.monotonic() > deadline:
                raise ChildFailed(f"{self.name} was not ready after {seconds:.0f} s\n{self.tail()}")
            time.sleep(0.2)

    def tail(self) -> str:
        """Give the last lines of the output."""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-TAIL_LINES:])

    def stop(self) -> int:
        """End it: SIGTERM and some patience, then SIGKILL for it and all that it started. Give its exit code."""
        family = self._family()
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        finally:  # an impatient second Ctrl-C leaves nothing behind either
            _kill(family, self.pid)
        return self._process.wait()

    def _family(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []


def _kill(family: Sequence[psutil.Process], group: int) -> None:
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()  # psutil looks first whether the id is still the same process
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
