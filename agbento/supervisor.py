"""Worker processes: bounded, replaced when they die, and given up on when they cannot start.

BentoML's supervisor is circus. In a container BentoML tells it not to replace a dead worker, and outside to replace
one that cannot load for ever; both are set right here, through circus's own hooks.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from agbento.errors import AgbentoError
from agbento.metrics import multiprocess_folder
from agbento.parent import end_with_parent

CANNOT_START = 78  # EX_CONFIG of sysexits.h: starting again would not help
CHECK_SECONDS = 0.5  # how soon a dead worker is noticed; BentoML sets 10
DEATHS, WITHIN_SECONDS = 10, 60.0  # more deaths than this, and the service ends: something outside must look

_SUPERVISED = "AGBENTO_SUPERVISED"  # set for the workers, and read nowhere else


def supervise(environment: Mapping[str, str]) -> None:
    """Prepare the supervising process, before BentoML makes its watchers; ``environment`` is set for the workers."""
    import circus.watcher

    os.environ.update(environment)
    os.environ[_SUPERVISED] = "1"
    made_by_circus = circus.watcher.Watcher
    deaths: deque[float] = deque(maxlen=DEATHS)

    def after_reap(watcher: Any, arbiter: Any, exit_code: int, process_pid: int, **_: Any) -> bool:
        if not (watcher.is_stopping() or watcher.is_stopped() or arbiter._stopping):
            _on_death(watcher, arbiter, exit_code, process_pid, deaths)
        return True

    def watcher(*args: Any, **options: Any) -> Any:
        hooks = {"after_start": (_look_often, False), "after_reap": (after_reap, False)}
        return made_by_circus(*args, **{**options, "respawn": True, "hooks": hooks})

    circus.watcher.Watcher = watcher


def follow_supervisor() -> None:
    """In a worker: end when the supervisor is gone, even if it was killed, so that no port stays taken."""
    if _is_supervised():
        end_with_parent(signal.SIGTERM)


def cannot_start(error: AgbentoError) -> NoReturn:
    """In a worker: end for good, and let the supervisor say why in one line.

    Raises:
        AgbentoError: the one given, where there is no supervisor.
    """
    folder = multiprocess_folder()
    if not _is_supervised() or folder is None:
        raise error
    _reason_file(folder).write_text(str(error), "utf-8")
    os._exit(CANNOT_START)


def _is_supervised() -> bool:
    return _SUPERVISED in os.environ


def _reason_file(folder: Path) -> Path:
    return folder / "cannot-start.txt"


def _look_often(arbiter: Any, **_: Any) -> bool:
    from circus.util import AsyncPeriodicCallback

    arbiter.ctrl.caller.stop()
    arbiter.ctrl.caller = AsyncPeriodicCallback(arbiter.manage_watchers, CHECK_SECONDS * 1000)
    arbiter.ctrl.caller.start()
    return True


def _on_death(watcher: Any, arbiter: Any, exit_code: int, pid: int, deaths: deque[float]) -> None:
    how = f"signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
    if exit_code == CANNOT_START:
        reason = _reason_file(Path(watcher.env["PROMETHEUS_MULTIPROC_DIR"])).read_text("utf-8")
        _end(watcher, arbiter, reason)
    now = time.monotonic()
    deaths.append(now)
    if len(deaths) == DEATHS and now - deaths[0] < WITHIN_SECONDS:
        _end(watcher, arbiter, f"{DEATHS} workers died within {WITHIN_SECONDS:g} s, the last one by {how}; giving up")
    print(f"service: worker {pid} died ({how}); starting another", file=sys.stderr, flush=True)  # noqa: T201


def _end(watcher: Any, arbiter: Any, reason: str) -> NoReturn:
    for process in watcher.processes.values():
        os.kill(process.pid, signal.SIGTERM)
    arbiter.exit_stack.close()
    print(f"service: {reason}", file=sys.stderr, flush=True)  # noqa: T201 - the line that the process ends with
    # circus knows no way to stop with an exit code.
    os._exit(1)
