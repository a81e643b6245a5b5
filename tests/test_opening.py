from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agbento.permit import Permit
from tests.running import ROOT, environment

# torch names the place of a tensor when it is saved: here a GPU that is not there.
SAVE = """
import pickle, sys, torch
torch.serialization.location_tag = lambda storage: "cuda:0"
tensor = torch.arange(6.0).reshape(2, 3)
torch.save({"weights": tensor}, "model.pt")
with open("model.pkl", "wb") as file:
    pickle.dump({"weights": tensor}, file)
"""
LOAD = """
import pickle, sys, torch
from pathlib import Path
from agbento.opening import guarded, prepare
def tried(load):
    try:
        return load()["weights"].device.type
    except RuntimeError as error:
        return type(error).__name__
loads = (lambda: torch.load("model.pt"), lambda: pickle.load(open("model.pkl", "rb")))
print(*map(tried, loads))
prepare(Path.cwd())
print(*map(tried, loads))
"""


@pytest.mark.slow
def test_tensors_of_a_gpu_come_to_the_cpu(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    for program in (SAVE, LOAD):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program],
            cwd=tmp_path,
            env={**environment(tmp_path), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        Permit(devices=("cpu", "cuda:0")).save(tmp_path)
    assert done.stdout.splitlines() == ["RuntimeError RuntimeError", "cpu cpu"]
