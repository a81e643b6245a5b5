"""The corners of HTTP, JSON and size, at a real service of a predictor with odd columns: no 5xx that is not wanted."""

from __future__ import annotations

import codecs
import contextlib
import io
import json
import socket
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd
import pytest
import requests

from agbento.bodies import CSV, JSON, PARQUET
from sample.odd_columns import odd_rows
from tests.running import Running, wait_for
from tests.served_models import OddHome

pytestmark = pytest.mark.slow

MAX_ROWS = 100_000  # the default
UNUSED = "a column that the model does not use"
HEAD = b"POST /predict HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
TIGHT_SECONDS = 4
REQUEST_SECONDS = 60


class Odd:
    """A served odd predictor, and what is usual of it."""

    def __init__(self, running: Running) -> None:
        self.running = running
        document = requests.get(f"{running.url}/docs.json", timeout=60).json()
        content = document["paths"]["/predict"]["post"]["requestBody"]["content"]
        self.usual: dict[str, Any] = content[JSON]["examples"]["one row"]["value"]
        self.features = requests.get(f"{running.url}/model", timeout=60).json()["features"]

    def post(self, body: Any, media_type: str = JSON, **headers: str) -> requests.Response:
        """POST /predict."""
        return requests.post(
            f"{self.running.url}/predict", data=body, headers={"Content-Type": media_type, **headers}, timeout=90
        )

    def row(self, column: str, written: str) -> bytes:
        """The usual row with this JSON text as the value of a column."""
        parts = {name: json.dumps(value) for name, value in self.usual.items()} | {column: written}
        return f"{{{', '.join(f'{json.dumps(name)}: {value}' for name, value in parts.items())}}}".encode()

    def raw(self, sent: bytes, seconds: float = 60) -> tuple[int, bytes]:
        """Send bytes over a connection, and give status and all else of what comes until it is quiet or closed."""
        with socket.create_connection(("127.0.0.1", self.running.port), timeout=seconds) as connection:
            connection.sendall(sent)
            found = connection.recv(1 << 20)
            while b"\r\n\r\n" not in found or not found.split(b"\r\n\r\n", 1)[1]:
                if not (more := connection.recv(1 << 20)):
                    break
                found += more
        return int(found.split(b" ", 2)[1]), found


@pytest.fixture(scope="module")
def odd(odd_served: Mapping[str, Running]) -> Iterator[Odd]:
    """The regression predictor under the default settings."""
    yield Odd(odd_served["regression"])
    assert_sound(odd_served["regression"], ())


@pytest.fixture(scope="module")
def tight(odd_home: OddHome) -> Iterator[Odd]:
    """The same predictor in a service that has little time."""
    with odd_home.serve("regression", REQUEST_SECONDS=str(TIGHT_SECONDS)) as running:
        yield Odd(running)
        assert_sound(running, ("504",))


@pytest.fixture(scope="module")
def narrow(odd_home: OddHome) -> Iterator[Odd]:
    """The same predictor in a service that takes few requests."""
    with odd_home.serve("regression", REQUEST_SECONDS=str(REQUEST_SECONDS), MAX_REQUESTS="2") as running:
        yield Odd(running)
        assert_sound(running, ("503",))


def assert_sound(running: Running, wanted: tuple[str, ...]) -> None:
    """See that the service failed nowhere: no traceback, no 5xx but those."""
    assert "Traceback" not in running.output()
    counted = {
        code: running.counted("bentoml_service_request_total", http_response_code=code)
        for code in ("500", "502", "503", "504")
    }
    assert {code for code, count in counted.items() if count} <= set(wanted), counted
    assert running.counted("bentoml_service_request_total", http_response_code="200") > 0


def problem_of(response: requests.Response, status: int) -> dict[str, Any]:
    """The problem of an answer of this status."""
    assert response.status_code == status, response.text[:500]
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert (problem["status"], bool(problem["title"]), bool(problem["detail"])) == (status, True, True)
    assert len(problem["error"]) <= 200
    return problem


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


TYPES = ("int", "float", "bool", "datetime", "category", "text")
NO_NUMBER = ("not_a_number", "not_a_number", "wrong_type", "not_a_date", None, None)
BEYOND = ("out_of_range", "out_of_range", "wrong_type", "number_as_date", None, "wrong_type")
INFINITE = ("not_finite", "not_finite", "wrong_type", "number_as_date", None, "wrong_type")
# What is sent, and for which reason a column of each of TYPES rejects it; None: it is answered.
ODD_VALUES: dict[str, tuple[str, tuple[str | None, ...]]] = {
    "lone surrogate": (r'"\ud800"', NO_NUMBER),
    "a long text": (json.dumps("ab " * 100_000), NO_NUMBER),
    "4,000 digits": ("9" * 4000, BEYOND),
    "100,000 digits": ("-" + "9" * 100_000, BEYOND),
    "an infinity": ("1e400", INFINITE),
    "nested": (nested(900), ("wrong_type",) * 6),
    "an object": ('{"a": {"a": [null]}}', ("wrong_type",) * 6),
    "null": ("null", (None,) * 6),
}


@pytest.mark.parametrize("name", ODD_VALUES)
def test_odd_values_in_every_column(odd: Odd, name: str) -> None:
    written, reasons = ODD_VALUES[name]
    for feature in odd.features:
        response, reason = odd.post(odd.row(feature["name"], written)), reasons[TYPES.index(feature["type"])]
        if reason is None:
            assert response.status_code == 200, (feature, response.text)
            assert {warning["column"] for warning in response.json().get("warnings", ())} <= {feature["name"]}
        else:
            (fault,) = problem_of(response, 422)["faults"]
            assert (fault["row"], fault["column"], fault["reason"]) == (0, feature["name"], reason)
    assert odd.post(odd.row(UNUSED, written)).json() == odd.post(json.dumps(odd.usual)).json()


@pytest.mark.parametrize("name", [r"\ud800", r"\udfff\ud800", r"\u0000", "", r"\u202e", "x" * 1_000_000])
def test_odd_names_are_those_of_unused_columns(odd: Odd, name: str) -> None:
    usual = odd.post(json.dumps(odd.usual)).json()
    body = json.dumps(odd.usual)[:-1] + f', "{name}": 1}}'
    assert odd.post(body).json() == usual
    twice = problem_of(odd.post(body[:-1] + f', "{name}": 2}}'), 400)
    assert "twice" in twice["detail"]


BODIES: dict[str, tuple[bytes, str, int, str]] = {
    "a name twice": (b'{"int 64": 1, "int 64": 1}', JSON, 400, "'int 64' twice"),
    "a name twice within": (b'{"x": [{"a": 1, "b": 2, "a": 1}]}', JSON, 400, "'a' twice"),
    "nested": (f'{{"float 64": {nested(100_000)}}}'.encode(), JSON, 400, "nested too deeply"),
    "nested objects": (b'{"a":' * 100_000, JSON, 400, "nested too deeply"),
    "nested rows": (nested(100_000).encode(), JSON, 400, "nested too deeply"),
    "NaN": (b'{"float 64": NaN}', JSON, 400, "NaN"),
    "-Infinity": (b'[{"x": -Infinity}]', JSON, 400, "-Infinity"),
    "BOM": (codecs.BOM_UTF8 + b"{}", JSON, 400, "BOM"),
    "UTF-16": ('{"float 64": 1}'.encode("utf-16"), JSON, 400, "not UTF-8"),
    "UTF-16 without BOM": ('{"float 64": 1}'.encode("utf-16-le"), JSON, 400, "not JSON"),
    "UTF-16, named": ("{}".encode("utf-16"), "application/json; charset=utf-16", 415, "utf-16"),
    "Latin-1": ('{"größe": 1}'.encode("latin-1"), JSON, 400, "byte 4"),
    "nothing": (b"", JSON, 400, "empty"),
    "no rows": (b"[]", JSON, 400, "at least one row"),
    "null": (b"null", JSON, 400, "null"),
    "a number": (b"1", JSON, 400, "number"),
    "cut": (b'{"float 64": 1', JSON, 400, "line 1, column 15"),
    "rows that are none": (b'[null, 1, "a", []]', JSON, 422, "row 0"),
    "no columns": (b"{}", JSON, 422, "missing column"),
    "many rows without columns": (b"[" + b"{}," * (MAX_ROWS - 1) + b"{}]", JSON, 422, "missing column"),
    "many rows that are none": (b"[" + b"0," * (MAX_ROWS - 1) + b"0]", JSON, 422, "row 0: not an object"),
    "too many rows": (b"[" + b"{}," * MAX_ROWS + b"{}]", JSON, 413, f"{MAX_ROWS + 1} rows"),
    "too many rows of CSV": (b"int 64\n" + b"1\n" * (MAX_ROWS + 1), CSV, 413, f"more than {MAX_ROWS} rows"),
    "too many bytes": (b" " * (16 * 2**20 + 1), JSON, 413, "larger than"),
    "CSV of surrogates": (b"int 64\n\xed\xa0\x80\n", CSV, 400, "not UTF-8"),
    "CSV without rows": (b"int 64\n", CSV, 400, "a line for each row"),
    "CSV of another model": (b"a,b\n1,2\n", CSV, 400, "none of the model's columns"),
    "CSV, one long field": (b'int 64\n"' + b"a" * 10_000_000 + b'"\n', CSV, 422, "not a number"),
    "CSV, a name twice": (b"int 64,int 64\n1,1\n", CSV, 400, "same name"),
    "no Parquet": (b"PAR1" * 100, PARQUET, 400, "Parquet"),
    "JSON as Parquet": (b"{}", PARQUET, 400, "Parquet"),
    "a form": (b"a=1", "application/x-www-form-urlencoded", 415, "application/x-www-form-urlencoded"),
    "no type": (b"{}", "", 415, "expected application/json"),
    "CSV without a header": (b"1\n", "text/csv; header=absent", 415, "without a header"),
}


@pytest.mark.parametrize("name", BODIES)
def test_odd_bodies(odd: Odd, name: str) -> None:
    body, media_type, status, told = BODIES[name]
    problem = problem_of(odd.post(body, media_type), status)
    assert told in problem["detail"]
    listed = len(problem.get("faults", ()))
    assert listed == 1000 if name.startswith("many rows") else listed < 1000


def test_a_compressed_body_is_refused(odd: Odd) -> None:
    assert "gzip" in problem_of(odd.post(b"\x1f\x8b", **{"Content-Encoding": "gzip"}), 415)["detail"]


@pytest.mark.parametrize("column", ["text", "category", "float 64", "dates", "bool", UNUSED])
def test_ten_megabytes_in_one_value(odd: Odd, column: str) -> None:
    response = odd.post(odd.row(column, json.dumps("1" * 10_000_000)))
    if column in ("text", "category", UNUSED):
        assert response.status_code == 200
    else:
        assert [fault["column"] for fault in problem_of(response, 422)["faults"]] == [column]
    assert len(response.content) < 2000


def test_as_many_rows_as_are_taken(odd: Odd) -> None:
    some = odd_rows("regression", 1000, seed=5).astype({"intervals": str, "category of dates": str})
    frame = pd.concat([some] * (MAX_ROWS // 1000) + [some[:1]])

    def parquet(rows: int) -> bytes:
        held = io.BytesIO()
        frame[:rows].to_parquet(held)
        return held.getvalue()

    assert f"{MAX_ROWS + 1} rows" in problem_of(odd.post(parquet(MAX_ROWS + 1), PARQUET), 413)["detail"]
    response = odd.post(parquet(MAX_ROWS), PARQUET, Accept=CSV)
    assert (response.status_code, response.headers["content-type"].split(";")[0]) == (200, CSV)
    answers = pd.read_csv(io.StringIO(response.text), usecols=["y"])["y"].to_numpy().reshape(-1, 1000)
    assert answers.size == MAX_ROWS
    assert (answers == answers[0]).all()


def chunked(body: bytes, size: int = 100) -> bytes:
    parts = [body[i : i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))


def test_ways_to_send_a_body(odd: Odd) -> None:
    body, answer = json.dumps(odd.usual).encode(), odd.post(json.dumps(odd.usual)).content
    size = b"Content-Length: %d\r\n" % len(body)
    for sent in (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(body),
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(body, 1),
        HEAD + size + b"\r\n" + body,
        HEAD + b"Accept:\r\nContent-Encoding: identity\r\n" + size + b"\r\n" + body,
    ):
        status, found = odd.raw(sent)
        assert (status, found.endswith(b"\r\n\r\n" + answer)) == (200, True), found
    for sent in (
        HEAD + b"Content-Length: 0\r\n\r\n",
        HEAD + b"\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ):
        status, found = odd.raw(sent)
        assert (status, b"application/problem+json" in found, b"the body is empty" in found) == (400, True, True)
    # What is declared is refused before it comes.
    status, found = odd.raw(HEAD + b"Content-Length: 99999999\r\n\r\n")
    assert (status, b"connection: close" in found) == (413, True)


def test_a_body_of_no_declared_size_is_read_no_further_than_it_may_go(odd: Odd) -> None:
    part = b"%x\r\n%s\r\n" % (2**20, b" " * 2**20)
    with socket.create_connection(("127.0.0.1", odd.running.port), timeout=60) as connection:
        with contextlib.suppress(ConnectionError):  # it may close before the last of it is sent
            connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + part * 17)
        found = connection.recv(1000)
    assert found.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in found


def test_a_caller_that_waits_to_be_told_to_go_on(odd: Odd) -> None:
    body = json.dumps(odd.usual).encode()
    with socket.create_connection(("127.0.0.1", odd.running.port), timeout=60) as connection:
        connection.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")


def test_what_is_no_http_ends_the_connection(odd: Odd) -> None:
    # The server answers these, before any of the service sees them: in text, not as a problem.
    for sent in (
        HEAD + b"Content-Length: -1\r\n\r\n{}",
        HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nno size\r\n",
        b"what\r\n\r\n",
    ):
        status, found = odd.raw(sent)
        assert (status, b"connection: close" in found) == (400, True)
    assert odd.post(json.dumps(odd.usual)).status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"])
def test_other_methods(odd: Odd, method: str) -> None:
    for path, allowed in (
        ("/predict", "POST"),
        ("/model", "GET, HEAD"),
        ("/docs.json", "GET, HEAD"),
        ("/", "GET, HEAD"),
    ):
        response = requests.request(method, f"{odd.running.url}{path}", data=b"{}", timeout=60)
        if method in allowed:
            assert response.status_code == 200
            continue
        assert (response.status_code, response.headers["allow"]) == (405, allowed)
        assert response.headers["content-type"] == "application/problem+json"
        assert method == "HEAD" or response.json()["detail"] == f"{method} {path}: expected {allowed}"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", JSON),
        ("", JSON),
        ("application/*", JSON),
        ("text/csv", CSV),
        ("text/html, text/csv;q=0.2, application/json;q=0.1", CSV),
        ("text/csv, application/json", JSON),
        ("no media type", JSON),
        ("application/xml", None),
        ("application/json;q=0, text/csv;q=0", None),
        ("image/*, " * 1000 + "text/html", None),
    ],
)
def test_accept(odd: Odd, accept: str, media_type: str | None) -> None:
    response = odd.post(json.dumps(odd.usual), Accept=accept)
    if media_type is None:
        assert "expected application/json or text/csv" in problem_of(response, 406)["detail"]
    else:
        assert (response.status_code, response.headers["content-type"].split(";")[0]) == (200, media_type)
    # A problem is a problem, whatever is accepted.
    assert problem_of(odd.post(b"{", Accept=accept), 400 if media_type else 406)


def test_a_body_that_never_comes_is_waited_for_no_longer_than_a_request(tight: Odd) -> None:
    for sent in (
        HEAD + b'Content-Length: 100\r\n\r\n{"float 64": ',
        HEAD + b"Content-Length: 100\r\n\r\n",
        HEAD + b"Expect: 100-continue\r\nContent-Length: 100\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n[",
    ):
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", tight.running.port), timeout=TIGHT_SECONDS + 20) as connection:
            connection.sendall(sent)
            found = b""
            while more := connection.recv(1000):  # until the service closes the connection
                found += more
        assert TIGHT_SECONDS - 0.5 < time.monotonic() - began < TIGHT_SECONDS + 20
        assert b"HTTP/1.1 408 Request Timeout\r\n" in found
        assert b"application/problem+json" in found


def test_more_requests_at_once_than_are_taken(narrow: Odd) -> None:
    body = json.dumps(narrow.usual).encode()
    half = HEAD + b"Content-Length: %d\r\n\r\n" % len(body)
    address = ("127.0.0.1", narrow.running.port)
    with socket.create_connection(address, 60) as one, socket.create_connection(address, 60) as other:
        for connection in (one, other):
            connection.sendall(half + body[:10])
        wait_for(lambda: narrow.post(b"{}").status_code == 503, REQUEST_SECONDS / 2)
        refused = narrow.post(body)
        assert "2 requests are waiting already" in problem_of(refused, 503)["detail"]
        assert (refused.headers["retry-after"], refused.headers["connection"]) == ("1", "close")
        assert requests.get(f"{narrow.running.url}/readyz", timeout=60).status_code == 200
        for connection in (one, other):
            connection.sendall(body[10:])
            assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")
    assert narrow.post(body).status_code == 200


def test_an_answer_that_takes_too_long(tight: Odd) -> None:
    # AutoGluon counts the words of texts and their sequences: some 0.9 s for a megabyte.
    slow = tight.row("text", json.dumps("ab cd " * 1_500_000))
    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        answer, alive = pool.submit(tight.post, slow), 0
        while not answer.done():
            assert requests.get(f"{tight.running.url}/livez", timeout=60).status_code == 200
            alive += not answer.done()
            time.sleep(0.1)
    assert alive > 0  # the rest of the service goes on meanwhile
    problem = problem_of(answer.result(), 504)
    assert f"no answer within {TIGHT_SECONDS} s" in problem["detail"]
    assert time.monotonic() - began < TIGHT_SECONDS + 20
    # The model is not interrupted: until it is done, others wait for it, no longer than a request may.
    wait_for(lambda: tight.post(json.dumps(tight.usual)).status_code == 200, 60)
