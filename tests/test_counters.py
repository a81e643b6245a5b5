"""Counters as a real Prometheus sees them, with two workers, one of them killed under load."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from agbento.watching.watch import FLUSH_SECONDS
from tests.running import REQUEST, Running
from tests.watching import Prometheus

pytestmark = [pytest.mark.slow, pytest.mark.prometheus]

REQUESTS, CLIENTS = 2000, 8


class Client:
    """Sends requests from many threads and counts what came back."""

    def __init__(self, running: Running) -> None:
        self.sent = self.answered = self.lost = 0
        self.times: list[float] = []  # of answers
        self.settled_at = self.killed_at = 0.0
        self._running, self._lock, self._local = running, threading.Lock(), threading.local()

    def send(self) -> None:
        """Send one request; a connection that breaks is counted as lost."""
        with self._lock:
            self.sent += 1
            if self.sent == REQUESTS * 3 // 4:
                self._running.workers()[0].kill()
                self.killed_at = time.monotonic()
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        try:
            answer = self._local.session.post(f"{self._running.url}/predict", json=REQUEST, timeout=60)
        # A worker killed between the head of an answer and its body gives the second.
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
            with self._lock:
                self.lost += 1
            return
        assert answer.status_code == 200
        with self._lock:
            self.answered += 1
            self.times.append(time.monotonic())

    @property
    def unwritten(self) -> int:
        """How many answers the killed worker may not have written yet: at most those of the last two flushes."""
        since = max(self.settled_at, self.killed_at - 2 * FLUSH_SECONDS)
        return sum(since < at <= self.killed_at + 0.1 for at in self.times)


def test_counters_equal_what_the_client_counted(sample_tag: str, bentoml_home: Path, tmp_path: Path) -> None:
    with (
        Running(bentoml_home, {"MODEL_TAG": sample_tag, "SERVICE_WORKERS": "2"}) as running,
        Prometheus(tmp_path, running.url.removeprefix("http://")) as prometheus,
    ):
        prometheus.wait_for("agbento_workers == 2")
        client = Client(running)
        with ThreadPoolExecutor(CLIENTS) as threads:
            for sending in [threads.submit(client.send) for _ in range(REQUESTS)]:
                sending.result()
        assert client.answered + client.lost == REQUESTS
        # What was in flight, or waiting to be accepted, when its worker was killed.
        assert client.lost <= CLIENTS
        predict = 'endpoint="/predict",http_response_code="200"'
        # A worker sends an answer, then counts it: of those that it was killed at, it has counted some.
        least = client.answered - CLIENTS
        prometheus.wait_for(f"sum(bentoml_service_request_total{{{predict}}}) >= {least}")
        prometheus.wait_for("agbento_workers == 2")
        prometheus.wait_for('sum(bentoml_service_request_in_progress{endpoint="/predict"}) == 0')
        for query in (
            f"sum(bentoml_service_request_total{{{predict}}})",
            f"sum(bentoml_service_request_duration_seconds_count{{{predict}}})",
        ):
            assert least <= prometheus.value(query) <= client.answered + client.lost, query
        for query in (
            "sum(agbento_inference_duration_seconds_count)",
            'sum(agbento_rows_total{outcome="answered"})',
            "sum(agbento_request_rows_sum)",
            'sum(agbento_stage_duration_seconds_count{stage="encode"})',
        ):
            prometheus.wait_for(f"{query} >= {least - client.unwritten}")
            assert prometheus.value(query) <= client.answered + client.lost, query
