"""On what it is measured, and with which versions."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

PACKAGES = (
    *("autogluon.tabular", "lightgbm", "catboost", "scikit-learn", "numpy", "pandas", "numba"),
    *("bentoml", "uvicorn", "uvloop", "httptools", "flask", "gunicorn", "litserve"),
)


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine() -> str:
    """Name processor, cores, memory, kernel and Python."""
    models = _values("/proc/cpuinfo", "model name")
    memory = _values("/proc/meminfo", "MemTotal")
    processor = models[0] if models else platform.processor()
    gibibytes = f"{int(memory[0].split()[0]) / 2**20:.0f} GiB, " if memory else ""
    return f"{cores()} cores ({processor}), {gibibytes}{platform.system()}, Python {platform.python_version()}"


def versions() -> str:
    """Name the versions of what is measured and of what it is measured against."""
    return ", ".join(f"{name} {version(name)}" for name in PACKAGES)


def generator() -> str:
    """Name what makes the requests."""
    found = shutil.which("wrk")
    if found is None:
        return "the load generator of benchmarks/load.py"
    told = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
    return " ".join((told.stdout or told.stderr).split()[:2])


def _values(file: str, name: str) -> list[str]:
    try:
        lines = Path(file).read_text("utf-8").splitlines()
    except OSError:
        return []
    return [line.split(":", 1)[1].strip() for line in lines if line.startswith(name)]
