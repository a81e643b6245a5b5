"""An artefact is whole, of this compiler and of its predictor, or it is not used."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pandas as pd
import pytest
from autogluon.tabular import TabularPredictor

from agbento.compiler import ArtefactError, CompiledPredictor, compile_predictor
from agbento.compiler.artefact import compiler_version

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> TabularPredictor:
    """A small predictor with a native and a foreign model."""
    data = pd.DataFrame({"a": range(60), "b": [i % 7 for i in range(60)], "y": [i % 5 + i / 10 for i in range(60)]})
    folder = tmp_path_factory.mktemp("artefact") / "p"
    made = TabularPredictor("y", problem_type="regression", path=str(folder), verbosity=0)
    return made.fit(data, hyperparameters={"GBM": {"num_boost_round": 5}, "KNN": {}}, num_cpus=1)


@pytest.fixture
def folder(predictor: TabularPredictor, tmp_path: Path) -> Path:
    """An artefact of it."""
    compiled = compile_predictor(predictor)
    compiled.source = "sha256:1"
    compiled.save(tmp_path / "compiled")
    return tmp_path / "compiled"


def test_it_answers_as_before(predictor: TabularPredictor, folder: Path) -> None:
    again = CompiledPredictor.load(folder, source="sha256:1")
    row = {"a": 3, "b": 2}
    assert again.predict(row) == compile_predictor(predictor).predict(row)
    assert again.source == "sha256:1"


def test_models_that_are_not_native_come_with_it(predictor: TabularPredictor, tmp_path: Path) -> None:
    name = next(name for name in predictor.model_names() if name.startswith("KNeighbors"))
    compiled = compile_predictor(predictor, model=name)
    assert not compiled.native
    compiled.save(tmp_path / "compiled")
    frame = pd.DataFrame({"a": [1, 50], "b": [3, 4]})
    expected = predictor.predict(frame, model=name, as_pandas=False)
    assert CompiledPredictor.load(tmp_path / "compiled").predict(frame).tolist() == expected.tolist()


def test_every_file_matters(folder: Path) -> None:
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert len(files) >= 4
    for file in files:
        whole = file.read_bytes()
        for broken in (whole[:-1], whole[: len(whole) // 2], b"", whole[:-1] + bytes([whole[-1] ^ 1]), None):
            if broken is None:
                file.unlink()
            else:
                file.write_bytes(broken)
            if not (file.name == "seal.json" and broken == whole[:-1]):  # its last byte ends the line
                with pytest.raises(ArtefactError, match=folder.name):
                    CompiledPredictor.load(folder)
            file.write_bytes(whole)
    CompiledPredictor.load(folder)


def test_a_file_that_does_not_belong_there(folder: Path) -> None:
    (folder / "more.bin").write_bytes(b"1")
    with pytest.raises(ArtefactError, match=r"more\.bin"):
        CompiledPredictor.load(folder)


def test_one_of_another_predictor(folder: Path) -> None:
    with pytest.raises(ArtefactError, match="compiled from the predictor sha256:1, expected sha256:2"):
        CompiledPredictor.load(folder, source="sha256:2")


def test_one_of_another_version(folder: Path) -> None:
    seal = json.loads((folder / "seal.json").read_text())
    assert seal["compiler"] == compiler_version()
    (folder / "seal.json").write_text(json.dumps(seal | {"compiler": "0" * 16}))
    with pytest.raises(ArtefactError, match="compile it again"):
        CompiledPredictor.load(folder)


def test_one_of_another_format(folder: Path) -> None:
    seal = json.loads((folder / "seal.json").read_text())
    (folder / "seal.json").write_text(json.dumps(seal | {"format": seal["format"] + 1}))
    with pytest.raises(ArtefactError, match=f"of format {seal['format'] + 1}, expected {seal['format']}"):
        CompiledPredictor.load(folder)


def test_a_seal_over_too_little(folder: Path) -> None:
    seal = json.loads((folder / "seal.json").read_text())
    del seal["files"]["plan.json"]
    (folder / "seal.json").write_text(json.dumps(seal))
    (folder / "plan.json").unlink()
    with pytest.raises(ArtefactError, match=r"plan\.json"):
        CompiledPredictor.load(folder)


def test_two_that_are_written_at_once(predictor: TabularPredictor, tmp_path: Path) -> None:
    both = [compile_predictor(predictor, model=name) for name in predictor.model_names()[:2]]

    def save(compiled: CompiledPredictor, folder: Path, start: Barrier) -> bool:
        start.wait()
        try:
            compiled.save(folder)
        except FileExistsError:
            return False
        return True

    for turn in range(10):
        folder, start = tmp_path / str(turn), Barrier(2)
        with ThreadPoolExecutor(2) as pool:
            saved = list(pool.map(lambda one, to=folder, at=start: save(one, to, at), both))
        assert saved.count(True) == 1
        assert CompiledPredictor.load(folder).plan == both[saved.index(True)].plan
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(map(str, range(10)))


def test_no_artefact(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="no compiled predictor"):
        CompiledPredictor.load(tmp_path)
    with pytest.raises(ArtefactError, match="no compiled predictor"):
        CompiledPredictor.load(tmp_path / "nothing")


def test_what_is_there_is_kept(predictor: TabularPredictor, folder: Path) -> None:
    with pytest.raises(FileExistsError, match="there already"):
        compile_predictor(predictor).save(folder)


def test_nothing_half_written(predictor: TabularPredictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = compile_predictor(predictor)
    room = tmp_path / "room"
    room.mkdir()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(compiled.arrays, "save", full)
    with pytest.raises(OSError, match="No space"):
        compiled.save(room / "compiled")
    assert not list(room.iterdir())
    shutil.rmtree(room)
