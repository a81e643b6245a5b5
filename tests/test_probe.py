"""A predictor is opened in a process of its own: what goes wrong there is one line here, and leaves nothing."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agbento.errors import PredictorNotLoadable
from agbento.probe import probe
from tests.running import ROOT, environment, processes_of, wait_for

pytestmark = pytest.mark.slow


class Runs:
    """Pickles into a call of exec with this code; the genuine predictor.pkl follows where it is given."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __reduce__(self) -> Any:
        return exec, (self.code,)


@pytest.fixture
def hostile(sample_predictor: Path, tmp_path: Path) -> Any:
    """Make a copy of the sample predictor that runs some code when it is opened."""

    def make(code: str, then_load: bool = False) -> Path:
        folder = tmp_path / "predictor"
        shutil.copytree(sample_predictor, folder)
        file = folder / "learner.pkl"
        genuine = file.rename(tmp_path / "genuine.pkl")
        if then_load:
            code += f"\nimport pickle\nreturned = pickle.load(open({str(genuine)!r}, 'rb'))"
            file.write_bytes(pickle.dumps(Loads(code)))
        else:
            file.write_bytes(pickle.dumps(Runs(code)))
        return folder

    return make


class Loads(Runs):
    """Pickles into what the code leaves in ``returned``."""

    def __reduce__(self) -> Any:
        return eval, (f"(lambda space: (exec({self.code!r}, space), space['returned'])[1])({{}})",)


def scratch(tmp_path: Path) -> Path:
    """An empty folder for the child."""
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


def test_what_a_genuine_predictor_is(sample_predictor: Path, tmp_path: Path) -> None:
    found = probe(sample_predictor, scratch(tmp_path))
    assert (found.schema.label, found.best_model) == ("cost", "WeightedEnsemble_L2_FULL")
    assert {"CatBoost_FULL", "LightGBM_FULL"} <= set(found.models)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import os; os.abort()", "ended by signal 6"),
        ("import os; os._exit(7)", "ended with 7"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise ValueError('two\\nlines')", "does not load: ValueError: two lines"),
        ("import os; os.write(2, b'\\xff\\xfe last words'); os.abort()", "last words"),
    ],
)
def test_what_ends_the_child_is_one_line(hostile: Any, tmp_path: Path, code: str, told: str) -> None:
    with pytest.raises(PredictorNotLoadable) as raised:
        probe(hostile(code), scratch(tmp_path))
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


def test_bytes_that_are_no_text_and_processes_that_stay_do_no_harm(hostile: Any, tmp_path: Path) -> None:
    marker = "3741.25"  # of seconds: nothing else on this machine sleeps so long
    code = f"import os, subprocess; os.write(1, b'\\xff' * 10**6); subprocess.Popen(['sleep', '{marker}'])"
    began = time.monotonic()
    assert probe(hostile(code, then_load=True), scratch(tmp_path)).schema.label == "cost"
    assert time.monotonic() - began < 600
    wait_for(lambda: not processes_of(marker))  # it is killed, and ends when the machine comes to it


def test_the_child_has_an_environment_and_a_folder_of_its_own(
    hostile: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    told = tmp_path / "told"
    code = f"import os; open({str(told)!r}, 'w').write(repr((dict(os.environ), os.getcwd())))"
    child = scratch(tmp_path)
    probe(hostile(code, then_load=True), child)
    variables, folder = eval(told.read_text())
    assert "canary" not in variables.values()
    assert (variables["HOME"], folder) == (str(child), str(child))


def test_modules_of_the_callers_folder_are_not_taken(sample_predictor: Path, tmp_path: Path) -> None:
    (tmp_path / "random.py").write_text("raise RuntimeError('shadowed')")
    done = subprocess.run(
        [sys.executable, str(ROOT / "import_model.py"), str(sample_predictor)],
        cwd=tmp_path,
        env=environment(tmp_path / "home"),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "code",
    [
        "open({folder!r} + '/models/trainer.pkl', 'ab').write(b'x')",
        "open({folder!r} + '/new', 'w')",
        "import os; os.symlink('/etc/passwd', {folder!r} + '/link')",
        "open({folder!r} + '/../beside', 'w')",
    ],
)
def test_a_predictor_that_changes_itself_is_not_stored(hostile: Any, tmp_path: Path, code: str) -> None:
    # The folder is known only where it runs: the staging's copy, found by the file that is being read.
    find = "import sys; folder = sys.argv[1]"
    folder = hostile(f"{find}; exec({code!r}.format(folder=folder))", then_load=True)
    home = tmp_path / "home"
    done = subprocess.run(
        [sys.executable, "import_model.py", str(folder), "--trust", "builtins.eval"],
        cwd=ROOT,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1
    # The guard refuses it; what nothing refuses is seen by what it leaves.
    assert "RefusedError" in done.stderr or "opening it changed its own files" in done.stderr
    assert [*(home / "models").iterdir()] == []
    assert not any("staging" in entry.name for entry in home.iterdir())
