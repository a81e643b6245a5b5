"""The service as its callers and its operators meet it: a real `bentoml serve`, spoken to over HTTP."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import bentoml
import pandas as pd
import pytest
import requests

from agbento.machine import cores
from sample.rows import rows as sample_rows
from tests.running import REQUEST, Running, wait_for

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


def test_64_callers_of_two_workers_get_the_same_answers(served: Running, oracle: Any) -> None:
    rows = json.loads(sample_rows(320, seed=8).to_json(orient="records", double_precision=15))
    with ThreadPoolExecutor(64) as callers:
        answers = list(callers.map(lambda row: served.post(row).json(), rows))
    assert answers == expected(oracle, rows)


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
    response = requests.post(f"{served.url}/predict", body, headers=headers, timeout=60)
    assert response.status_code == status
    assert told in problem_of(response)["detail"]


def test_other_content_types(served: Running) -> None:
    for content_type in ("text/html", "application/json; charset=utf-16", "application/vnd.bentoml+pickle"):
        response = requests.post(f"{served.url}/predict", b"{}", headers={"content-type": content_type}, timeout=60)
        assert response.status_code == 415, content_type
        problem_of(response)


def test_too_large_a_body(served: Running) -> None:
    body = b"[" + b" " * (17 * 1024 * 1024) + b"]"
    headers = {"content-type": "application/json"}
    response = requests.post(f"{served.url}/predict", body, headers=headers, timeout=30)
    assert response.status_code == 413
    problem_of(response)


def test_every_fault_of_a_request_at_once(served: Running) -> None:
    response = served.post([REQUEST, REQUEST | {"low_fat": "x", "florist": 0.5}, {**REQUEST, "store_sqft": []}])
    assert response.status_code == 422
    found = {(fault["row"], fault["column"], fault["reason"]) for fault in problem_of(response)["faults"]}
    assert found == {
        (1, "low_fat", "not_a_number"),
        (1, "florist", "not_a_whole_number"),
        (2, "store_sqft", "wrong_type"),
    }


def test_what_is_off_is_said_in_its_own_answer_and_counted(served: Running, oracle: Any) -> None:
    def counted(action: str) -> float:
        return served.counted("agbento_values_off_total", feature="store_sqft", reason="null", action=action)

    before = counted("warn")
    first, second = served.post([REQUEST, REQUEST | {"store_sqft": None}]).json()
    assert [first] == expected(oracle, [REQUEST])
    (warning,) = second.pop("warnings")
    assert {key: warning[key] for key in ("row", "column", "reason", "received", "taken_as")} == {
        "row": 1,
        "column": "store_sqft",
        "reason": "null",
        "received": "null",
        "taken_as": "0",
    }
    assert [second] == expected(oracle, [REQUEST | {"store_sqft": 0}])
    wait_for(lambda: counted("warn") == before + 1)
    assert served.counted("agbento_values_off_total", feature="", reason="unused_column", action="accept") > 0


def test_a_policy_of_ones_own(sample_tag: str, bentoml_home: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("features:\n  store_sqft:\n    'null': reject\n    out_of_range: accept\n", "utf-8")
    extra = {"MODEL_TAG": sample_tag, "SERVICE_WORKERS": "1", "POLICY_FILE": str(policy)}
    with Running(bentoml_home, extra) as running:
        response = running.post(REQUEST | {"store_sqft": None})
        assert [fault["reason"] for fault in problem_of(response)["faults"]] == ["null"]
        shown = requests.get(f"{running.url}/model", timeout=60).json()["policy"]
        assert shown == {"features": {"store_sqft": {"null": "reject", "out_of_range": "accept"}}}
        assert set(running.post(REQUEST | {"store_sqft": 1e30}).json()) == {"cost"}


def test_a_policy_that_cannot_be_meant_ends_the_service(sample_tag: str, bentoml_home: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("features: {shop_sqft: {'null': reject}}\ndefaults: {null_date: ignore}\n", "utf-8")
    extra = {"MODEL_TAG": sample_tag, "SERVICE_WORKERS": "2", "POLICY_FILE": str(policy)}
    with pytest.raises(AssertionError, match="ended with 1") as raised, Running(bentoml_home, extra):
        pass
    (line,) = [line for line in str(raised.value).splitlines() if "POLICY_FILE" in line]
    assert "no feature 'shop_sqft'" in line
    assert "'ignore' is none of reject, warn, accept" in line


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
    response = requests.request(method, served.url + path, timeout=60)
    assert response.status_code == status
    assert (path if status == 404 else method) in problem_of(response)["detail"]


def test_model_describes_itself(served: Running, sample_tag: str) -> None:
    model = requests.get(f"{served.url}/model", timeout=60).json()
    assert model["tag"] == sample_tag
    assert (model["label"], model["problem_type"]) == ("cost", "regression")
    assert [feature["name"] for feature in model["features"]] == [n for n in REQUEST if n not in ("id", "cost")]
    assert len(model["digest"]) == 64
    assert model["compiled"]["compiled"] is True
    assert model["compiled"]["native"] is True
    assert model["compiled"]["proof"]["equal"] is True
    assert model["autogluon_version"].startswith("1.6")


def test_the_page_and_its_document_stay_here(served: Running) -> None:
    page = requests.get(f"{served.url}/", timeout=60).text
    assert "://" not in page  # nothing is loaded from elsewhere
    document = requests.get(f"{served.url}/docs.json", timeout=60).json()
    content = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    for example in content["examples"].values():
        assert served.post(example["value"]).status_code == 200
    for asset in ("swagger-ui.css", "swagger-ui-bundle.js"):
        assert requests.get(f"{served.url}/static_content/{asset}", timeout=60).status_code == 200


def test_unknown_paths_share_one_label(served: Running) -> None:
    for i in range(20):
        requests.get(f"{served.url}/made-up-{i}", timeout=60)
    text = served.metrics()
    assert "made-up" not in text
    assert 'endpoint="/{unknown}"' in text


def test_threads_of_the_models_are_bounded(served: Running) -> None:
    served.post([REQUEST] * 5000)
    available = cores()
    for worker in served.workers():
        # The loop, the model's thread, and pools of the libraries that stay asleep.
        assert worker.num_threads() <= 4 + 2 * available
        assert worker.environ()["OMP_NUM_THREADS"] == str(max(1, available // 2))


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
