"""The service as its callers and its operators meet it: a real `bentoml serve`, spoken to over HTTP."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import bentoml
import pandas as pd
import psutil
import pytest
import requests

from sample.rows import rows as sample_rows
from tests.running import REQUEST, ROOT, Running, environment, imported

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def oracle(sample_predictor: Path) -> Any:
    """AutoGluon's own predictor, in process."""
    from autogluon.tabular import TabularPredictor

    return TabularPredictor.load(str(sample_predictor), verbosity=0)


def expected(oracle: Any, rows: list[dict[str, Any]]) -> list[dict[str, float]]:
    """What the oracle answers, exactly."""
    return [{"cost": float(value)} for value in oracle.predict(pd.DataFrame(rows))]


def problem_of(response: requests.Response) -> dict[str, Any]:
    """The problem of an answer that is one."""
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail", "error"} <= set(problem)
    assert problem["status"] == response.status_code
    return problem


def test_the_original_request_answers_what_the_predictor_answers(served: Running, oracle: Any) -> None:
    response = served.post(REQUEST)
    assert response.status_code == 200
    assert [response.json()] == expected(oracle, [REQUEST])


def test_an_array_answers_an_array_in_order(served: Running, oracle: Any) -> None:
    rows = json.loads(sample_rows(50, seed=7).to_json(orient="records", double_precision=15))
    answers = served.post(rows).json()
    assert answers == expected(oracle, rows)
    assert len({answer["cost"] for answer in answers}) > 10


def test_feature_order_and_unused_columns_do_not_matter(served: Running) -> None:
    turned = dict(reversed(REQUEST.items())) | {"a column": [1], "cost": "whatever"}
    assert served.post(turned).json() == served.post(REQUEST).json()


def test_bentoml_client(served: Running, oracle: Any) -> None:
    with bentoml.SyncHTTPClient(served.url) as client:
        assert [client.predict(REQUEST)] == expected(oracle, [REQUEST])
        assert client.predict([REQUEST, REQUEST]) == expected(oracle, [REQUEST, REQUEST])


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"", 400, "empty"),
        (b"{", 400, "line 1, column 2"),
        (b'{"a": NaN}', 400, "NaN"),
        (b"\xff\xfe{}", 400, "UTF-8"),
        (b"[" * 100_000, 400, "nested too deeply"),
        (b'"text"', 400, "string"),
        (b"[]", 400, "empty array"),
        (b"[1]", 422, "row 0"),
        (b"{}", 422, "missing column"),
    ],
)
def test_bodies_that_cannot_be_meant(served: Running, body: bytes, status: int, told: str) -> None:
    headers = {"content-type": "application/json"}
    response = requests.post(f"{served.url}/predict", body, headers=headers, timeout=10)
    assert response.status_code == status
    assert told in problem_of(response)["detail"]


def test_other_content_types(served: Running) -> None:
    for content_type in ("text/html", "application/json; charset=utf-16", "application/vnd.bentoml+pickle"):
        response = requests.post(f"{served.url}/predict", b"{}", headers={"content-type": content_type}, timeout=10)
        assert response.status_code == 415, content_type
        problem_of(response)


def test_too_large_a_body(served: Running) -> None:
    body = b"[" + b" " * (17 * 1024 * 1024) + b"]"
    headers = {"content-type": "application/json"}
    response = requests.post(f"{served.url}/predict", body, headers=headers, timeout=30)
    assert response.status_code == 413
    problem_of(response)


def test_every_fault_of_a_request_at_once(served: Running) -> None:
    response = served.post([REQUEST, REQUEST | {"low_fat": "x", "florist": 0.5}, {**REQUEST, "store_sqft": None}])
    assert response.status_code == 422
    found = {(fault["row"], fault["column"], fault["reason"]) for fault in problem_of(response)["faults"]}
    assert found == {
        (1, "low_fat", "wrong_type"),
        (1, "florist", "not_a_whole_number"),
        (2, "store_sqft", "wrong_type"),
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/predict", 405),
        ("POST", "/model", 405),
        ("DELETE", "/metrics", 405),
        ("GET", "/no/such/path", 404),
        ("GET", "/static_content/nothing.js", 404),
        ("POST", "/predict/", 404),
    ],
)
def test_paths_and_methods_that_are_not_there(served: Running, method: str, path: str, status: int) -> None:
    response = requests.request(method, served.url + path, timeout=10)
    assert response.status_code == status
    assert (path if status == 404 else method) in problem_of(response)["detail"]


def test_model_describes_itself(served: Running, sample_tag: str) -> None:
    model = requests.get(f"{served.url}/model", timeout=10).json()
    assert model["tag"] == sample_tag
    assert (model["label"], model["problem_type"]) == ("cost", "regression")
    assert [feature["name"] for feature in model["features"]] == [n for n in REQUEST if n not in ("id", "cost")]
    assert len(model["digest"]) == 64
    assert model["compiled"]["compiled"] is False
    assert model["autogluon_version"].startswith("1.6")


def test_the_page_and_its_document_stay_here(served: Running) -> None:
    page = requests.get(f"{served.url}/", timeout=10).text
    assert "://" not in page  # nothing is loaded from elsewhere
    document = requests.get(f"{served.url}/docs.json", timeout=10).json()
    content = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    for example in content["examples"].values():
        assert served.post(example["value"]).status_code == 200
    for asset in ("swagger-ui.css", "swagger-ui-bundle.js"):
        assert requests.get(f"{served.url}/static_content/{asset}", timeout=10).status_code == 200


def test_unknown_paths_share_one_label(served: Running) -> None:
    for i in range(20):
        requests.get(f"{served.url}/made-up-{i}", timeout=10)
    text = served.metrics()
    assert "made-up" not in text
    assert 'endpoint="/{unknown}"' in text


def test_threads_of_the_models_are_bounded(served: Running) -> None:
    served.post([REQUEST] * 5000)
    cores = psutil.cpu_count() or 1
    for worker in served.workers():
        # The loop, the model's thread, and pools of the libraries that stay asleep.
        assert worker.num_threads() <= 4 + 2 * cores
        assert worker.environ()["OMP_NUM_THREADS"] == str(max(1, cores // 2))


def test_numbers_are_rounded_where_asked(sample_tag: str, bentoml_home: Path, served: Running) -> None:
    exact = served.post(REQUEST).json()["cost"]
    extra = {"MODEL_TAG": sample_tag, "SERVICE_WORKERS": "1", "PREDICTION_DECIMALS": "2"}
    with Running(bentoml_home, extra) as running:
        assert running.post(REQUEST).json() == {"cost": round(exact, 2)}


def test_usage_is_not_reported(sample_tag: str, bentoml_home: Path) -> None:
    """BentoML's own switch has it write each report into its log instead; without us there are two."""
    extra = {"MODEL_TAG": sample_tag, "SERVICE_WORKERS": "1", "__BENTOML_DEBUG_USAGE": "True"}
    with Running(bentoml_home, extra) as running:
        assert running.end() == 0
        assert "Tracking Payload" not in running.output()


def counted(running: Running, name: str, **labels: str) -> float:
    """The sum of a metric's samples that have these labels."""
    from prometheus_client.parser import text_string_to_metric_families

    families = text_string_to_metric_families(running.metrics())
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return sum(s.value for s in samples if labels.items() <= s.labels.items())


def wait_for(condition: Any, seconds: float = 30) -> None:
    """Wait until the condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.1)


def test_a_killed_worker_is_replaced_and_the_sums_stay_right(sample_tag: str, bentoml_home: Path) -> None:
    """As in a container, where BentoML by itself would not replace it."""
    extra = {"MODEL_TAG": sample_tag, "SERVICE_WORKERS": "2", "BENTOML_CONTAINERIZED": "true"}
    with Running(bentoml_home, extra) as running:
        wait_for(lambda: counted(running, "agbento_workers") == 2)
        answered = 0
        for _ in range(50):
            answered += running.post(REQUEST).ok
        victim = running.workers()[0]
        stuck = threading.Thread(target=lambda: _ignore_errors(lambda: running.post([REQUEST] * 20_000)))
        stuck.start()
        time.sleep(0.2)
        victim.kill()
        wait_for(lambda: len(running.workers()) == 2 and victim not in running.workers())
        wait_for(lambda: counted(running, "agbento_workers") == 2)
        stuck.join()
        for _ in range(50):
            answered += running.post(REQUEST).ok
        assert answered == 100
        total = counted(running, "bentoml_service_request_total", endpoint="/predict", http_response_code="200")
        assert total - answered in (0, 1)  # the large request was with one worker or the other
        assert counted(running, "agbento_inference_duration_seconds_count") - answered in (0, 1)
        assert counted(running, "bentoml_service_request_in_progress", endpoint="/predict") == 0
        assert f"worker {victim.pid} died (" in running.output()
        assert running.end() == 0


def test_a_replaced_worker_serves_the_same_model(sample_predictor: Path, tmp_path: Path) -> None:
    """Whatever was imported meanwhile."""
    first = imported(sample_predictor, tmp_path, "--name", "first")
    with Running(tmp_path, {"SERVICE_WORKERS": "1"}) as running:
        imported(sample_predictor, tmp_path, "--name", "second")
        (victim,) = running.workers()
        victim.kill()
        wait_for(lambda: victim not in running.workers() and len(running.workers()) == 1)
        running.wait_ready()
        assert requests.get(f"{running.url}/model", timeout=10).json()["tag"] == first


def test_a_killed_supervisor_takes_its_workers_along(sample_tag: str, bentoml_home: Path) -> None:
    with Running(bentoml_home, {"MODEL_TAG": sample_tag, "SERVICE_WORKERS": "2"}) as running:
        workers = running.workers()
        assert len(workers) == 2
        running.process.kill()
        gone, alive = psutil.wait_procs(workers, timeout=20)
        assert (len(gone), alive) == (2, [])


def test_workers_that_die_again_and_again_are_given_up_on(sample_tag: str, bentoml_home: Path) -> None:
    with Running(bentoml_home, {"MODEL_TAG": sample_tag, "SERVICE_WORKERS": "1"}) as running:
        end = time.monotonic() + 50
        while running.process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(psutil.NoSuchProcess):
                for worker in running.workers():
                    worker.kill()
            time.sleep(0.2)
        assert running.process.wait(5) == 1
        assert "giving up" in running.output().splitlines()[-1]


def _ignore_errors(call: Any) -> None:
    with contextlib.suppress(requests.RequestException):
        call()


def test_sigterm_finishes_what_is_in_flight(sample_tag: str, bentoml_home: Path) -> None:
    with Running(bentoml_home, {"MODEL_TAG": sample_tag, "SERVICE_WORKERS": "1"}) as running:
        rows = [REQUEST] * 20_000
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(running.post, rows)
            wait_for(lambda: _has_request(running))
            running.process.send_signal(signal.SIGTERM)
            assert len(answer.result(60).json()) == len(rows)
        assert running.process.wait(30) == 0


def test_a_body_that_never_comes_does_not_keep_the_service_from_ending(sample_tag: str, bentoml_home: Path) -> None:
    extra = {"MODEL_TAG": sample_tag, "SERVICE_WORKERS": "1", "REQUEST_SECONDS": "3"}
    with Running(bentoml_home, extra) as running, socket.create_connection(("127.0.0.1", running.port)) as caller:
        caller.sendall(
            b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
        )
        wait_for(lambda: _has_request(running))
        assert running.end() == 0
        assert caller.recv(100).startswith(b"HTTP/1.1 408 ")


def test_a_worker_that_does_not_end_is_killed(sample_tag: str, bentoml_home: Path) -> None:
    extra = {"MODEL_TAG": sample_tag, "SERVICE_WORKERS": "2", "REQUEST_SECONDS": "1"}
    with Running(bentoml_home, extra) as running:
        running.workers()[0].suspend()
        assert running.end() == 0


def test_two_services_of_one_home_count_for_themselves(sample_tag: str, bentoml_home: Path) -> None:
    extra = {"MODEL_TAG": sample_tag, "SERVICE_WORKERS": "1"}
    with Running(bentoml_home, extra) as first:
        assert first.post(REQUEST).ok
        with Running(bentoml_home, extra) as second:
            assert counted(second, "agbento_inference_duration_seconds_count") == 0
            assert counted(first, "agbento_inference_duration_seconds_count") == 1
            assert counted(first, "agbento_workers") == 1


@pytest.mark.parametrize("seconds", [0.5, 1.5, 2.5])
def test_a_supervisor_killed_while_workers_load_leaves_none(
    sample_tag: str, bentoml_home: Path, seconds: float
) -> None:
    running = Running(bentoml_home, {"MODEL_TAG": sample_tag, "SERVICE_WORKERS": "2"})
    try:
        wait_for(lambda: len(running.workers()) == 2)
        workers = running.workers()
        time.sleep(seconds)
        running.process.kill()
        assert psutil.wait_procs(workers, timeout=30)[1] == []
    finally:
        running.__exit__(None, None, None)


def test_a_taken_port_is_one_line(sample_tag: str, bentoml_home: Path, served: Running) -> None:
    done = serve_once(bentoml_home, "--port", str(served.port), MODEL_TAG=sample_tag)
    assert done.returncode == 1
    assert "the port is taken" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def _has_request(running: Running) -> bool:
    return any(
        connection.status == psutil.CONN_ESTABLISHED
        for worker in running.workers()
        for connection in worker.net_connections("tcp")
    )


def serve_once(home: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """`bentoml serve` of something that cannot be served."""
    command = [sys.executable, "-m", "bentoml", "serve", "--port", "0", "--host", "127.0.0.1", *arguments]
    env = environment(home, extra)
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)


def test_no_model_ends_with_one_line(tmp_path: Path) -> None:
    done = serve_once(tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("service: no imported model")
    assert "Traceback" not in done.stderr


def test_an_unknown_tag_ends_with_one_line(sample_tag: str, bentoml_home: Path) -> None:
    done = serve_once(bentoml_home, MODEL_TAG="nothing:here")
    assert done.returncode == 1
    assert "nothing:here" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_ends_with_one_line(sample_tag: str, bentoml_home: Path) -> None:
    done = serve_once(bentoml_home, MODEL_TAG=sample_tag, SERVICE_WORKERS="many")
    assert done.returncode == 1
    assert "SERVICE_WORKERS='many'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_model_that_does_not_load_ends_with_one_line(sample_tag: str, bentoml_home: Path, tmp_path: Path) -> None:
    name, _, version = sample_tag.partition(":")
    broken = tmp_path / "models" / name / version
    shutil.copytree(bentoml_home / "models" / name / version, broken)
    learner = broken / "predictor" / "learner.pkl"
    learner.write_bytes(learner.read_bytes()[:100])
    done = serve_once(tmp_path, MODEL_TAG=sample_tag, SERVICE_WORKERS="2")
    assert done.returncode == 1
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "does not load" in line]
    assert len(lines) == 1
    assert "Traceback" not in done.stdout + done.stderr
