"""`make requests`: answers of a running service, one a line, or one line that says why not."""

import ast
import json
import math
import socket
import sys
from itertools import islice
from typing import Any

import pytest

from benchmarks.ports import free_port
from sample.ask import rows_for
from sample.client import Client, NoAnswer
from sample.rows import COLUMNS
from tests.running import REQUEST, Running
from tests.stub_service import MODEL
from tests.stubs import run, stub_service


def ask(url: str, *more: str) -> tuple[int, list[str], list[str]]:
    done = run(sys.executable, "-m", "sample.ask", "--url", url, *more)
    return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()


def described(names: list[str]) -> dict[str, Any]:
    return {"label": "cost", "features": [{"name": name, "type": "int"} for name in names]}


def test_the_sample_model_is_asked_the_original_request_first() -> None:
    made = list(islice(rows_for(described([c for c in COLUMNS if c not in ("id", "cost")])), 1200))
    assert made[0] == REQUEST
    assert all(set(row) == set(COLUMNS) for row in made)
    assert all(isinstance(row["store_sqft"], int) for row in made)
    assert len({json.dumps(row) for row in made}) == 1200


def test_another_model_is_asked_rows_that_fit_it() -> None:
    assert all(
        set(row) == {"store_sqft", "colour"} for row in islice(rows_for(described(["store_sqft", "colour"])), 20)
    )


def test_it_prints_one_answer_a_line() -> None:
    with stub_service() as url:
        code, out, err = ask(url, "-n", "7")
    assert (code, err) == (0, [])
    answers = [ast.literal_eval(line) for line in out]
    assert len(answers) == 7
    assert all(list(answer) == ["price"] and math.isfinite(answer["price"]) for answer in answers)
    assert len(set(out)) > 1


def test_without_a_service_it_says_so_in_one_line() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    code, out, err = ask(url)
    assert (code, out) == (1, [])
    assert err == [f"no service answers GET {url}/model (connection refused): start one with `make serve`"]


def test_an_answer_that_is_an_error_is_told() -> None:
    with stub_service("status") as url:
        code, out, err = ask(url, "-n", "10")
    assert (code, len(out), len(err)) == (1, 9, 1)
    assert err[0].startswith(f"POST {url}/predict answered 500: ")


def test_a_program_that_is_no_service_is_told() -> None:
    with stub_service() as url, pytest.raises(NoAnswer, match="answered 404"):
        Client(url + "/elsewhere").model()


def test_a_server_that_accepts_and_says_nothing_is_not_waited_for() -> None:
    """BentoML's socket does just this before a worker is ready."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = Client(f"http://127.0.0.1:{silent.getsockname()[1]}", read_seconds=0.3)
        assert client.ready() is False
        with pytest.raises(NoAnswer, match="time-out"):
            client.model()


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with stub_service() as url:
        assert Client(url).model() == MODEL


@pytest.mark.slow
def test_the_real_service_answers(served: Running) -> None:
    code, out, err = ask(served.url, "-n", "3")
    assert (code, err, len(out)) == (0, [], 3)
    assert ast.literal_eval(out[0]) == served.post(REQUEST).json()
