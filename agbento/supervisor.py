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
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from agbento.errors import AgbentoError
from agbento.metrics import multiprocess_folder
from agbento.parent import end_with_parent

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
    made_by_circus = circus.watcher.Watcher
    deaths: deque[float] = deque(maxlen=DEATHS)

    def after_reap(watcher: Any, arbiter: Any, exit_code: int | None, process_pid: int, **_: Any) -> bool:
        if not (watcher.is_stopping() or watcher.is_stopped() or arbiter._stopping):
            _on_death(watcher, arbiter, exit_code, process_pid, deaths)
        return True

    def watcher(*args: Any, **options: Any) -> Any:
        hooks = {"after_start": (_look_often, False), "after_reap": (after_reap, False)}
        env = {**(options.pop("env", None) or {}), **ours}
        changed = {"respawn": True, "hooks": hooks, "env": env, "graceful_timeout": graceful_seconds}
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
        print(f"service: the port is taken ({error.strerror}): end what listens there, or take another with --port")  # noqa: T201
    else:
        sys.__excepthook__(kind, error, trace)


def _look_often(arbiter: Any, **_: Any) -> bool:
    from circus.util import AsyncPeriodicCallback

    # A closed terminal ends the service; circus would start its workers anew, and lose what is in flight.
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    arbiter.ctrl.caller.stop()
    arbiter.ctrl.caller = AsyncPeriodicCallback(arbiter.manage_watchers, CHECK_SECONDS * 1000)
    arbiter.ctrl.caller.start()
    return True


def _on_death(watcher: Any, arbiter: Any, exit_code: int | None, pid: int, deaths: deque[float]) -> None:
    # circus may have reaped it in two places at once, and then knows no code: the reason's file is what counts.
    reason = _reason_file(Path(watcher.env["PROMETHEUS_MULTIPROC_DIR"]))
    if reason.exists():
        _end(watcher, arbiter, reason.read_text("utf-8"))
    how = f"signal {-exit_code}" if exit_code and exit_code < 0 else f"exit code {exit_code or 'unknown'}"
    now = time.monotonic()
    deaths.append(now)
    if len(deaths) == DEATHS and now - deaths[0] < WITHIN_SECONDS:
        _end(watcher, arbiter, f"{DEATHS} workers died within {WITHIN_SECONDS:g} s, the last one by {how}; giving up")
    print(f"service: worker {pid} died ({how}); starting another", file=sys.stderr, flush=True)  # noqa: T201


def _end(watcher: Any, arbiter: Any, reason: str) -> NoReturn:
    for process in watcher.processes.values():
        os.kill(process.pid, signal.SIGTERM)
    arbiter.exit_stack.close()
    shutil.rmtree(watcher.env["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
    print(f"service: {reason}", file=sys.stderr, flush=True)  # noqa: T201 - the line that the process ends with
    # circus knows no way to stop with an exit code.
    os._exit(1)
