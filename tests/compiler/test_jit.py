"""Kernels: compiled for the types that they are called with, with a cache or without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.running import ROOT

CODE = """
import numpy as np
from numba import types
from agbento.compiler.native.jit import array, kernel, output

@kernel(types.void(array(types.float64), output(types.float64)))
def double(given, out):
    for i in range(len(given)):
        out[i] = 2 * given[i]

given = np.arange(4.0)
given.flags.writeable = False
out = np.zeros(4)
double(given, out)
print(out.tolist())
"""


def run(folder: Path, cache: Path) -> str:
    """Run a program with a kernel, its source and numba's cache in these folders."""
    (folder / "program.py").write_text(CODE)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(cache), "HOME": "/proc/nowhere"}
    environment |= {"XDG_CACHE_HOME": "/proc/nowhere"}
    command = [sys.executable, "-W", "error", str(folder / "program.py")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def test_the_cache_is_used(tmp_path: Path) -> None:
    assert run(tmp_path, tmp_path / "cache") == "[0.0, 2.0, 4.0, 6.0]\n"
    assert list((tmp_path / "cache").rglob("*.nbi"))


def test_nowhere_to_cache(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").write_text("no folder")
    assert run(tmp_path, Path("/proc/nowhere")) == "[0.0, 2.0, 4.0, 6.0]\n"
    assert not list(tmp_path.rglob("*.nbi"))
