"""The sample predictor is real, small, deployed as a deployment is, and trained once."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import autogluon.tabular
import numpy as np
import pytest
from autogluon.tabular import TabularPredictor

from sample import train
from sample.rows import NOISE, rows
from sample.train import NAME, sample_predictor

REQUEST = json.loads((Path(train.__file__).parent / "request.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, float]:
    """The cache's folder, the predictor's in it, and the seconds of a processor that it took."""
    cache = tmp_path_factory.mktemp("cache")
    started = sum(os.times()[:4])
    folder = sample_predictor(cache)
    return cache, folder, sum(os.times()[:4]) - started


@pytest.mark.slow
def test_training_takes_less_than_a_minute(made: tuple[Path, Path, float]) -> None:
    assert 1 < made[2] < 60  # of one processor: others that are busy do not count


@pytest.mark.slow
def test_it_is_a_refitted_clone_of_three_models_under_an_ensemble(made: tuple[Path, Path, float]) -> None:
    predictor = TabularPredictor.load(str(made[1]))
    models = {"LightGBM_FULL", "LightGBMXT_FULL", "CatBoost_FULL", "WeightedEnsemble_L2_FULL"}
    assert set(predictor.model_names()) == models
    assert predictor.model_best == "WeightedEnsemble_L2_FULL"
    assert predictor.label == "cost"
    assert "id" not in predictor.original_features
    assert set(predictor.original_features) == set(REQUEST) - {"id", "cost"}
    # a clone for deployment has no data to fit on again
    assert not list(made[1].rglob("*X*.pkl"))
    assert sum(path.stat().st_size for path in made[1].rglob("*") if path.is_file()) < 5_000_000


@pytest.mark.slow
def test_it_has_learnt_what_can_be_learnt(made: tuple[Path, Path, float]) -> None:
    predictor = TabularPredictor.load(str(made[1]))
    unseen = rows(2000, seed=99)
    error = predictor.predict(unseen) - unseen["cost"]
    assert NOISE * 0.9 < np.sqrt((error**2).mean()) < NOISE * 1.2


@pytest.mark.slow
def test_the_second_time_it_is_taken_from_the_cache(made: tuple[Path, Path, float]) -> None:
    cache, folder, _ = made
    before = {path: path.stat().st_mtime_ns for path in cache.rglob("*")}
    assert sample_predictor(cache) == folder
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*")} == before
    assert [path.name for path in folder.parents[0].iterdir()] == [NAME]
    assert len(list(cache.iterdir())) == 1


@pytest.mark.slow
def test_of_two_that_train_at_once_the_first_wins(made: tuple[Path, Path, float], tmp_path: Path) -> None:
    place = tmp_path / "cache" / "key"
    for turn in ("first", "second"):
        shutil.copytree(made[1], tmp_path / turn / NAME)
        (tmp_path / turn / NAME / "turn").write_text(turn)
    place.parent.mkdir()
    train._publish(tmp_path / "first", place)
    train._publish(tmp_path / "second", place)
    assert (place / NAME / "turn").read_text() == "first"


@pytest.mark.slow
def test_the_program_prints_the_folder_and_nothing_else(made: tuple[Path, Path, float], tmp_path: Path) -> None:
    shutil.copytree(made[0], tmp_path / ".cache" / "sample")
    root = Path(train.__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "sample.train"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert Path(done.stdout.strip()) == (tmp_path / ".cache" / "sample" / made[1].parent.name / NAME).resolve()


def test_a_training_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "rows", lambda n, seed: rows(n, seed).drop(columns="cost").head(100))
    with pytest.raises(KeyError, match="cost"):
        sample_predictor(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_change_of_the_sample_or_of_autogluon_makes_another_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = train._key()
    assert own == train._key()
    with monkeypatch.context() as patch:
        patch.setattr(train, "SEED", train.SEED + 1)
        other_seed = train._key()
    with monkeypatch.context() as patch:
        patch.setattr(autogluon.tabular, "__version__", "1.6.99")
        other_version = train._key()
    for name in train.SOURCES:
        (tmp_path / name).write_bytes((Path(train.__file__).parent / name).read_bytes())
    (tmp_path / "rows.py").write_text(
        (tmp_path / "rows.py").read_text().replace("NOISE: Final = 4.0", "NOISE: Final = 5.0")
    )
    with monkeypatch.context() as patch:
        patch.setattr(train, "__file__", str(tmp_path / "train.py"))
        other_source = train._key()
    assert len({own, other_seed, other_version, other_source}) == 4


def test_it_does_not_train_into_a_folder_that_exists(tmp_path: Path) -> None:
    with pytest.raises(FileExistsError, match="new folder"):
        train.train(rows(10), tmp_path)
