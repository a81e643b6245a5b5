"""The parts of the benchmark run, on small predictors, and measure what they say."""

import dataclasses
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from benchmarks import memory, models, servers, start
from benchmarks.http import bodies, check_answers
from benchmarks.memory import imported_modules, private_bytes
from benchmarks.models import Recipe
from benchmarks.results import TYPES, load
from sample.client import Client
from sample.rows import rows
from tests.frames import records
from tests.running import ROOT, wait_for

SMALL = Recipe(
    "small", "one LightGBM", 300, {"hyperparameters": {"GBM": {"num_boost_round": 5}}}, "LightGBM", ("LGBModel",)
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench-models")


@pytest.mark.slow
def test_a_predictor_is_trained_and_compiled_once(cache: Path) -> None:
    from autogluon.tabular import TabularPredictor

    from agbento.compiler import CompiledPredictor

    trained, compiled = models.trained(SMALL, cache), models.compiled(SMALL, cache)
    before = {path: path.stat().st_mtime_ns for path in cache.rglob("*")}
    assert models.trained(SMALL, cache) == trained
    assert models.compiled(SMALL, cache) == compiled
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*")} == before
    frame = rows(20, seed=5)
    expected = TabularPredictor.load(str(trained), verbosity=0).predict(frame, as_pandas=False)
    assert np.array_equal(CompiledPredictor.load(compiled).predict(frame), expected)


@pytest.mark.slow
def test_a_predictor_that_holds_something_else_is_none(cache: Path) -> None:
    other = dataclasses.replace(SMALL, holds=("CatBoostModel",))
    with pytest.raises(ValueError, match="holds"):
        models.train(other, cache / "other")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["compiled", "stock"])
def test_the_time_to_a_first_answer(cache: Path, kind: str) -> None:
    folder = models.compiled(SMALL, cache) if kind == "compiled" else models.trained(SMALL, cache)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.start", kind, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    assert 0 < float(done.stdout.splitlines()[-1]) < 60
    assert start.first_answer(kind, folder) > 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["flask", "litserve"])
def test_what_it_is_measured_against_answers_as_the_predictor_does(cache: Path, tmp_path: Path, kind: str) -> None:
    from autogluon.tabular import TabularPredictor

    folder = models.trained(SMALL, cache)
    server = servers.flask(folder) if kind == "flask" else servers.litserve(folder)
    frame = rows(3, seed=1)
    expected = TabularPredictor.load(str(folder), verbosity=0).predict(frame, as_pandas=False)
    with server.start(tmp_path):
        check_answers([server])
        told = [Client(server.url).predict(row)["cost"] for row in records(frame)]
    assert told == [round(float(value), 2) for value in expected]


def test_servers_that_disagree_are_not_measured() -> None:
    from tests.test_bench import http, raw_server

    with raw_server(http("200 OK", b'{"cost": 1.0}')) as one, raw_server(http("200 OK", b'{"cost": 1.1}')) as other:
        contestants = [servers.Server(str(port), str(port), port, ()) for port in (one, other)]
        with pytest.raises(ValueError, match="do not agree"):
            check_answers(contestants)
        check_answers(contestants[:1])


def test_bodies_are_different_rows() -> None:
    assert len(set(bodies(500))) == 500


def test_private_memory_is_what_a_process_has_for_itself() -> None:
    program = "import sys; held = bytearray(b'x' * int(sys.argv[1])); print(len(held), flush=True); sys.stdin.read()"
    found = []
    for size in (0, 64 * 2**20):
        command = [sys.executable, "-c", program, str(size)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            child.stdout.readline()
            found.append(private_bytes(child.pid))
            child.communicate()
    assert 60 * 2**20 < found[1] - found[0] < 140 * 2**20


def test_a_process_with_the_witness_tells_its_modules(tmp_path: Path) -> None:
    environment = {**os.environ, "WITNESS_FOLDER": str(tmp_path), "PYTHONPATH": str(memory.WITNESS)}
    program = "import colorsys, sys; print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout is not None
        child.stdout.readline()
        told = imported_modules(child.pid, tmp_path)
        child.communicate()
    assert "colorsys" in told
    assert "wave" not in told
    assert "__main__" not in told


@pytest.mark.slow
def test_a_hollow_service_has_the_modules_and_answers(tmp_path: Path) -> None:
    modules = tmp_path / "modules"
    modules.write_text("colorsys\nno_such_module\nlightgbm", "utf-8")
    witness = {"WITNESS_FOLDER": str(tmp_path), "PYTHONPATH": f"{memory.WITNESS}:{ROOT}"}
    server = servers.hollow(memory.WORKERS, tmp_path / "home", modules, witness)
    with server.start(tmp_path) as running:
        wait_for(lambda: Client(server.url).predict({"gross_weight": 2.5}) == {"cost": 2.5})
        for pid in memory._process_ids(running):
            wait_for(partial(_has_imported, pid, tmp_path, {"colorsys", "lightgbm"}))


def _has_imported(pid: int, folder: Path, modules: set[str]) -> bool:
    """Whether a process, asked anew, has these by now."""
    (folder / str(pid)).unlink(missing_ok=True)
    return modules <= set(imported_modules(pid, folder))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_parts_run_alone_and_the_page_is_made_of_what_they_kept(tmp_path: Path) -> None:
    kept, docs = tmp_path / "kept", tmp_path / "docs"
    docs.mkdir()
    parts = ("calls", "http", "many", "memory", "watching", "page")
    options = ("--quick", "--model", "mixed", "--kept", str(kept), "--docs", str(docs))
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *parts, *options], cwd=ROOT, capture_output=True, text=True, timeout=1000
    )
    assert done.returncode == 0, done.stderr
    found = load(kept)
    assert set(found.taken) == set(TYPES) - {"start"}
    assert found.http
    assert found.calls
    assert all(cell.rate > 0 and cell.failures == 0 for cell in found.http.cells)
    assert found.calls.native == {"mixed": False}
    assert "](benchmark.svg)" in (docs / "benchmark.md").read_text("utf-8")
    assert (docs / "benchmark.svg").stat().st_size > 1000
