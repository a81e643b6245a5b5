"""Worker processes: bounded, replaced when they die, and given up on when they cannot start.

BentoML's supervisor is circus. In a container BentoML tells it not to replace a dead worker, and outside to replace
one that cannot load for ever; both are set right here, through circus's own hooks.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from agbento.errors import AgbentoError
from agbento.parent import end_with_parent
from agbento.watching.metric_files import multiprocess_folder

CANNOT_START = 78  # EX_CONFIG of sysexits.h: starting again would not help
CHECK_SECONDS = 0.5  # how soon a dead worker is noticed; BentoML sets 10
DEATHS, WITHIN_SECONDS = 10, 60.0  # more deaths than this, and the service ends: something outside must look

_SUPERVISOR = "AGBENTO_SUPERVISOR"  # the supervisor's process id; set for the workers, and read nowhere else


def supervise(environment: Mapping[str, str], graceful_seconds: float) -> None:
    """Prepare the supervising process, before BentoML makes its watchers.

    ``environment`` is set for the workers. A worker that is to end, and has not within ``graceful_seconds``, is killed.
    """
    import circus.watcher

    # BentoML's own folder is shared by all services of a BENTOML_HOME, and emptied by the start of each.
    metrics = tempfile.mkdtemp(prefix="agbento-metrics-")
    atexit.register(shutil.rmtree, metrics, ignore_errors=True)
    ours = {**environment, _SUPERVISOR: str(os.getpid()), "PROMETHEUS_MULTIPROC_DIR": metrics}
    made_by_circus, deaths = circus.watcher.Watcher, _Deaths()

    def watcher(*args: Any, **options: Any) -> Any:
        env = {**(options.pop("env", None) or {}), **ours}
        changed = {"respawn": True, "hooks": deaths.hooks(), "env": env, "graceful_timeout": graceful_seconds}
        return made_by_circus(*args, **{**options, **changed})

    circus.watcher.Watcher = watcher
    sys.excepthook = _one_line_where_enough


def follow_supervisor() -> None:
    """In a worker: end when the supervisor is gone, even if it was killed, so that no port stays taken."""
    if (pid := os.environ.get(_SUPERVISOR)) is not None:
        end_with_parent(signal.SIGTERM)
        if os.getppid() != int(pid):  # it was gone before it could be followed
            os._exit(CANNOT_START)


def cannot_start(error: AgbentoError) -> NoReturn:
    """End for good, with one line that says why; in a worker the supervisor says it, and ends too."""
    folder = multiprocess_folder()
    if _SUPERVISOR not in os.environ or folder is None:
        raise SystemExit(f"service: {error}")
    draft = folder / f"cannot-start.{os.getpid()}"
    with contextlib.suppress(OSError):  # another worker was first, and the supervisor has ended already
        draft.write_text(str(error), "utf-8")
        draft.replace(_reason_file(folder))
    os._exit(CANNOT_START)


def _reason_file(folder: Path) -> Path:
    return folder / "cannot-start.txt"


def _one_line_where_enough(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        _say(f"the port is taken ({error.strerror}): end what listens there, or take another with --port")
    else:
        sys.__excepthook__(kind, error, trace)


class _Deaths:
    """What circus's hooks tell of workers: a worker that is gone when another is spawned has died.

    circus does not always call ``after_reap``: a death between two of its looks is only seen as a free place.
    """

    def __init__(self) -> None:
        self._codes: dict[int, int | None] = {}
        self._times: deque[float] = deque(maxlen=DEATHS)

    def hooks(self) -> dict[str, tuple[Callable[..., bool], bool]]:
        """Give the hooks, each with whether circus may go on when it fails."""
        return {
            "after_start": (_after_start, False),
            "after_spawn": (self._after_spawn, False),
            "after_reap": (self._after_reap, True),
            "before_spawn": (self._before_spawn, False),
        }

    def _after_spawn(self, pid: int, **_: Any) -> bool:
        self._codes[pid] = None
        return True

    def _after_reap(self, process_pid: int, exit_code: int | None, **_: Any) -> bool:
        self._codes[process_pid] = exit_code
        return True

    def _before_spawn(self, watcher: Any, arbiter: Any, **_: Any) -> bool:
        for pid in [pid for pid in self._codes if pid not in watcher.processes]:
            self._on_death(watcher, arbiter, pid, self._codes.pop(pid))
        return True

    def _on_death(self, watcher: Any, arbiter: Any, pid: int, exit_code: int | None) -> None:
        reason = _reason_file(Path(watcher.env["PROMETHEUS_MULTIPROC_DIR"]))
        if reason.exists():
            _end(watcher, arbiter, reason.read_text("utf-8"))
        how = f"signal {-exit_code}" if exit_code and exit_code < 0 else f"exit code {exit_code or 'unknown'}"
        self._times.append(now := time.monotonic())
        if len(self._times) == DEATHS and now - self._times[0] < WITHIN_SECONDS:
            told = f"{DEATHS} workers died within {WITHIN_SECONDS:g} s, the last one by {how}; giving up"
            _end(watcher, arbiter, told)
        _say(f"worker {pid} died ({how}); starting another")


def _after_start(arbiter: Any, **_: Any) -> bool:
    from circus.util import AsyncPeriodicCallback

    # A closed terminal ends the service; circus would start its workers anew, and lose what is in flight.
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    arbiter.ctrl.caller.stop()
    arbiter.ctrl.caller = AsyncPeriodicCallback(arbiter.manage_watchers, CHECK_SECONDS * 1000)
    arbiter.ctrl.caller.start()
    return True


def _end(watcher: Any, arbiter: Any, reason: str) -> NoReturn:
    for process in watcher.processes.values():
        os.kill(process.pid, signal.SIGTERM)
    arbiter.exit_stack.close()
    shutil.rmtree(watcher.env["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
    _say(reason)
    # circus knows no way to stop with an exit code.
    os._exit(1)


def _say(line: str) -> None:
    print(f"service: {line}", file=sys.stderr, flush=True)  # noqa: T201 - circus has the log, a person has the terminal
