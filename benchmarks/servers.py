"""The servers that are measured against each other, and how each is started."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sample.child import Child
from sample.client import Client

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
READY_SECONDS = 120.0
FLASK, ECHO = "flask", "echo"  # what the others are compared with


@dataclass(frozen=True)
class Server:
    """One program to measure. It answers ``GET /readyz`` with 200 once it is ready; ``command`` holds its port."""

    key: str
    title: str
    port: int
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)

    def start(self, logs: Path) -> Child:
        """Start it and wait until it answers; raises ChildFailed."""
        environment = {**os.environ, **self.env, "PYTHONPATH": str(ROOT)}
        child = Child(self.command, logs / f"{self.key}.log", environment, ROOT)
        try:
            child.wait_until(Client(f"http://127.0.0.1:{self.port}", read_seconds=5.0).ready, READY_SECONDS)
        except BaseException:
            child.stop()
            raise
        return child


def servers(predictor: Path, tag: str, home: Path) -> list[Server]:
    """List all, each on a free port; ``tag`` is the folder ``predictor`` as imported into ``home``."""
    one, two, loaded, persisted, port = free_ports(5)
    made = [
        _service(1, tag, home, one),
        _service(2, tag, home, two),
        _flask(FLASK, "Flask + gunicorn -w 2, predictor as loaded", predictor, False, loaded),
        _flask("flask-persist", "Flask + gunicorn -w 2, `persist()`", predictor, True, persisted),
    ]
    options = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")
    echo = (str(BIN / "uvicorn"), "benchmarks.echo_app:app", "--port", str(port), *options)
    return [*made, Server(ECHO, "uvicorn, bare echo, 1 worker", port, echo)]


def free_ports(n: int) -> list[int]:
    """Give ``n`` ports of loopback that nothing listens on."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(n)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def imported(predictor: Path, home: Path) -> str:
    """Import the folder ``predictor`` into the store of ``home``; give its tag. Raises CalledProcessError."""
    command = [sys.executable, str(ROOT / "import_model.py"), str(predictor)]
    environment = {**os.environ, "BENTOML_HOME": str(home)}
    done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


def _service(workers: int, tag: str, home: Path, port: int) -> Server:
    env = {
        "BENTOML_HOME": str(home),
        "BENTOML_DO_NOT_TRACK": "True",
        "MODEL_TAG": tag,
        "SERVICE_WORKERS": str(workers),
        "PREDICTION_DECIMALS": "2",
        "API_KEYS_FILE": "",
        "POLICY_FILE": "",
    }
    title = f"this service, {workers} worker{'s' if workers > 1 else ''}"
    return Server(f"service-{workers}", title, port, (str(BIN / "bentoml"), "serve", "--port", str(port)), env)


def _flask(key: str, title: str, predictor: Path, persist: bool, port: int) -> Server:
    app = f"benchmarks.flask_app:create_app({str(predictor)!r}, persist={persist})"
    return Server(key, title, port, (str(BIN / "gunicorn"), "-w", "2", "--bind", f"127.0.0.1:{port}", app))
