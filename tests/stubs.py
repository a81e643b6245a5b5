"""The stub service as a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.ports import free_port
from sample.client import Client
from tests.running import ROOT


@contextmanager
def stub_service(fault: str = "") -> Iterator[str]:
    """Run `tests/stub_service.py`; give its address."""
    port = free_port()
    command = [sys.executable, str(Path(__file__).with_name("stub_service.py")), str(port), *([fault] if fault else [])]
    with subprocess.Popen(command) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            deadline = time.monotonic() + 120
            while not Client(url, read_seconds=1).ready():
                assert process.poll() is None, "the stub has ended"
                assert time.monotonic() < deadline, "the stub does not answer"
                time.sleep(0.05)
            yield url
        finally:
            process.kill()


def run(*command: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command in the project's root, its output as text."""
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
