"""A real Prometheus for tests, under the project's own configuration."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import requests
import yaml

from tests.running import ROOT, free_port

MONITORING = ROOT / "monitoring"
SECONDS = 30


class Prometheus:
    """A real Prometheus under the project's own configuration, scraping ``target`` every second."""

    def __init__(self, folder: Path, target: str) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        config = yaml.safe_load((MONITORING / "prometheus.yml").read_text("utf-8"))
        config["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s"}
        for job in config["scrape_configs"]:
            job.pop("scrape_interval", None)
            job["static_configs"] = [{"targets": [target if job["job_name"] == "autogluon-bento" else self.url[7:]]}]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config), "utf-8")
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={folder}/prometheus.yml",
                    f"--storage.tsdb.path={folder}/data",
                    f"--web.listen-address={self.url[7:]}",
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"PATH": os.environ["PATH"]},
            )

    def query(self, text: str) -> list[dict[str, Any]]:
        """Ask for the value now; a refused query fails the test with Prometheus's reason."""
        answer = requests.get(f"{self.url}/api/v1/query", params={"query": text}, timeout=10).json()
        assert answer["status"] == "success", f"{text}: {answer.get('error')}"
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def value(self, text: str) -> float:
        """Ask for one number."""
        (sample,) = self.query(text)
        return float(sample["value"][1])

    def wait_for(self, text: str, seconds: float = SECONDS) -> None:
        """Wait until a query gives something."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log.read_text("utf-8")
            try:
                if self.query(text):
                    return
            except requests.ConnectionError:
                pass
            time.sleep(0.2)
        raise AssertionError(f"{text}: nothing within {seconds} s")

    def __enter__(self) -> Prometheus:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.terminate()
        self.process.wait(20)
