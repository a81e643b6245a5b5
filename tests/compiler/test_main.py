from __future__ import annotations

import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import agbento.compiler.compiled
import agbento.compiler.verify
from agbento.compiler.__main__ import main
from agbento.compiler.arrays import Arrays
from agbento.compiler.compiled import CompiledPredictor, compile_predictor
from agbento.compiler.plan.plan import read_json
from tests.compiler.small import rows, trained

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("main") / "predictor"
    trained("binary", found, without="note")
    return found


@pytest.fixture
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prove it by fewer rows."""
    monkeypatch.setattr(agbento.compiler.verify, "verify", partial(agbento.compiler.verify.verify, rows=100))


def told(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    found = capsys.readouterr()
    return found.out, found.err


@pytest.mark.usefixtures("few_rows")
def test_it_compiles_proves_and_saves(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, target = tmp_path / "rows.parquet", tmp_path / "compiled"
    rows("binary").to_parquet(file)
    assert main([str(folder), "--rows", str(file), "--out", str(target)]) == 0
    out, err = told(capsys)
    assert "native: binary of 'y'" in out
    assert "equal to AutoGluon in" in out
    assert f"frame: real: {len(rows('binary'))}" in out
    assert err == ""
    row = rows("binary").iloc[0].to_dict()
    assert CompiledPredictor.load(target).predict(row) == compile_predictor(folder).predict(row)


def test_the_plan_can_be_read_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), "--plan", "--no-verify"]) == 0
    out, _ = told(capsys)
    assert read_json(out.encode()) == compile_predictor(folder).plan


@pytest.mark.usefixtures("few_rows")
def test_what_is_not_equal_ends_with_1_and_is_not_saved(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(predictor: Any) -> CompiledPredictor:
        right = compile_predictor(predictor)
        leaf: Any = right.plan.models[0].children[0].leaf
        arrays = Arrays()
        for name in right.arrays._arrays:
            array = right.arrays.get(name)
            arrays.put(name, np.nextafter(array, np.inf) if name == leaf.trees[0].thresholds else array)
        return CompiledPredictor(right.plan, arrays)

    monkeypatch.setattr(agbento.compiler.compiled, "compile_predictor", wrong)
    assert main([str(folder), "--out", str(tmp_path / "compiled")]) == 1
    out, _ = told(capsys)
    assert "not equal to AutoGluon in" in out
    assert not (tmp_path / "compiled").exists()


def test_what_cannot_be_read_ends_with_1_and_one_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / "predictor.pkl").write_bytes(b"no pickle")
    assert main([str(broken)]) == 1
    out, err = told(capsys)
    assert out == ""
    assert err.startswith("cannot be compiled: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "PREDICTOR_FOLDER"),
        (["{empty}"], "no predictor"),
        (["{folder}", "--out", "{empty}"], "there already"),
        (["{folder}", "--rows", "{empty}/rows.csv"], "no such file"),
        (["{folder}", "--rows", "{folder}/predictor.pkl"], ".csv, .parquet"),
        (["{folder}", "--rows", "{empty}/few.csv"], "lacks columns of the predictor: 'size'"),
        (["{folder}", "--what"], "--what"),
    ],
)
def test_a_wrong_command_line_ends_with_2(
    arguments: list[str], says: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "few.csv").write_text("count\n1\n")
    with pytest.raises(SystemExit) as ended:
        main([argument.format(folder=folder, empty=tmp_path) for argument in arguments])
    assert ended.value.code == 2
    assert says in told(capsys)[1]


def test_what_cannot_be_written_ends_with_1_and_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), "--no-verify", "--out", "/proc/x"]) == 1
    assert told(capsys)[1].splitlines()[-1].startswith("/proc/")


def test_a_reader_that_leaves_ends_it_quietly(folder: Path) -> None:
    command = f"'{sys.executable}' -m agbento.compiler '{folder}' --plan --no-verify | head -c 1"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("{", "")


def test_it_is_a_command_and_imports_nothing_of_the_service(folder: Path) -> None:
    code = (
        "import runpy, sys; sys.argv = ['compiler', sys.argv[1], '--no-verify']\n"
        "try: runpy.run_module('agbento.compiler', run_name='__main__')\n"
        "except SystemExit as ended: assert not ended.code, ended.code\n"
        "names = [n for n in sys.modules if n.startswith('agbento.')]\n"
        "print([n for n in names if not n.startswith(('agbento.compiler', 'agbento.text'))], 'bentoml' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[] False"
    assert "native: binary of 'y'" in ended.stdout
    assert ended.stderr == ""
