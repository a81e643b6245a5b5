"""The files in which worker processes keep their metrics, and what becomes of those of the dead."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

import psutil

# Of each process: what it shows while it lives, or beside that of every other.
_LIVE_FILE = re.compile(r"gauge_(?:live\w*|all)_(?P<pid>\d+)\.db")


def forget_dead_workers(folder: Path) -> None:
    """Remove the live gauges of processes that are gone: what a killed worker had in flight, it has no more.

    Counters and histograms stay, so that sums go on. prometheus_client leaves this to the server; BentoML's does not.
    """
    for file in folder.glob("gauge_*.db"):
        match = _LIVE_FILE.fullmatch(file.name)
        if match and not _is_running(int(match["pid"])):
            with contextlib.suppress(FileNotFoundError):  # another worker was scraped at the same time
                file.unlink()


def multiprocess_folder() -> Path | None:
    """Give the folder of the metric files, or None where the process keeps its metrics to itself."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(folder) if folder else None


def _is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
