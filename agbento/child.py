"""A child process for code that is not ours: an emptied environment, a session and a bounded time of its own."""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agbento.parent import end_with_parent
from agbento.text import one_line

# All that the child is given of the environment: nothing of credentials, proxies or the user's settings.
_KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Ended:
    """How a child ended: its exit code (negative: a signal), None where its time was up; ``said`` is its last line."""

    code: int | None
    said: str

    @property
    def how(self) -> str:
        """Say it as a person would."""
        if self.code is None:
            return "did not end in time"
        how = f"was ended by signal {-self.code}" if self.code < 0 else f"ended with {self.code}"
        return f"{how}: {self.said}"


def run(module: str, arguments: Sequence[str], scratch: Path, seconds: float) -> Ended:
    """Run ``python -m module`` and wait for it; ``scratch`` is an empty folder, its HOME, the caller's to remove."""
    log = scratch / "log"
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environment |= {name: str(scratch) for name in ("HOME", "TMPDIR", "MPLCONFIGDIR")}
    environment |= {"PYTHONPATH": str(Path(__file__).resolve().parents[1]), "AWS_EC2_METADATA_DISABLED": "true"}
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "agbento.child", str(os.getpid()), module, *arguments],
            env=environment,
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=output,
            start_new_session=True,
        )
    code: int | None = None
    try:
        code = child.wait(seconds)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # and whatever it started
        child.wait()
    return Ended(code, _last_line(log))


def write_report(report: Path, found: Any) -> None:
    """In the child: leave what it found, as JSON; a report that is there is whole."""
    draft = report.with_suffix(".draft")
    draft.write_text(json.dumps(found), "utf-8")
    draft.rename(report)


def _last_line(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4096))
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
    return one_line(lines[-1], 300) if lines else "it said nothing"


def _main() -> None:
    """In the child: nothing is imported before it is sure to end with its parent."""
    end_with_parent(signal.SIGKILL)
    parent, module = int(sys.argv.pop(1)), sys.argv.pop(1)
    if os.getppid() == parent:
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
