"""Worker processes: replaced when they die, given up on when they cannot start, ended when they are to end."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import requests

from agbento.supervisor import _Deaths
from tests.running import REQUEST, ROOT, Running, environment, imported, wait_for

pytestmark = pytest.mark.slow


def test_a_killed_worker_is_replaced_and_the_sums_stay_right(sample_tag: str, bentoml_home: Path) -> None:
    """As in a container, where BentoML by itself would not replace it."""
    extra = {"MODEL_TAG": sample_tag, "SERVICE_WORKERS": "2", "BENTOML_CONTAINERIZED": "true"}
    with Running(bentoml_home, extra) as running:
        wait_for(lambda: running.counted("agbento_workers") == 2)
        answered = 0
        for _ in range(50):
            answered += running.post(REQUEST).ok
        inferences = "agbento_inference_duration_seconds_count"
        wait_for(lambda: running.counted(inferences) == 50)  # what it has gathered only would go with the victim
        victim = running.workers()[0]
        stuck = threading.Thread(target=lambda: _ignore_errors(lambda: running.post([REQUEST] * 20_000)))
        stuck.start()
        time.sleep(0.2)
        victim.kill()
        wait_for(lambda: len(running.workers()) == 2 and victim not in running.workers())
        wait_for(lambda: running.counted("agbento_workers") == 2)
        stuck.join()
        for _ in range(50):
            answered += running.post(REQUEST).ok
        assert answered == 100
        ok = {"endpoint": "/predict", "http_response_code": "200"}
        # The large request was with one worker or the other. An answer is counted just after it was sent.
        wait_for(lambda: running.counted("bentoml_service_request_total", **ok) - answered in (0, 1))
        wait_for(lambda: running.counted(inferences) - answered in (0, 1))
        wait_for(lambda: running.counted("bentoml_service_request_in_progress", endpoint="/predict") == 0)
        assert f"worker {victim.pid} died (" in running.output()
        assert running.end() == 0


def test_a_death_that_circus_did_not_tell_of_is_seen_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It looks for the dead in two places, and one of them calls no hook."""
    watcher = SimpleNamespace(processes={1: None, 2: None}, env={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)})
    hooks = {name: hook for name, (hook, _) in _Deaths().hooks().items()}
    for pid in watcher.processes:
        assert hooks["before_spawn"](watcher=watcher, arbiter=None, hook_name="before_spawn")
        assert hooks["after_spawn"](watcher=watcher, arbiter=None, pid=pid)
    assert capsys.readouterr().err == ""
    del watcher.processes[2]
    assert hooks["before_spawn"](watcher=watcher, arbiter=None, hook_name="before_spawn")
    assert capsys.readouterr().err == "service: worker 2 died (exit code unknown); starting another\n"


def test_a_replaced_worker_serves_the_same_model(sample_predictor: Path, tmp_path: Path) -> None:
    """Whatever was imported meanwhile."""
    first = imported(sample_predictor, tmp_path, "--name", "first")
    with Running(tmp_path, {"SERVICE_WORKERS": "1"}) as running:
        imported(sample_predictor, tmp_path, "--name", "second")
        (victim,) = running.workers()
        victim.kill()
        wait_for(lambda: victim not in running.workers() and len(running.workers()) == 1)
        running.wait_ready()
        assert requests.get(f"{running.url}/model", timeout=60).json()["tag"] == first


def test_a_killed_supervisor_takes_its_workers_along(sample_tag: str, bentoml_home: Path) -> None:
    with Running(bentoml_home, {"MODEL_TAG": sample_tag, "SERVICE_WORKERS": "2"}) as running:
        workers = running.workers()
        assert len(workers) == 2
        running.process.kill()
        gone, alive = psutil.wait_procs(workers, timeout=60)
        assert (len(gone), alive) == (2, [])


def test_workers_that_die_again_and_again_are_given_up_on(sample_tag: str, bentoml_home: Path) -> None:
    with Running(bentoml_home, {"MODEL_TAG": sample_tag, "SERVICE_WORKERS": "1"}) as running:
        end = time.monotonic() + 200
        while running.process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(psutil.NoSuchProcess):
                for worker in running.workers():
                    worker.kill()
            time.sleep(0.2)
        assert running.process.wait(60) == 1
        assert "giving up" in running.output().splitlines()[-1]


def _ignore_errors(call: Any) -> None:
    with contextlib.suppress(requests.RequestException):
        call()


def test_sigterm_finishes_what_is_in_flight(sample_tag: str, bentoml_home: Path) -> None:
    with Running(bentoml_home, {"MODEL_TAG": sample_tag, "SERVICE_WORKERS": "1"}) as running:
        rows = [REQUEST] * 20_000
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(running.post, rows)
            wait_for(lambda: _has_request(running))
            running.process.send_signal(signal.SIGTERM)
            assert len(answer.result(60).json()) == len(rows)
        assert running.process.wait(30) == 0


def test_a_closed_terminal_ends_it(sample_tag: str, bentoml_home: Path) -> None:
    with Running(bentoml_home, {"MODEL_TAG": sample_tag, "SERVICE_WORKERS": "1"}) as running:
        running.process.send_signal(signal.SIGHUP)
        assert running.process.wait(30) == 0
        assert "Traceback" not in running.output()


def test_a_body_that_never_comes_does_not_keep_the_service_from_ending(sample_tag: str, bentoml_home: Path) -> None:
    extra = {"MODEL_TAG": sample_tag, "SERVICE_WORKERS": "1", "REQUEST_SECONDS": "3"}
    with Running(bentoml_home, extra) as running, socket.create_connection(("127.0.0.1", running.port)) as caller:
        caller.sendall(
            b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
        )
        wait_for(lambda: _has_request(running))
        assert running.end() == 0
        assert caller.recv(100).startswith(b"HTTP/1.1 408 ")


def test_a_worker_that_does_not_end_is_killed(sample_tag: str, bentoml_home: Path) -> None:
    extra = {"MODEL_TAG": sample_tag, "SERVICE_WORKERS": "2", "REQUEST_SECONDS": "1"}
    with Running(bentoml_home, extra) as running:
        running.workers()[0].suspend()
        assert running.end() == 0


def test_two_services_of_one_home_count_for_themselves(sample_tag: str, bentoml_home: Path) -> None:
    extra = {"MODEL_TAG": sample_tag, "SERVICE_WORKERS": "1"}
    with Running(bentoml_home, extra) as first:
        assert first.post(REQUEST).ok
        with Running(bentoml_home, extra) as second:
            wait_for(lambda: first.counted("agbento_inference_duration_seconds_count") == 1)
            assert second.counted("agbento_inference_duration_seconds_count") == 0
            assert first.counted("agbento_workers") == 1


@pytest.mark.parametrize("seconds", [0.5, 1.5, 2.5])
def test_a_supervisor_killed_while_workers_load_leaves_none(
    sample_tag: str, bentoml_home: Path, seconds: float
) -> None:
    running = Running(bentoml_home, {"MODEL_TAG": sample_tag, "SERVICE_WORKERS": "2"})
    try:
        wait_for(lambda: len(running.workers()) == 2)
        workers = running.workers()
        time.sleep(seconds)
        running.process.kill()
        assert psutil.wait_procs(workers, timeout=60)[1] == []
    finally:
        running.__exit__(None, None, None)


def test_a_taken_port_is_one_line(sample_tag: str, bentoml_home: Path, served: Running) -> None:
    done = serve_once(bentoml_home, "--port", str(served.port), MODEL_TAG=sample_tag)
    assert done.returncode == 1
    assert "the port is taken" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def _has_request(running: Running) -> bool:
    return any(
        connection.status == psutil.CONN_ESTABLISHED
        for worker in running.workers()
        for connection in worker.net_connections("tcp")
    )


def serve_once(home: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """`bentoml serve` of something that cannot be served."""
    command = [sys.executable, "-m", "bentoml", "serve", "--port", "0", "--host", "127.0.0.1", *arguments]
    env = environment(home, extra)
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)


def test_no_model_ends_with_one_line(tmp_path: Path) -> None:
    done = serve_once(tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("service: no imported model")
    assert "Traceback" not in done.stderr


def test_an_unknown_tag_ends_with_one_line(sample_tag: str, bentoml_home: Path) -> None:
    done = serve_once(bentoml_home, MODEL_TAG="nothing:here")
    assert done.returncode == 1
    assert "nothing:here" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_ends_with_one_line(sample_tag: str, bentoml_home: Path) -> None:
    done = serve_once(bentoml_home, MODEL_TAG=sample_tag, SERVICE_WORKERS="many")
    assert done.returncode == 1
    assert "SERVICE_WORKERS='many'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_model_that_does_not_load_ends_with_one_line(sample_tag: str, bentoml_home: Path, tmp_path: Path) -> None:
    name, _, version = sample_tag.partition(":")
    broken = tmp_path / "models" / name / version
    shutil.copytree(bentoml_home / "models" / name / version, broken)
    learner = broken / "predictor" / "learner.pkl"
    learner.write_bytes(learner.read_bytes()[:100])
    done = serve_once(tmp_path, MODEL_TAG=sample_tag, SERVICE_WORKERS="2", USE_COMPILED="0")
    assert done.returncode == 1
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "does not load" in line]
    assert len(lines) == 1
    assert "Traceback" not in done.stdout + done.stderr
