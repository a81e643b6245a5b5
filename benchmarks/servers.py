"""The servers that are measured against each other, and how each is started."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.ports import free_port
from sample.child import Child
from sample.client import Client

ROOT = Path(__file__).resolve().parents[1]
READY_SECONDS = 180.0
SERVICE, SERVICE_TWO, FLASK, FLASK_PERSIST, ECHO, LITSERVE, HOLLOW = (
    *("service-1", "service-2", "flask", "flask-persist"),
    *("echo", "litserve", "hollow"),
)


@dataclass(frozen=True)
class Server:
    """One program to measure. It answers ``GET /readyz`` with 200 once it is ready; ``command`` holds its port."""

    key: str
    title: str
    port: int
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    slow: bool = False
    """Whether an answer takes seconds, so that few come however long one waits."""

    def start(self, logs: Path) -> Child:
        """Start it and wait until it answers; raises ChildFailed."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **self.env}
        child = Child(self.command, logs / f"{self.key}.log", environment, ROOT)
        try:
            child.wait_until(Client(self.url, read_seconds=5.0).ready, READY_SECONDS)
        except BaseException:
            child.stop()
            raise
        return child

    @property
    def url(self) -> str:
        """Its address on loopback."""
        return f"http://127.0.0.1:{self.port}"


def service(workers: int, home: Path, tag: str, env: Mapping[str, str] | None = None, target: str = ".") -> Server:
    """Give the project's own service with the model ``tag`` of the store in ``home``; ``target``: a variant of it."""
    settings = {
        "BENTOML_HOME": str(home),
        "BENTOML_DO_NOT_TRACK": "True",
        "MODEL_TAG": tag,
        "SERVICE_WORKERS": str(workers),
        "PREDICTION_DECIMALS": "2",
        "API_KEYS_FILE": "",
        "POLICY_FILE": "",
        **(env or {}),
    }
    title = f"this service, {workers} worker{'s' if workers > 1 else ''}"
    port = free_port()
    command = _python("bentoml", "serve", target, "--host", "127.0.0.1", "--port", str(port))
    return Server(f"service-{workers}", title, port, command, settings)


def flask(predictor: Path, persist: bool = False, slow: bool = False) -> Server:
    """Give the design that is replaced, with the predictor in a folder."""
    port = free_port()
    app = f"benchmarks.flask_app:create_app({str(predictor)!r}, persist={persist})"
    options = ("-w", "2", "--timeout", "300", "--bind", f"127.0.0.1:{port}")
    title = f"Flask + gunicorn -w 2, {'`persist()`' if persist else 'predictor as loaded'}"
    return Server(FLASK_PERSIST if persist else FLASK, title, port, _python("gunicorn", *options, app), slow=slow)


def echo() -> Server:
    """Give the floor under every service here."""
    port = free_port()
    options = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")
    command = _python("uvicorn", "benchmarks.echo_app:app", "--port", str(port), *options)
    return Server(ECHO, "uvicorn, bare echo, 1 worker", port, command)


def litserve(predictor: Path) -> Server:
    """Give LitServe with the predictor in a folder."""
    port = free_port()
    command = _python("benchmarks.litserve_app", str(predictor), str(port))
    return Server(LITSERVE, "LitServe, batches of 64, `persist()`, 1 worker", port, command)


def hollow(workers: int, home: Path, modules: Path, env: Mapping[str, str] | None = None) -> Server:
    """Give a BentoML service that imports the modules named in a file, and holds no model."""
    port = free_port()
    settings = {
        "BENTOML_HOME": str(home),
        "BENTOML_DO_NOT_TRACK": "True",
        "HOLLOW_MODULES": str(modules),
        "HOLLOW_WORKERS": str(workers),
        **(env or {}),
    }
    command = _python(
        "bentoml", "serve", "benchmarks.hollow_service:Hollow", "--host", "127.0.0.1", "--port", str(port)
    )
    return Server(HOLLOW, "BentoML, no model", port, command, settings)


def _python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *arguments)
