"""A predictor of another AutoGluon: told, mended with the printed command, served and packed with its own versions."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from agbento.requirements import uv
from sample.toys import toy_rows
from tests.image_fixtures import Built, Container, build, docker
from tests.running import ROOT, Running, environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]  # two environments are made, from the package index

VERSION = "1.5.0"
# Kept between runs, as the sample predictor is; `make clean` removes it.
TRAINING = ROOT / ".cache" / f"autogluon-{VERSION}"
PACKAGES = (
    f"autogluon.tabular[catboost,lightgbm]=={VERSION}",
    "scikit-learn==1.7.2",
    "lightgbm==4.6.0",
    "typing_extensions",
)  # which it imports and does not ask for
PROGRAM = """
import json, sys, warnings
warnings.simplefilter("ignore")
import pandas as pd
from autogluon.tabular import TabularPredictor
rows, asked = (pd.read_parquet(name) for name in sys.argv[2:])
predictor = TabularPredictor("grade", path=sys.argv[1], verbosity=0)
families = {"GBM": {"num_boost_round": 15}, "CAT": {"iterations": 15}}
predictor.fit(rows, hyperparameters=families, num_gpus=0)
print(predictor.predict_proba(asked).to_json(orient="values", double_precision=15))
"""


@dataclass(frozen=True)
class Old:
    """A predictor that AutoGluon 1.5.0 has trained, rows, and its own probabilities of their classes."""

    predictor: Path
    rows: list[Any]
    answers: list[list[float]]

    def agrees(self, answer: requests.Response) -> bool:
        """Tell whether a service answers the rows as the predictor itself did."""
        assert answer.status_code == 200, answer.text
        found = [list(row["probabilities"].values()) for row in answer.json()]
        return bool(found == [pytest.approx(row, rel=1e-5, abs=1e-6) for row in self.answers])


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Old:
    python = TRAINING / "bin" / "python"
    if not (TRAINING / "made").is_file():
        subprocess.run([uv(), "venv", "--quiet", "--clear", str(TRAINING)], check=True, timeout=120)
        install = [uv(), "pip", "install", "--quiet", "--python", str(python), *PACKAGES]
        subprocess.run(install, check=True, timeout=900)
        (TRAINING / "made").touch()
    folder = tmp_path_factory.mktemp("old")
    asked = toy_rows("multiclass", 20, 1).drop(columns="grade")
    toy_rows("multiclass").to_parquet(folder / "rows.parquet")
    asked.to_parquet(folder / "asked.parquet")
    arguments = [str(python), "-c", PROGRAM, "predictor", "rows.parquet", "asked.parquet"]
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    rows = json.loads(asked.to_json(orient="records", date_format="iso"))
    return Old(folder / "predictor", rows, json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("old-home")


def run(command: list[str], home: Path, seconds: float = 1200) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, env=environment(home), capture_output=True, text=True, timeout=seconds, check=False
    )


@pytest.fixture(scope="module")
def command(old: Old, home: Path) -> str:
    """The command that a refused import prints."""
    done = run([sys.executable, "import_model.py", str(old.predictor), "--name", "old"], home)
    assert done.returncode == 1
    assert done.stdout == ""
    line = done.stderr.splitlines()[-1]
    assert f"trained with AutoGluon {VERSION} (here " in line
    assert "lightgbm 4.6.0 (here " in line
    assert not list(home.glob("models/*/*")), "nothing was opened or stored"
    return line.partition("made for it: ")[2]


@pytest.fixture(scope="module")
def tag(command: str, home: Path) -> str:
    """The model that the printed command imports."""
    done = run(shlex.split(command), home)
    assert done.returncode == 0, done.stderr
    assert "trained with AutoGluon" not in done.stderr.rpartition("a predictor of")[2], "no differences there"
    return done.stdout.splitlines()[-1]


def test_it_is_locked_to_its_own_versions(tag: str, home: Path) -> None:
    folder = home / "models" / tag.replace(":", "/")
    lock = (folder / "requirements.txt").read_text()
    for pin in (f"autogluon-tabular=={VERSION}", "lightgbm==4.6.0", "scikit-learn==1.7.2"):
        assert re.search(rf"^{re.escape(pin)} ", lock, re.MULTILINE)
    assert not re.search(r"^(torch|xgboost|pytest|nvidia-cu)", lock, re.MULTILINE)
    assert "://" not in lock


def test_where_other_versions_run_it_is_not_served_unasked(tag: str, old: Old, home: Path) -> None:
    done = run([sys.executable, "-m", "bentoml", "serve", "--port", "0"], home, 120)
    assert done.returncode == 1
    said = (done.stdout + done.stderr).splitlines()
    line = next(line for line in said if f"trained with AutoGluon {VERSION} (here" in line)
    assert f"`make serve MODEL_TAG={tag} OWN_ENVIRONMENT=1`" in line
    with Running(home, {"MODEL_TAG": tag, "SERVICE_WORKERS": "1", "ALLOW_VERSION_SKEW": "true"}) as running:
        assert old.agrees(running.post(old.rows))
        told = requests.get(f"{running.url}/model", timeout=60).json()["environment"]["differs_here"]
        assert any(line.startswith(f"AutoGluon {VERSION}") for line in told)


def test_it_is_served_in_an_environment_of_its_own(tag: str, old: Old, home: Path) -> None:
    own = ("-m", "agbento.own_environment", tag, "--")
    settings = {"SERVICE_WORKERS": "1", "USE_COMPILED": "false"}
    with Running(home, settings, command=own, seconds=500) as running:  # the environment is made first
        assert old.agrees(running.post(old.rows))
        told = requests.get(f"{running.url}/model", timeout=60).json()
        assert told["environment"]["differs_here"] == []
        assert told["autogluon_version"] == VERSION


@pytest.fixture(scope="module")
def image(tag: str, home: Path) -> Iterator[Built]:
    built = build(home, tag)
    yield built
    docker("image", "rm", "--force", built.name, check=False)


@pytest.mark.engine
@pytest.mark.parametrize("use_compiled", ["true", "false"])
def test_its_image_holds_its_own_versions(image: Built, old: Old, use_compiled: str) -> None:
    options = ("--read-only", "--tmpfs", "/tmp", "--env", f"USE_COMPILED={use_compiled}", "--env", "SERVICE_WORKERS=1")
    with Container(image.name, *options) as container:
        code = "import autogluon.tabular, lightgbm; print(autogluon.tabular.__version__, lightgbm.__version__)"
        assert container.python(code).split() == [VERSION, "4.6.0"]
        assert old.agrees(container.post(old.rows))
        told = requests.get(f"{container.url}/model", timeout=60).json()
        assert told["environment"]["differs_here"] == []
    labels = json.loads(docker("image", "inspect", "--format", "{{json .Config.Labels}}", image.name))
    assert json.loads(labels["agbento.provenance"]) == told["provenance"]
