"""A real Prometheus for tests, under the project's own configuration."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import requests
import yaml

from benchmarks.ports import free_port
from monitoring.program.rules.alerting import alerting
from monitoring.program.rules.recording import recording
from monitoring.program.rules.rulefile import write
from monitoring.program.thresholds import DEFAULT, Burn, Thresholds
from tests.running import ROOT, SECONDS

MONITORING = ROOT / "monitoring"
NO_KEY = Path("/dev/null")

# Hours as seconds: what a test can wait for. When no target is known stays as it is: a Prometheus that has just been
# started looks for its first in five seconds or more.
SMALL = dataclasses.replace(
    DEFAULT,
    burns=(
        Burn("Fast", "20s", "5s", 14.4, "2s", "critical"),
        Burn("Slow", "30s", "10s", 6.0, "4s", "critical"),
        Burn("Trickle", "60s", "30s", 1.0, "8s", "warning"),
    ),
    budget="60s",
    down_for="3s",
    not_ready_for="3s",
    replaced_window="20s",
    falls_window="20s",
    restarts_for="1s",
    restart="3s",
    saturated_mean="2s",
    saturated_for="4s",
    quality_window="10s",
    quality_before="30s",
    quality_history="10s",
    quality_for="3s",
    drift_window="20s",
    drift_for="5s",
    age_for="3s",
    stock_for="3s",
    rate="5s",
    evaluation="1s",
    drift_evaluation="1s",
)


class Prometheus:
    """A real Prometheus under the project's own configuration, scraping ``target`` every second.

    Its rules and alerts are the committed ones, or, with ``rules``, those of other thresholds; ``key_file`` is what it
    has for a service with METRICS_REQUIRE_KEY, by default what compose.yaml has. Without an ``alertmanager``
    (host:port) nobody is told, and no name is looked up.
    """

    def __init__(
        self,
        folder: Path,
        target: str,
        rules: Thresholds | None = None,
        key_file: Path = NO_KEY,
        alertmanager: str = "",
    ) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        config = yaml.safe_load((MONITORING / "prometheus.yml").read_text("utf-8"))
        config["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s"}
        config["rule_files"] = _rule_files(config["rule_files"], folder, rules)
        if rules:
            config["global"]["evaluation_interval"] = rules.evaluation
        config["alerting"]["alertmanagers"] = (
            [{"static_configs": [{"targets": [alertmanager]}]}] if alertmanager else []
        )
        for job in config["scrape_configs"]:
            job.pop("scrape_interval", None)
            if "authorization" in job:
                job["authorization"]["credentials_file"] = str(key_file)
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

    def query(self, text: str, at: float | None = None) -> list[dict[str, Any]]:
        """Ask for the value now, or at a time; a refused query fails the test with Prometheus's reason."""
        return self._ask("query", {"query": text, **({} if at is None else {"time": str(at)})})

    def query_range(self, text: str, begin: float, end: float, step: float = 1.0) -> list[dict[str, Any]]:
        """Ask for the values between two times, as a graph does."""
        return self._ask("query_range", {"query": text, "start": str(begin), "end": str(end), "step": str(step)})

    def _ask(self, what: str, parameters: dict[str, str]) -> list[dict[str, Any]]:
        answer = requests.get(f"{self.url}/api/v1/{what}", params=parameters, timeout=30).json()
        assert answer["status"] == "success", f"{parameters['query']}: {answer.get('error')}"
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def value(self, text: str) -> float:
        """Ask for one number; where the last scrape failed, wait for the next."""
        (sample,) = self.wait_for(text)
        return float(sample["value"][1])

    def scrape_error(self, job: str) -> str:
        """What was wrong with the last scrape of a job's only target; empty where nothing was."""
        targets = requests.get(f"{self.url}/api/v1/targets", timeout=30).json()["data"]["activeTargets"]
        (error,) = [target["lastError"] for target in targets if target["scrapePool"] == job]
        return str(error)

    def firing(self) -> set[str]:
        """The names of the alerts that fire now."""
        return {sample["metric"]["alertname"] for sample in self.query('ALERTS{alertstate="firing"}')}

    def wait_for(self, text: str, seconds: float = SECONDS) -> list[dict[str, Any]]:
        """Wait until a query gives something, and give that."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log.read_text("utf-8")
            try:
                if found := self.query(text):
                    return found
            except requests.RequestException:
                pass  # it does not listen yet, or says so itself, not in JSON
            time.sleep(0.2)
        raise AssertionError(f"{text}: nothing within {seconds} s")

    def __enter__(self) -> Prometheus:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.terminate()
        self.process.wait(20)


def _rule_files(committed: list[str], folder: Path, rules: Thresholds | None) -> list[str]:
    """The committed files where they are, or those of other thresholds, written into ``folder``."""
    if rules is None:
        return [str(MONITORING / pattern) for pattern in committed]
    for name, content in (("rules.yml", recording(rules)), ("alerts.yml", alerting(rules))):
        (folder / name).write_text(write(content), "utf-8")
    return [str(folder / "rules.yml"), str(folder / "alerts.yml")]
