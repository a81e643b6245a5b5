"""A child and all that it started end together."""

import sys
from pathlib import Path

import psutil
import pytest

from sample import child as sample_child
from sample.child import Child, ChildFailed
from tests.running import is_alive, wait_for

# a parent that starts a child in a session of its own, as BentoML's supervisor does, and tells both ids
FAMILY = """
import subprocess, sys, time, signal
stubborn = len(sys.argv) > 1
if stubborn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
one = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print(one.pid, flush=True)
time.sleep(600)
"""


def start(tmp_path: Path, program: str, *arguments: str) -> Child:
    return Child([sys.executable, "-c", program, *arguments], tmp_path / "log", {}, tmp_path)


@pytest.mark.parametrize("stubborn", [(), ("stubborn",)])
def test_stop_ends_the_whole_family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stubborn: tuple[str, ...]) -> None:
    monkeypatch.setattr(sample_child, "PATIENCE_SECONDS", 1.0)
    with start(tmp_path, FAMILY, *stubborn) as parent:
        parent.wait_until(lambda: bool(parent.tail()), 20)
        grandchild = int(parent.tail())
        assert psutil.pid_exists(grandchild)
    wait_for(lambda: not is_alive(parent.pid), 30)
    wait_for(lambda: not is_alive(grandchild), 30)


def test_an_error_inside_ends_it_too(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="oops"), start(tmp_path, "import time; time.sleep(600)") as parent:
        raise RuntimeError("oops")
    wait_for(lambda: not is_alive(parent.pid), 30)


def test_a_child_that_ends_too_early_is_told_with_its_last_words(tmp_path: Path) -> None:
    with (
        start(tmp_path, "print('no model'); raise SystemExit(3)") as early,
        pytest.raises(ChildFailed, match=r"ended with 3 before it was ready\nno model"),
    ):
        early.wait_until(lambda: False, 20)


def test_a_child_that_is_never_ready_is_told(tmp_path: Path) -> None:
    with (
        start(tmp_path, "import time; time.sleep(600)") as slow,
        pytest.raises(ChildFailed, match="not ready after 0 s"),
    ):
        slow.wait_until(lambda: False, 0.3)
