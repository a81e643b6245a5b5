"""Keys as callers, operators and a real Prometheus meet them: a real `bentoml serve` with API_KEYS_FILE."""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import bentoml
import pytest
import requests

from agbento.keys import CHALLENGES, new_key
from tests import watching
from tests.running import REQUEST, ROOT, Running, environment, wait_for

pytestmark = pytest.mark.slow

WRONG = new_key("nobody")[0]
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE")
KNOWN = ("/", "/predict", "/model", "/docs.json", "/healthz", "/schema.json", "/static_content/swagger-ui.css")
UNKNOWN = (
    "/no/such/path",
    "/static_content/nothing.js",
    "/static_content/../metrics",
    "/metrics/",
    "//metrics",
    "//livez",
    "/livez/",
    "/livez/../predict",
    "/livez/..%2fpredict",
    "/livez%2f..%2fpredict",
    "/livez/%2e%2e/predict",
    "/livez;/predict",
    "/livez%00",
    "/livez%20",
    "/livez%3f",
    "/LIVEZ",
    "/%25%36%63ivez",
    "/{unknown}",
)


@dataclass(frozen=True)
class Guarded:
    """A served model that asks for keys: those of alice, old and new, and of bob."""

    running: Running
    file: Path
    keys: dict[str, str]

    def ask(self, method: str, path: str, key: str | None = None, body: bytes | None = None) -> tuple[int, bytes]:
        """Send exactly this path; status and body of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.running.port, timeout=60)
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def metrics(self) -> str:
        """The text of /metrics, which may need a key."""
        return self.ask("GET", "/metrics", next(iter(self.keys)))[1].decode()


@contextmanager
def start(home: Path, folder: Path, **extra: str) -> Iterator[Guarded]:
    """Serve with three keys."""
    made = [(name, *new_key(name)) for name in ("alice", "alice", "bob")]
    file = folder / "api-keys"
    file.write_text("# callers\n" + "".join(f"{line}\n" for _, _, line in made))
    with Running(home, {"SERVICE_WORKERS": "1", "API_KEYS_FILE": str(file), **extra}) as running:
        yield Guarded(running, file, {key: name for name, key, _ in made})


@pytest.fixture(scope="module")
def guarded(sample_tag: str, bentoml_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """The sample model behind keys; /metrics is open."""
    with start(bentoml_home, tmp_path_factory.mktemp("keys"), MODEL_TAG=sample_tag) as guarded:
        yield guarded


@pytest.fixture(scope="module")
def closed(sample_tag: str, bentoml_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """The sample model behind keys, /metrics too."""
    extra = {"MODEL_TAG": sample_tag, "METRICS_REQUIRE_KEY": "true"}
    with start(bentoml_home, tmp_path_factory.mktemp("keys"), **extra) as guarded:
        yield guarded


@pytest.mark.parametrize("key", [None, WRONG])
@pytest.mark.parametrize("path", [*KNOWN, *UNKNOWN, "http://127.0.0.1/predict"])
def test_every_path_and_method_needs_a_key(guarded: Guarded, path: str, key: str | None) -> None:
    for method in METHODS:
        status, body = guarded.ask(method, path, key)
        assert status == 401, method
        assert method == "HEAD" or json.loads(body)["type"] == "urn:agbento:problem:unauthorized"
        assert WRONG.encode() not in body


def test_probes_and_scrapes_need_none(guarded: Guarded, closed: Guarded) -> None:
    for path in ("/livez", "/readyz", "/metrics"):
        assert guarded.ask("GET", path)[0] == guarded.ask("HEAD", path, WRONG)[0] == 200
    assert [closed.ask("GET", path)[0] for path in ("/livez", "/readyz", "/metrics")] == [200, 200, 401]
    assert closed.ask("GET", "/metrics", WRONG)[0] == 401
    assert all(closed.ask("GET", "/metrics", key)[0] == 200 for key in closed.keys)


def test_with_a_key_all_is_as_it_is_without_keys(guarded: Guarded, served: Running) -> None:
    row = json.dumps(REQUEST).encode()
    for key in guarded.keys:
        assert guarded.ask("POST", "/predict", key, row)[1] == served.post(REQUEST).content
    (key, *_) = guarded.keys
    open_service = Guarded(served, guarded.file, {})
    for method in ("GET", "POST", "OPTIONS"):
        for path in (*KNOWN, *UNKNOWN):
            (status, body), expected = guarded.ask(method, path, key), open_service.ask(method, path)
            assert status == expected[0] != 401, f"{method} {path}"
            # Starlette keeps the methods that a 405 names in a set, in any order; /docs.json may tell of keys.
            assert path == "/docs.json" or sorted(body) == sorted(expected[1]), f"{method} {path}"


def test_a_browser_is_asked_for_a_password_and_the_key_is_one(guarded: Guarded) -> None:
    refused = requests.get(guarded.running.url, timeout=60)
    # In two fields: Chromium takes a field for one challenge, and knows nothing of Bearer.
    assert refused.raw.headers.getlist("www-authenticate") == list(CHALLENGES)
    for key in guarded.keys:
        page = requests.get(guarded.running.url, auth=("anyone", key), timeout=60)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert requests.get(guarded.running.url, auth=("alice", WRONG), timeout=60).status_code == 401


def test_bentoml_client(guarded: Guarded, served: Running) -> None:
    for key in guarded.keys:
        with bentoml.SyncHTTPClient(guarded.running.url, token=key) as client:
            assert client.predict(REQUEST) == served.post(REQUEST).json()


@pytest.mark.parametrize("length", [b"Content-Length: 10000000", b"Transfer-Encoding: chunked"])
def test_the_answer_comes_before_the_body_and_ends_the_connection(guarded: Guarded, length: bytes) -> None:
    with socket.create_connection(("127.0.0.1", guarded.running.port), timeout=60) as caller:
        caller.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n" + length + b"\r\n\r\n")
        answer = b"".join(iter(lambda: caller.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"\r\nconnection: close\r\n" in answer.lower()


def test_metrics_count_what_was_refused_under_names_that_are_known(guarded: Guarded) -> None:
    running = guarded.running
    labels = [{"endpoint": "/predict"}, {"endpoint": "/{unknown}"}, {"endpoint": "/static_content/swagger-ui.css"}]

    def counted() -> list[float]:
        return [running.counted("bentoml_service_request_total", http_response_code="401", **label) for label in labels]

    before = counted()
    for number in range(20):
        assert guarded.ask("POST", "/predict", WRONG, b"{}")[0] == 401
        assert guarded.ask("GET", f"/made/up/{number}")[0] == 401
        assert guarded.ask("GET", "/static_content/swagger-ui.css")[0] == 401
    assert [now - then for now, then in zip(counted(), before, strict=True)] == [20, 20, 20]
    endpoints = set(re.findall(r'endpoint="([^"]*)"', guarded.metrics()))
    assert endpoints <= {*KNOWN, "/livez", "/readyz", "/{unknown}"}


def test_no_key_gets_into_the_log(guarded: Guarded) -> None:
    for key in (*guarded.keys, WRONG):
        for body in (b"{", json.dumps(REQUEST).encode(), b"[]"):
            guarded.ask("POST", "/predict", key, body)
        guarded.ask("GET", "/no/such/path", key)
        requests.get(guarded.running.url, auth=("alice", key), timeout=60)
    output = guarded.running.output()
    assert "API keys are needed; known: alice, bob\n" in output
    assert "Traceback" not in output
    for key in (*guarded.keys, WRONG):
        assert key not in output
        assert base64.b64encode(f"alice:{key}".encode()).decode() not in output
    assert "sha256:" not in output


def test_a_replaced_worker_knows_the_same_keys(sample_tag: str, bentoml_home: Path, tmp_path: Path) -> None:
    """Whatever stands in the file meanwhile."""
    with start(bentoml_home, tmp_path, MODEL_TAG=sample_tag) as guarded:
        running = guarded.running
        guarded.file.write_text("half a li")
        (victim,) = running.workers()
        victim.kill()
        wait_for(lambda: victim not in running.workers() and len(running.workers()) == 1)
        running.wait_ready()
        assert [guarded.ask("GET", "/model", key)[0] for key in (*guarded.keys, WRONG)] == [200, 200, 200, 401]


@pytest.mark.parametrize(
    ("content", "extra", "told"),
    [
        (f"alice {WRONG}\n", {}, "/keys, line 1: expected `<name> sha256:<64 hex digits>`"),
        ("", {}, "/keys: 0 keys, expected 1 to 500"),
        (None, {}, "/keys: No such file or directory"),
        (None, {"API_KEYS_FILE": "", "METRICS_REQUIRE_KEY": "true"}, "METRICS_REQUIRE_KEY=true needs API_KEYS_FILE"),
    ],
)
def test_a_wrong_file_ends_the_service_at_start_with_one_line(
    sample_tag: str, bentoml_home: Path, tmp_path: Path, content: str | None, extra: dict[str, str], told: str
) -> None:
    if content is not None:
        (tmp_path / "keys").write_text(content)
    command = [sys.executable, "-m", "bentoml", "serve", "--port", "0", "--host", "127.0.0.1"]
    env = environment(bentoml_home, {"MODEL_TAG": sample_tag, "API_KEYS_FILE": str(tmp_path / "keys"), **extra})
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("service: ")
    assert told in last
    assert "Traceback" not in done.stdout + done.stderr
    assert WRONG not in done.stdout + done.stderr


@pytest.mark.prometheus
@pytest.mark.parametrize("up", [1, 0])
def test_prometheus_scrapes_with_the_key_and_not_with_another(closed: Guarded, tmp_path: Path, up: int) -> None:
    file = tmp_path / "api-key"
    file.write_text((next(iter(closed.keys)) if up else WRONG) + "\n")
    with watching.Prometheus(tmp_path, closed.running.url.removeprefix("http://"), key_file=file) as prometheus:
        prometheus.wait_for(f'up{{job="autogluon-bento"}} == {up}')
        assert len(prometheus.query('agbento_workers{job="autogluon-bento"}')) == up


@pytest.mark.prometheus
def test_without_a_key_prometheus_scrapes_what_is_open(guarded: Guarded, tmp_path: Path) -> None:
    with watching.Prometheus(tmp_path, guarded.running.url.removeprefix("http://")) as prometheus:
        prometheus.wait_for('up{job="autogluon-bento"} == 1')


@pytest.mark.prometheus
def test_prometheus_as_it_is_shipped_is_refused(closed: Guarded, tmp_path: Path) -> None:
    with watching.Prometheus(tmp_path, closed.running.url.removeprefix("http://")) as prometheus:
        prometheus.wait_for('up{job="autogluon-bento"} == 0')
        wait_for(lambda: "401" in prometheus.scrape_error("autogluon-bento"))
