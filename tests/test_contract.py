"""The served OpenAPI document and the service, held against each other by schemathesis."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, get_args

import pytest
import requests
import yaml

from agbento.keys import new_key
from agbento.values.reasons import REASONS
from sample.toys import Kind
from tests.running import ROOT, Running
from tests.served_models import OddHome

# The first test makes all reports: a predictor, an import and a service a kind, some thousand cases each.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]

STRICT = "strict, with keys"
RUNS = (*get_args(Kind), STRICT)
# What the coverage phase finds to send does not depend on the number of examples: some 700 cases a predictor.
EXAMPLES = 50
LEAST_CASES = 700


def report_on(running: Running, folder: Path, key: str | None = None) -> dict[str, Any]:
    """Let schemathesis test all that the document promises; gives its report, with its output under ``output``."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    document, features = folder / "document.json", folder / "features.json"
    document.write_bytes(requests.get(f"{running.url}/docs.json", headers=headers, timeout=60).content)
    model = requests.get(f"{running.url}/model", headers=headers, timeout=60).json()
    features.write_text(json.dumps(model["features"]), "utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SCHEMATHESIS_HOOKS": "tests.contract_hooks",
        "CONTRACT_DOCUMENT": str(document),
        "CONTRACT_FEATURES": str(features),
    }
    command = [str(Path(sys.executable).parent / "schemathesis"), "run", f"{running.url}/docs.json", "--no-color"]
    command += ["--checks", "all", "--max-examples", str(EXAMPLES), "--generation-deterministic"]
    command += ["--request-timeout", "60"]
    command += ["--continue-on-failure", "--report", "json", "--report-json-path", str(folder / "report.json")]
    command += [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=1500)
    report: dict[str, Any] = json.loads((folder / "report.json").read_text("utf-8"))
    return {**report, "output": done.stdout + done.stderr}


@pytest.fixture(scope="module")
def reports(
    odd_served: Mapping[str, Running], odd_home: OddHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[dict[str, Any]]]]:
    """Schemathesis' reports, two made at a time: it waits for the service and the service for it."""
    with ExitStack() as stack, ThreadPoolExecutor(2) as pool:
        made: dict[str, Future[dict[str, Any]]] = {}
        for kind in get_args(Kind):
            made[kind] = pool.submit(report_on, odd_served[kind], tmp_path_factory.mktemp("contract"))
        folder = tmp_path_factory.mktemp("contract")
        key, line = new_key("schemathesis")
        (folder / "keys").write_text(f"{line}\n", "utf-8")
        (folder / "policy.yml").write_text(yaml.safe_dump({"defaults": dict.fromkeys(REASONS, "reject")}), "utf-8")
        settings = {"API_KEYS_FILE": str(folder / "keys"), "POLICY_FILE": str(folder / "policy.yml")}
        strict = stack.enter_context(odd_home.serve("quantile", **settings))
        made[STRICT] = pool.submit(report_on, strict, folder, key)
        yield made
        assert "Traceback" not in strict.output()


@pytest.mark.parametrize("run", RUNS)
def test_the_service_keeps_what_its_document_promises(run: str, reports: dict[str, Future[dict[str, Any]]]) -> None:
    report = reports[run].result()
    assert (report["exit_code"], report["complete"]) == (0, True), report["output"]
    assert report["failures"] == report["errors"] == []
    assert not any(report["warnings"].values()), report["warnings"]
    cases = report["test_cases"]
    assert cases["generated"] >= LEAST_CASES
    assert cases["with_failures"] == cases["errored"] == 0
    # With keys it asks a few things first, to learn what is refused.
    assert cases["without_checks"] <= 4 * (run == STRICT)
    assert report["operations"]["tested"] == report["operations"]["total"] >= 5
    # Valid bodies are answered, not merely refused in a way that is declared.
    for phase in ("examples", "coverage", "fuzzing"):
        assert report["valid_rates"]["POST /predict"][phase]["rejected"] == 0
        assert report["valid_rates"]["POST /predict"][phase]["accepted"] > 0


def test_thousands_of_cases_and_no_service_failed(
    reports: dict[str, Future[dict[str, Any]]], odd_served: Mapping[str, Running]
) -> None:
    assert sum(report.result()["test_cases"]["generated"] for report in reports.values()) >= len(RUNS) * LEAST_CASES
    for kind in get_args(Kind):
        assert "Traceback" not in odd_served[kind].output()
