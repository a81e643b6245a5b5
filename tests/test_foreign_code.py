"""Predictors trained with code of the team's own, imported and served where that code is not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from agbento.compiling import RECORD
from tests.running import ROOT, Running, environment, imported

pytestmark = pytest.mark.slow

# What a team keeps beside its training program, and that program; `sample` is only the source of rows.
METRICS = """
import numpy as np

def rmsle(y_true, y_pred):
    return float(np.sqrt(np.mean((np.log1p(np.abs(y_true)) - np.log1p(np.abs(y_pred))) ** 2)))
"""
GENERATORS = """
from autogluon.features.generators import AbstractFeatureGenerator

FACTOR = 2

class Doubling(AbstractFeatureGenerator):
    def _fit_transform(self, X, **kwargs):
        return self._transform(X), self.feature_metadata_in.type_group_map_special

    def _transform(self, X):
        return X * FACTOR

    @staticmethod
    def get_default_infer_features_in_args():
        return dict(valid_raw_types=["int", "float"])
"""
TRAINING = """
import json, sys, warnings
warnings.simplefilter("ignore")
from autogluon.core.metrics import make_scorer
from autogluon.features.generators import IdentityFeatureGenerator, PipelineFeatureGenerator
from autogluon.tabular import TabularPredictor
from sample.toys import toy_rows

{code}
rows = toy_rows("regression")
predictor = TabularPredictor("price", path=sys.argv[1], verbosity=0, eval_metric={metric})
families = {{"GBM": {{"num_boost_round": 15}}, "CAT": {{"iterations": 15}}}}
predictor.fit(rows, hyperparameters=families, num_gpus=0, {options})
asked = toy_rows("regression", 20, 1).drop(columns="price")
lines = json.loads(asked.to_json(orient="records", date_format="iso"))
answers = [float(value) for value in predictor.predict(asked)]
print(json.dumps([lines, answers]))
"""
SCORER = 'make_scorer("rmsle", {name}, optimum=0, greater_is_better=False)'


def trained(folder: Path, code: str, metric: str = "None", options: str = "") -> tuple[Path, list[Any], list[float]]:
    """Train in a program of its own; give the predictor, rows, and its answers to them there."""
    folder.mkdir()
    (folder / "team_metrics.py").write_text(METRICS)
    (folder / "team_generators.py").write_text(GENERATORS)
    (folder / "train.py").write_text(TRAINING.format(code=code, metric=metric, options=options))
    done = subprocess.run(
        [sys.executable, "train.py", "predictor"],
        cwd=folder,
        env={**environment(folder), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    lines, answers = json.loads(done.stdout.splitlines()[-1])
    return folder / "predictor", lines, answers


def answered(home: Path, tag: str, rows: list[Any], **settings: str) -> tuple[list[float], dict[str, Any]]:
    """Serve the model; give its answers, and what GET /model says."""
    with Running(home, {"MODEL_TAG": tag, "SERVICE_WORKERS": "1", **settings}) as running:
        answer = running.post(rows)
        assert answer.status_code == 200, answer.text
        told = requests.get(f"{running.url}/model", timeout=60).json()
    return [row["price"] for row in answer.json()], told


def refused(source: Path, home: Path, *options: str) -> str:
    command = [sys.executable, "import_model.py", str(source), *options]
    done = subprocess.run(command, cwd=ROOT, env=environment(home), capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stderr
    assert not list(home.glob("models/*/*"))
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("code", "name", "full", "use_compiled"),
    [
        ("import team_metrics", "team_metrics.rmsle", "team_metrics.rmsle", "true"),
        ("import team_metrics", "team_metrics.rmsle", "team_metrics.rmsle", "false"),
        (METRICS, "rmsle", "__main__.rmsle", "false"),
    ],
    ids=["module", "module, AutoGluon serves", "program, AutoGluon serves"],
)
def test_a_metric_of_ones_own_needs_nothing(tmp_path: Path, code: str, name: str, full: str, use_compiled: str) -> None:
    source, rows, answers = trained(tmp_path / "team", code, SCORER.format(name=name))
    home = tmp_path / "home"
    tag = imported(source, home, "--name", "own-metric")
    found, told = answered(home, tag, rows, USE_COMPILED=use_compiled)
    assert found == pytest.approx(answers, rel=1e-6)
    assert told["provenance"]["placeholders"] == [full]
    assert told["compiled"]["compiled"] is (use_compiled == "true")


GENERATOR = """
from team_generators import Doubling
generator = PipelineFeatureGenerator(generators=[[IdentityFeatureGenerator(), Doubling(name_suffix="_twice")]])
"""


def test_what_prediction_needs_is_brought_and_kept(tmp_path: Path) -> None:
    source, rows, answers = trained(tmp_path / "team", GENERATOR, options="feature_generator=generator")
    home = tmp_path / "home"
    assert "team_generators.Doubling is " in (line := refused(source, home))
    assert "--code DIR" in line
    code = tmp_path / "code"
    code.mkdir()
    (code / "team_generators.py").write_text(GENERATORS)
    tag = imported(source, home, "--name", "brought", "--code", str(code))
    kept = home / "models" / tag.replace(":", "/") / "code" / "team_generators.py"
    assert kept.read_text() == GENERATORS
    found, told = answered(home, tag, rows)
    assert found == pytest.approx(answers, rel=1e-6)
    assert told["provenance"]["brought"] == ["team_generators.Doubling"]
    # The Bento is built of the stored model, with all that lies in its folder.
    assert yaml.safe_load((kept.parents[1] / "model.yaml").read_text())["metadata"]["digest"] == told["digest"]
    # Code that was changed may answer otherwise: it is proven anew, and goes into another Bento.
    before = (kept.parents[1] / "provenance.json").read_bytes()
    assert json.loads(before)["code"]
    (code / "team_generators.py").write_text(f"{GENERATORS}\n# changed\n")
    proven = (kept.parents[1] / RECORD).stat().st_mtime_ns
    assert imported(source, home, "--name", "brought", "--code", str(code)) == tag
    assert (kept.parents[1] / RECORD).stat().st_mtime_ns > proven
    assert (kept.parents[1] / "provenance.json").read_bytes() != before  # of which the Bento's tag is made
    assert kept.read_text().endswith("# changed\n")
    # Imported again without it, nothing is opened and the model stays as it was.
    assert "--code DIR" in _again(source, home)
    assert kept.is_file()


def _again(source: Path, home: Path) -> str:
    command = [sys.executable, "import_model.py", str(source), "--name", "brought"]
    done = subprocess.run(command, cwd=ROOT, env=environment(home), capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    return done.stderr.splitlines()[-1]
