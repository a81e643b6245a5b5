"""Compiling while importing: what is kept, and that nothing that goes wrong there fails an import."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
from autogluon.tabular import TabularPredictor

from agbento.compiler import CompiledPredictor
from agbento.compiler.artefact import compiler_version
from agbento.compiling import COMPILED, RECORD, Record, compile_into, is_compiled
from agbento.errors import UsageError
from agbento.store import replace
from sample.rows import rows

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a stored model would be, and an empty folder beside it."""
    (tmp_path / "model").mkdir()
    (tmp_path / "scratch").mkdir()
    return tmp_path / "model"


def test_the_sample_is_compiled_and_proven(sample_predictor: Path, folder: Path) -> None:
    record = compile_into(folder, sample_predictor, "digest", folder.with_name("scratch"))
    assert (record.compiled, record.why, record.native) == (True, "", True)
    assert Record.load(folder) == record
    assert is_compiled(folder, "digest")
    assert not is_compiled(folder, "another")
    assert record.proof["equal"] is True
    assert record.proof["missed"] == 0
    assert sum(record.proof["rows"].values()) > 1000
    assert [line.split()[0] for line in record.lines()] == ["compiled", "proven:"]
    compiled = CompiledPredictor.load(folder / COMPILED, source="digest")
    frame = rows(20, 3).drop(columns="cost")
    expected = TabularPredictor.load(str(sample_predictor), verbosity=0).predict(frame, as_pandas=False)
    assert compiled.predict(frame).tolist() == expected.tolist()
    Record(False, "out of memory", record.compiler, "digest").save(folder)
    assert not is_compiled(folder, "digest")
    record.save(folder)
    with (folder / COMPILED / "arrays.bin").open("r+b") as file:
        file.write(bytes([file.read(1)[0] ^ 1]))
    assert not is_compiled(folder, "digest")


def test_what_cannot_be_opened_is_told(folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    record = compile_into(folder, empty, "digest", folder.with_name("scratch"))
    assert not record.compiled
    assert "cannot be compiled" in record.why
    assert not (folder / COMPILED).exists()
    assert record.lines()[0].startswith("not compiled: it cannot be compiled")


def test_rows_of_the_users_are_proven_too(sample_predictor: Path, folder: Path, tmp_path: Path) -> None:
    rows(50, 8).to_csv(tmp_path / "rows.csv", index=False)
    scratch = folder.with_name("scratch")
    record = compile_into(folder, sample_predictor, "digest", scratch, tmp_path / "rows.csv")
    assert record.compiled
    assert record.proof["rows"]["frame: real"] == 50
    assert "(50 of them given)" in record.lines()[1]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("store_sqft\n1\n", "lacks columns of the predictor: 'store_sales_in_millions_'"),
        ("", "expected rows as CSV"),
        (rows(1, 8).iloc[:0].to_csv(index=False), "no rows in it"),
    ],
)
def test_rows_that_cannot_be_used(
    sample_predictor: Path, folder: Path, tmp_path: Path, content: str, expected: str
) -> None:
    (tmp_path / "rows.csv").write_text(content)
    with pytest.raises(UsageError, match=f"--rows .*rows.csv: {expected}"):
        compile_into(folder, sample_predictor, "digest", folder.with_name("scratch"), tmp_path / "rows.csv")


def test_labels_of_dates_are_left_to_autogluon(folder: Path, tmp_path: Path) -> None:
    days = pd.to_datetime(["2026-01-01", "2026-01-02"])
    data = pd.DataFrame({"a": range(40), "b": [i % 7 for i in range(40)], "y": [days[i % 2] for i in range(40)]})
    predictor = TabularPredictor("y", problem_type="binary", path=str(tmp_path / "p"), verbosity=0)
    predictor.fit(data, hyperparameters={"GBM": {"num_boost_round": 3}}, num_cpus=1)
    record = compile_into(folder, tmp_path / "p", "digest", folder.with_name("scratch"))
    assert (record.compiled, record.why) == (False, "a label or level of type Timestamp")


def test_a_record_that_is_not_there_or_not_ours(folder: Path) -> None:
    assert Record.load(folder) is None
    for text in ("", "{", "[]", "{}", json.dumps({"other": 1})):
        (folder / RECORD).write_text(text)
        assert Record.load(folder) is None


def test_the_new_one_takes_the_old_ones_place(folder: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    for place, compiler in ((folder, "old"), (made, compiler_version())):
        (place / COMPILED).mkdir(parents=True)
        (place / COMPILED / "seal.json").write_text(compiler)
        Record(True, "", compiler, "digest").save(place)
    replace(folder, made, tmp_path / "aside", [RECORD, COMPILED])
    record = Record.load(folder)
    assert record is not None
    assert (folder / COMPILED / "seal.json").read_text() == compiler_version()
    assert (tmp_path / "aside" / COMPILED / "seal.json").read_text() == "old"


def test_many_at_once_put_whole_ones_in_its_place(folder: Path, tmp_path: Path) -> None:
    def one(number: int) -> None:
        for turn in range(20):
            made = tmp_path / f"made-{number}-{turn}"
            (made / COMPILED).mkdir(parents=True)
            (made / COMPILED / "seal.json").write_text("")
            Record(True, "", compiler_version(), f"{number}").save(made)
            replace(folder, made, tmp_path / f"aside-{number}-{turn}", [RECORD, COMPILED])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(4)))
    assert Record.load(folder) is not None
    assert (folder / COMPILED / "seal.json").exists()


def test_a_new_one_that_is_not_compiled(folder: Path, tmp_path: Path) -> None:
    (folder / COMPILED).mkdir()
    Record(True, "", "old", "digest").save(folder)
    made = tmp_path / "made"
    made.mkdir()
    Record(False, "why", compiler_version(), "digest").save(made)
    replace(folder, made, tmp_path / "aside", [RECORD, COMPILED])
    assert not (folder / COMPILED).exists()
    record = Record.load(folder)
    assert record is not None
    assert record.why == "why"
