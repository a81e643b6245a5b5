"""`make demo`, as a stranger runs it."""

import ast
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from sample.demo import PORT
from tests.running import ROOT, environment, wait_for

pytestmark = pytest.mark.slow

DEMO = [sys.executable, "-m", "sample.demo"]


@pytest.fixture(autouse=True)
def free_demo_port() -> Iterator[None]:
    """The demo's port is fixed: what listens there before is not the demo's, what listens after is left behind."""
    if listening():
        pytest.skip(f"port {PORT} is taken on this machine")
    yield
    # A worker that was being started when its supervisor was ended finds that out itself, once Python is up.
    wait_for(lambda: not listening(), 60)


def listening() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", PORT)) == 0


def test_five_answers_and_nothing_left(sample_predictor: Path, tmp_path: Path) -> None:
    env = environment(tmp_path / "bentoml", {"HTTP_PROXY": "http://127.0.0.1:9", "AWS_PROFILE": "nobody"})
    done = subprocess.run(DEMO, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    answers = [ast.literal_eval(line) for line in done.stdout.splitlines()]
    assert len(answers) == 5
    for answer in answers:
        assert list(answer) == ["cost"]
        assert 40 < answer["cost"] < 160
        assert answer["cost"] == round(answer["cost"], 2)
    assert "Traceback" not in done.stderr
    assert "demo-secret" not in done.stderr + "".join(
        path.read_text("utf-8", "replace") for path in tmp_path.rglob("*") if path.is_file()
    )


def test_a_taken_port_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", PORT)):
        done = subprocess.run(DEMO, cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        f"demo: port {PORT} is taken (Address already in use): end what listens there, or name another: "
        "make demo PORT=…"
    ]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing(sample_predictor: Path, tmp_path: Path, how: int) -> None:
    log = tmp_path / "stderr"
    with log.open("w") as stderr:
        demo = subprocess.Popen(DEMO, cwd=ROOT, env=environment(tmp_path / "bentoml"), stderr=stderr, stdout=stderr)
    try:
        deadline = time.monotonic() + 120
        while not listening() and time.monotonic() < deadline:
            time.sleep(0.1)
        family = psutil.Process(demo.pid).children(recursive=True)
        assert family
        os.kill(demo.pid, how)
        assert demo.wait(60) == 130
    finally:
        demo.kill()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []
    assert log.read_text().splitlines()[-1] == "demo: interrupted; everything it started has ended"
