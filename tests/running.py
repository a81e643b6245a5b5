"""A real `bentoml serve` for tests: started, waited for, and ended with everything that it started."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
import requests
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 120

# The request that the original service's callers send.
REQUEST: dict[str, Any] = json.loads((ROOT / "sample" / "request.json").read_text("utf-8"))


def environment(home: Path, extra: dict[str, str] | None = None) -> dict[str, str]:
    """The environment of a child: this one without what would steer it, and with an own BENTOML_HOME."""
    steering = (
        *("AWS_", "MODEL_TAG", "SERVICE_", "PREDICTION_", "EXPERIMENT_ID", "PROMETHEUS_", "BENTOML_", "AGBENTO_"),
        *("API_KEYS_FILE", "METRICS_REQUIRE_KEY", "POLICY_FILE", "MAX_", "REQUEST_SECONDS", "USE_COMPILED"),
        *("ALLOW_VERSION_SKEW", "TORCH_INDEX", "IMPORT_", "OMP_", "OPENBLAS_", "MKL_"),
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(steering)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
    return {**kept, "PATH": path, "BENTOML_HOME": str(home), **(extra or {})}


def imported(source: Path | str, home: Path, *arguments: str, extra: dict[str, str] | None = None) -> str:
    """Import ``source`` with import_model.py and give the tag."""
    command = [sys.executable, "import_model.py", str(source), *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment(home, extra), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def wait_for(condition: Callable[[], bool], seconds: float = SECONDS) -> None:
    """Wait until the condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.1)


def is_alive(pid: int) -> bool:
    """Whether a process still runs; one that has ended and was not waited for does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def processes_of(text: str) -> list[int]:
    """The processes with this text in their command line."""
    found = psutil.process_iter(["cmdline"])
    return [process.pid for process in found if text in " ".join(process.info["cmdline"] or ())]


class Running:
    """A served model; ``url`` is its base, ``log`` the file of what it printed."""

    def __init__(
        self,
        home: Path,
        extra: dict[str, str],
        target: str = ".",
        command: tuple[str, ...] = ("-m", "bentoml", "serve"),
        seconds: float = SECONDS,
    ) -> None:
        self._seconds = seconds
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = tempfile.TemporaryDirectory(prefix="agbento-test-")
        self.log = Path(self._folder.name) / "log"
        arguments = [target, "--port", str(self.port), "--host", "127.0.0.1"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command, *arguments],
                cwd=ROOT,
                env=environment(home, {"TMPDIR": self._folder.name, **extra}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Running:
        try:
            self.wait_ready()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def wait_ready(self) -> None:
        """Wait for /readyz, with a time-out on every probe; fail with the log where the process ends."""
        end = time.monotonic() + self._seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.output()}"
            try:
                if requests.get(f"{self.url}/readyz", timeout=5).status_code == 200:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.2)
        raise AssertionError(f"not ready within {self._seconds} s: {self.output()}")

    def output(self) -> str:
        """What the service printed so far."""
        return self.log.read_text("utf-8", "replace")

    def workers(self) -> list[psutil.Process]:
        """The worker processes, oldest first."""
        found = []
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):  # it may end between two questions
                if "_bentoml_impl.worker.service" in " ".join(child.cmdline()):
                    found.append(child)
        return found

    def post(self, body: Any, **options: Any) -> requests.Response:
        """POST /predict, a JSON body."""
        return requests.post(f"{self.url}/predict", json=body, timeout=60, **options)

    def metrics(self) -> str:
        """The text of /metrics."""
        return requests.get(f"{self.url}/metrics", timeout=60).text

    def counted(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        families = text_string_to_metric_families(self.metrics())
        samples = [sample for family in families for sample in family.samples if sample.name == name]
        return sum(s.value for s in samples if labels.items() <= s.labels.items())

    def end(self) -> int:
        """Send SIGTERM and give the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.process.poll() is None:
            try:
                self.end()
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(10)
        self._folder.cleanup()
