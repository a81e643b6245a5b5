"""A real Alertmanager for tests, under the project's own configuration, and who is told by it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

import requests
import yaml

from benchmarks.ports import free_port
from tests.running import wait_for
from tests.watching import MONITORING


def alertmanager_program() -> str | None:
    """Alertmanager, under its own name or Debian's."""
    return shutil.which("alertmanager") or shutil.which("prometheus-alertmanager")


class Inbox:
    """What a webhook receives."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        messages = self.messages

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> Inbox:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Alertmanager:
    """A real Alertmanager with the committed configuration, but for its receiver's place and how long it gathers."""

    def __init__(self, folder: Path, receiver: str) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        config = yaml.safe_load((MONITORING / "alertmanager.yml").read_text("utf-8"))
        config["receivers"][0]["webhook_configs"][0]["url"] = receiver
        config["route"]["group_wait"] = "1s"
        (folder / "alertmanager.yml").write_text(yaml.safe_dump(config), "utf-8")
        found = alertmanager_program()
        assert found
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    found,
                    f"--config.file={folder}/alertmanager.yml",
                    f"--storage.path={folder}/data",
                    f"--web.listen-address={self.address}",
                    "--cluster.listen-address=",
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"PATH": os.environ["PATH"]},
            )
        wait_for(self._ready)

    def raise_alerts(self, alerts: Sequence[Mapping[str, str]]) -> None:
        """Send alerts, each as its labels, as Prometheus does."""
        body = [{"labels": labels} for labels in alerts]
        requests.post(f"http://{self.address}/api/v2/alerts", json=body, timeout=30).raise_for_status()

    def alerts(self) -> list[dict[str, Any]]:
        """All alerts that are there, with their state."""
        found: list[dict[str, Any]] = requests.get(f"http://{self.address}/api/v2/alerts", timeout=30).json()
        return found

    def _ready(self) -> bool:
        assert self._process.poll() is None
        try:
            return requests.get(f"http://{self.address}/-/ready", timeout=5).ok
        except requests.RequestException:
            return False

    def __enter__(self) -> Alertmanager:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait(20)
