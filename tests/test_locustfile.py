"""The load test, run as a person runs it, against a server that answers well or badly."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from benchmarks.ports import free_port
from tests.running import ROOT, Running
from tests.stubs import run, stub_service

pytestmark = pytest.mark.slow

LOCUST = str(Path(sys.executable).with_name("locust"))
SUMMARY = re.compile(r"load: (\d+) requests, (\d+) failures, ([\d.]+) req/s, p50 (\d+) ms, p99 (\d+) ms")


def load(url: str, *more: str, least: int = 100, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run for seconds; again, where a busy machine had so little of them that it is no load."""
    options = ("--headless", "-u", "4", "-r", "4", "-t", "3s", "--only-summary", "--host", url, *more)
    for _ in range(4):
        done = run(LOCUST, *options, env={**os.environ, **(env or {})})
        if summary(done)[0] >= least:
            break
    return done


def summary(done: subprocess.CompletedProcess[str]) -> tuple[int, int]:
    """Requests and failures of the last line."""
    found = SUMMARY.fullmatch(done.stdout.strip().splitlines()[-1])
    assert found, done.stdout + done.stderr
    return int(found[1]), int(found[2])


def test_a_good_service_has_no_failures(tmp_path: Path) -> None:
    report = tmp_path / "load.html"
    with stub_service() as url:
        done = load(url, "--html", str(report))
        with urllib.request.urlopen(f"{url}/seen", timeout=60) as answer:
            distinct = json.load(answer)["distinct"]
    requests, failures = summary(done)
    assert (done.returncode, failures) == (0, 0), done.stderr
    assert requests > 10
    assert distinct > 0.2 * min(requests, 2000), "the rows do not vary"
    assert "/predict [1 row]" in done.stderr + done.stdout
    assert "/predict [100 rows]" in done.stderr + done.stdout
    assert "/predict [1 row]" in report.read_text("utf-8")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("status", "status 500"),
        ("nan", "no finite number"),
        ("missing", "no key 'price'"),
        ("short", "expected 7 answers, got 6"),
        ("text", "the answer is no JSON"),
    ],
)
def test_a_bad_answer_is_a_failure_and_exit_code_1(fault: str, said: str) -> None:
    with stub_service(fault) as url:
        done = load(url, "--batch-size", "7", "--single-weight", "1")
    requests, failures = summary(done)
    assert done.returncode == 1
    assert 0 < failures <= 0.2 * requests + 1
    assert said in done.stderr + done.stdout


def test_weights_and_batch_size_can_come_from_the_environment() -> None:
    env = {"LOCUST_BATCH_SIZE": "3", "LOCUST_SINGLE_WEIGHT": "0", "LOCUST_BATCH_WEIGHT": "1"}
    with stub_service() as url:
        done = load(url, env=env)
    assert done.returncode == 0, done.stderr
    assert "/predict [3 rows]" in done.stderr + done.stdout
    assert "/predict [1 row]" not in done.stderr + done.stdout


@pytest.mark.parametrize("more", [(), ("--batch-size", "0"), ("--single-weight", "0", "--batch-weight", "0")])
def test_without_a_service_or_with_nothing_to_send_it_says_so_once(more: tuple[str, ...]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    done = load(url, *more, least=0)
    told = [line for line in done.stderr.splitlines() if "ERROR" in line]
    assert done.returncode == 1
    assert len(told) == 1, done.stderr
    assert ("must be at least 1" if more else f"no service answers GET {url}/model") in told[0]
    assert "Traceback" not in done.stderr
    assert summary(done) == (0, 0)


def test_the_web_ui_starts_a_test() -> None:
    port = free_port()
    ui = f"http://127.0.0.1:{port}"
    with stub_service() as url:
        command = [LOCUST, "--host", url, "--web-port", str(port), "--web-host", "127.0.0.1"]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as locust:
            try:
                stats = _swarm(ui)
            finally:
                locust.terminate()
                locust.wait(30)
    names = {one["name"]: one for one in stats["stats"]}
    assert names["/predict [5 rows]"]["num_requests"] > 0
    assert stats["fail_ratio"] == 0


def _swarm(ui: str) -> dict[str, Any]:
    """Start two users from the UI with batches of five only; give the statistics once there are some."""
    form = b"user_count=2&spawn_rate=2&batch_size=5&single_weight=0&batch_weight=1"
    deadline = time.monotonic() + 120
    started = False
    while time.monotonic() < deadline:
        time.sleep(0.3)
        try:
            if not started:
                with urllib.request.urlopen(f"{ui}/swarm", data=form, timeout=60) as answer:
                    started = json.load(answer)["success"]
            with urllib.request.urlopen(f"{ui}/stats/requests", timeout=60) as answer:
                stats: dict[str, Any] = json.load(answer)
        except OSError:
            continue
        if stats["total_rps"] > 0:
            return stats
    raise AssertionError("the web UI ran no test")


def test_the_real_service_passes(served: Running) -> None:
    done = load(served.url)
    requests, failures = summary(done)
    assert (done.returncode, failures) == (0, 0), done.stderr
    assert requests > 10
