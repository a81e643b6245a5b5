"""Children for code that is not ours: what they are given, how they end."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from agbento import child
from tests.running import ROOT, is_alive, wait_for


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """An empty folder."""
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


def run(code: str, scratch: Path, seconds: float = 60) -> child.Ended:
    """Run a program as a module that the child's own folder has: Python finds it in the working folder."""
    (scratch / "program.py").write_text(textwrap.dedent(code))
    return child.run("program", [], scratch, seconds)


def test_its_environment_is_emptied(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    code = "import os, pathlib; pathlib.Path('seen').write_text(repr(dict(os.environ)))"
    ended = run(code, scratch)
    assert (ended.code, ended.said) == (0, "it said nothing")
    seen = (scratch / "seen").read_text()
    assert "canary" not in seen
    assert f"'HOME': '{scratch}'" in seen


def test_what_it_says_last_is_told(scratch: Path) -> None:
    ended = run("import sys; print('one'); sys.exit('second\\nthird')", scratch)
    assert (ended.code, ended.how) == (1, "ended with 1: third")


def test_without_its_parent_nothing_runs(scratch: Path) -> None:
    (scratch / "program.py").write_text("import pathlib; pathlib.Path('ran').touch()")
    command = [sys.executable, "-m", "agbento.child", "1", "program"]
    subprocess.run(command, cwd=scratch, env={"PYTHONPATH": f"{ROOT}:{scratch}"}, check=True)
    assert not (scratch / "ran").exists()


def test_a_signal_is_told(scratch: Path) -> None:
    ended = run("import os; os.kill(os.getpid(), 11)", scratch)
    assert (ended.code, ended.how) == (-11, "was ended by signal 11: it said nothing")


def test_its_time_is_bounded_and_it_leaves_nobody(scratch: Path) -> None:
    code = """
    import pathlib, subprocess, sys, time
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    pathlib.Path("other").write_text(str(other.pid))
    time.sleep(600)
    """
    ended = run(code, scratch, seconds=30)
    assert (ended.code, ended.how) == (None, "did not end in time")
    other = int((scratch / "other").read_text())
    wait_for(lambda: not is_alive(other))
