"""Which predictor serves: the compiled one where it is whole, current and proven, else AutoGluon's own."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from agbento.compiler.artefact import compiler_version
from agbento.compiling import COMPILED, Record, compile_into
from agbento.errors import ModelNotServable
from agbento.opened import open_predictor
from agbento.permit import TRUST
from agbento.predictor import CompiledAdapter, StockPredictor
from agbento.rows import RowReader
from agbento.schema import Schema
from agbento.trust import examine
from sample.rows import rows

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stored(sample_predictor: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stored model of the sample, compiled."""
    from autogluon.tabular import TabularPredictor

    from agbento.describe import describe

    folder, scratch = tmp_path_factory.mktemp("opened"), tmp_path_factory.mktemp("scratch")
    shutil.copytree(sample_predictor, folder / "predictor")
    examine(folder / "predictor").permit.save(folder)
    describe(TabularPredictor.load(str(sample_predictor), verbosity=0)).save(folder / "schema.json")
    assert compile_into(folder, folder / "predictor", "digest", scratch).compiled
    return folder


@pytest.fixture
def folder(stored: Path, tmp_path: Path) -> Path:
    """A copy of it that may be broken."""
    shutil.copytree(stored, tmp_path / "model")
    return tmp_path / "model"


def test_the_compiled_one_serves(folder: Path) -> None:
    shutil.rmtree(folder / "predictor")  # nothing of it is opened
    opened = open_predictor(folder, 1)
    assert isinstance(opened.predictor, CompiledAdapter)
    assert opened.is_compiled
    told = opened.described()
    assert (told["compiled"], told["native"], told["proof"]["equal"]) == (True, True, True)
    assert "originals" not in told
    assert open_predictor(folder, 1, digest="digest").is_compiled


@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_text("")])
def test_nothing_is_opened_of_which_nothing_was_kept(folder: Path, damage: Callable[[Path], object]) -> None:
    damage(folder / TRUST)
    assert open_predictor(folder, 1).is_compiled
    with pytest.raises(ModelNotServable, match=r"trust\.json: missing or damaged.*import the model again"):
        open_predictor(folder, 1, use_compiled=False)


def test_both_answer_alike(folder: Path) -> None:
    reader = RowReader(Schema.load(folder / "schema.json"))
    records = json.loads(rows(30, 4).to_json(orient="records"))
    compiled, stock = (open_predictor(folder, 1, use_compiled=used).predictor for used in (True, False))
    for batch in (reader.batch(records[:1]), reader.batch(records)):
        assert compiled.predict(batch).values.tolist() == stock.predict(batch).values.tolist()


def break_digest(folder: Path) -> None:
    record = Record.load(folder)
    assert record is not None
    dataclasses.replace(record, digest="another").save(folder)


def break_arrays(folder: Path) -> None:
    with (folder / COMPILED / "arrays.bin").open("r+b") as file:
        file.truncate(1000)


def break_version(folder: Path) -> None:
    seal = folder / COMPILED / "seal.json"
    seal.write_text(seal.read_text().replace(compiler_version(), "0" * 16))


def without_record(folder: Path) -> None:
    (folder / "compiled.json").unlink()


def without_artefact(folder: Path) -> None:
    shutil.rmtree(folder / COMPILED)


def not_proven(folder: Path) -> None:
    record = Record.load(folder)
    assert record is not None
    dataclasses.replace(record, compiled=False, why="it is not equal").save(folder)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (break_digest, "expected another; import the model again"),
        (break_arrays, r"arrays\.bin: damaged"),
        (break_version, "compiled by version 0000000000000000"),
        (without_record, "imported without a compiled predictor"),
        (without_artefact, "no compiled predictor"),
        (not_proven, "^it is not equal$"),
    ],
)
def test_autogluon_serves_and_it_is_told(folder: Path, broken: object, why: str) -> None:
    assert callable(broken)
    broken(folder)
    opened = open_predictor(folder, 1)
    assert isinstance(opened.predictor, StockPredictor)
    assert opened.described()["compiled"] is False
    assert re.search(why, opened.why)


def test_another_models_compiled_predictor_and_record_are_not_served(folder: Path) -> None:
    opened = open_predictor(folder, 1, digest="this model's")
    assert isinstance(opened.predictor, StockPredictor)
    assert opened.why == "compiled from another predictor: digest, expected this model's; import the model again"


def test_it_can_be_switched_off(folder: Path) -> None:
    opened = open_predictor(folder, 1, use_compiled=False)
    assert isinstance(opened.predictor, StockPredictor)
    assert opened.why == "USE_COMPILED is off"
