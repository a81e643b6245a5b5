"""BentoML's metrics of requests, as our middleware counts them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from agbento.watching.traffic import STATUSES
from tests.running import ROOT

REQUESTS = (
    ("/predict", 200),
    ("/predict", 422),
    ("/model", 200),
    ("/predict", 200),
    ("/predict", 504),
    ("/livez", 200),
)


COUNTING = """
import asyncio, sys
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.context import server_context
from bentoml._internal.server.http.instruments import RunnerTrafficMetricsMiddleware
from starlette.responses import Response
from agbento.watching.traffic import Traffic
from tests.asgi import Inner, predict_scope
from tests.watched.test_traffic import REQUESTS

server_context.bento_name, server_context.bento_version = "bento", "1"
server_context.service_name, server_context.service_routes = "service", ["/predict"]
inner, options = Inner(Response()), {"namespace": "bentoml_service", "skip_paths": ["/livez"]}
bentoml = RunnerTrafficMetricsMiddleware
app = Traffic(inner, bentoml=bentoml, **options) if sys.argv[1] == "us" else bentoml(inner, **options)

async def receive():
    return {"type": "http.request"}

async def send(message):
    if inner.response.status_code == 504 and message["type"] == "http.response.body":
        raise ConnectionError

async def main():
    for path, status in REQUESTS:
        inner.response = Response(b"x", status)
        try:
            await app(predict_scope(path), receive, send)
        except ConnectionError:
            pass

asyncio.run(main())
sys.stdout.write(BentoMLContainer.metrics_client.get().generate_latest().decode())
"""


def counted_by(who: str, folder: Path) -> dict[tuple[Any, ...], float]:
    """What is counted of ``REQUESTS``, in a process of its own: as in a worker, its values are in files."""
    folder.mkdir()
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder), "BENTOML_HOME": str(folder)}
    command = [sys.executable, "-c", COUNTING, who]
    run = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    families = list(text_string_to_metric_families(run.stdout))
    return {
        (sample.name, *sorted((name, value) for name, value in sample.labels.items() if name != "pid")): sample.value
        for family in families
        for sample in family.samples
    }


def test_traffic_is_counted_as_bentoml_counts_it(tmp_path: Path) -> None:
    theirs, ours = (counted_by(who, tmp_path / who) for who in ("bentoml", "us"))
    # Ours are there at 0, whatever was answered.
    early = {key for key in ours.keys() - theirs.keys() if ("endpoint", "/predict") in key and ours[key] == 0}
    ours = {key: value for key, value in ours.items() if key not in early}
    assert ours.keys() == theirs.keys()
    assert {dict(key[1:])["http_response_code"] for key in early} == {str(s) for s in STATUSES} - {"200", "422", "504"}
    measured = ("_bucket", "_sum", "_timestamp_seconds")  # of time
    assert {key: ours[key] for key in ours if not key[0].endswith(measured)} == {
        key: theirs[key] for key in theirs if not key[0].endswith(measured)
    }
    totals = {key[1:3]: value for key, value in ours.items() if key[0] == "bentoml_service_request_total"}
    assert totals[("endpoint", "/predict"), ("http_response_code", "200")] == 2
    assert all(ours[key] > 0 for key in ours if key[0].endswith(("_sum", "_timestamp_seconds")))
