from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from agbento.staging import FOLDER, staging
from tests.running import ROOT, is_alive, wait_for

_HOLDER = """
import sys, time
from pathlib import Path
from agbento.staging import staging
with staging(Path(sys.argv[1])) as room:
    (room / "deep" / "er").mkdir(parents=True)
    (room / "deep" / "er" / "file").write_text("x")
    print(room, flush=True)
    time.sleep(60)
"""


def _holder(home: Path) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen([sys.executable, "-c", _HOLDER, str(home)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, Path(process.stdout.readline().strip())


def _guardian(process: subprocess.Popen[str]) -> int:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 1
    return int(children[0])


def test_nothing_is_left_afterwards(tmp_path: Path) -> None:
    with staging(tmp_path) as room:
        assert room.parent == tmp_path / FOLDER
        (room / "a").mkdir()
        (room / "a" / "b").write_text("x")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyboardInterrupt), staging(tmp_path):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_what_is_moved_out_stays(tmp_path: Path) -> None:
    with staging(tmp_path) as room:
        (room / "a").mkdir()
        (room / "a").rename(tmp_path / "kept")
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]


def test_the_guardian_cleans_up_after_a_kill(tmp_path: Path) -> None:
    process, room = _holder(tmp_path)
    assert (room / "deep" / "er" / "file").exists()
    process.kill()
    process.communicate()
    wait_for(lambda: not (tmp_path / FOLDER).exists(), 30)


def test_the_guardian_is_deaf_and_ends_with_its_import(tmp_path: Path) -> None:
    process, _ = _holder(tmp_path)
    guardian = _guardian(process)
    assert os.getsid(guardian) != os.getsid(process.pid)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(guardian, number)
    process.kill()
    process.communicate()
    wait_for(lambda: not (tmp_path / FOLDER).exists(), 30)
    wait_for(lambda: not is_alive(guardian), 30)


def test_the_next_import_sweeps_where_the_guardian_was_killed_too(tmp_path: Path) -> None:
    process, room = _holder(tmp_path)
    living, other = _holder(tmp_path)
    try:
        os.kill(_guardian(process), signal.SIGKILL)
        process.kill()
        process.communicate()
        time.sleep(0.2)
        assert room.exists()
        (tmp_path / FOLDER / "0123").mkdir()  # nobody's: it has no lock
        with staging(tmp_path) as mine:
            assert not room.exists()
            assert other.exists()
            names = {p.name for p in (tmp_path / FOLDER).iterdir()}
            assert names == {mine.name, f"{mine.name}.lock", other.name, f"{other.name}.lock"}
    finally:
        living.kill()
        living.communicate()
    wait_for(lambda: not (tmp_path / FOLDER).exists(), 30)


def test_many_at_once(tmp_path: Path) -> None:
    faults: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(5):
                with staging(tmp_path) as room:
                    (room / "mine").write_text("x")
                    time.sleep(0.01)
                    assert (room / "mine").read_text() == "x"
        except BaseException as error:  # noqa: BLE001
            faults.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert list(tmp_path.iterdir()) == []


def test_where_it_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("a file")
    with pytest.raises(OSError), staging(tmp_path):
        pytest.fail("entered")
