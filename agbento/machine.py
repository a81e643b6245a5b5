"""What this process may use of the machine: cores and memory, as cgroup and affinity allow."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import psutil

# What OpenMP and the BLAS libraries read when they are loaded, so it must be set before.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# Seen as RSS after a first answer: 233 MB of a process with all libraries and no model, and 1.5 x their folder for
# forests of 624 MB on disk; rounded up for what loading takes meanwhile.
WORKER_BYTES = 300 * 1024**2
MODEL_FACTOR = 2.0

_V2, _V1 = "/sys/fs/cgroup/memory", "/sys/fs/cgroup/memory/memory"
# Of each version: its limit, what is used, what that is made of, and the part of it that can be had back.
_CGROUPS = (
    (f"{_V2}.max", f"{_V2}.current", f"{_V2}.stat", "inactive_file"),
    (f"{_V1}.limit_in_bytes", f"{_V1}.usage_in_bytes", f"{_V1}.stat", "total_inactive_file"),
)


def cores() -> int:
    """Count the cores that affinity and the cgroup's CPU quota allow, at least 1."""
    from joblib.externals.loky import cpu_count

    return max(1, int(cpu_count()))


def memory_bytes() -> int:
    """Give the memory limit in bytes: the cgroup's where there is one, else the machine's."""
    limits = [psutil.virtual_memory().total]
    for path, *_ in _CGROUPS:
        try:
            limits.append(int(Path(path).read_text("ascii")))
        except (OSError, ValueError):  # no such cgroup version here, or "max": no limit
            continue
    return min(limits)


def process_memory_bytes(pid: int | None = None) -> int:
    """Give a process's memory in bytes (None: this one's): its proportional set size, so that shared parts add up once.

    Raises psutil.Error where it is gone.
    """
    try:
        rollup = Path(f"/proc/{pid or 'self'}/smaps_rollup").read_text("ascii")
        return next(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
    except (OSError, StopIteration):  # another system, or an older kernel
        return int(psutil.Process(pid).memory_info().rss)


def used_memory_bytes() -> int:
    """Give what counts against `memory_bytes`: the cgroup's memory, but for the files that the kernel may forget.

    Where no cgroup has a limit: the memory of the process that started this one, and of all that it started.
    """
    for limit, current, stat, forgettable in _CGROUPS:
        try:
            int(Path(limit).read_text("ascii"))
            counts = dict(line.split() for line in Path(stat).read_text("ascii").splitlines())
            return max(0, int(Path(current).read_text("ascii")) - int(counts[forgettable]))
        except (OSError, ValueError, KeyError):  # no such cgroup version here, or no limit
            continue
    used = 0
    parent = psutil.Process().parent()
    for process in [parent, *parent.children(recursive=True)] if parent else [psutil.Process()]:
        with contextlib.suppress(psutil.Error):
            used += process_memory_bytes(process.pid)
    return used


def worker_count(wanted: int | None, model_bytes: int) -> tuple[int, str]:
    """Decide how many workers to start, and say why in half a line.

    Unless told, as many as cores, fewer where that many models of ``model_bytes`` on disk would not fit the memory.
    """
    if wanted is not None:
        return wanted, "SERVICE_WORKERS"
    fit = int(memory_bytes() // (WORKER_BYTES + MODEL_FACTOR * model_bytes))
    if fit < (available := cores()):
        return max(1, fit), f"{available} cores, and memory for {fit}"
    return available, f"{available} cores"


def threads_per_worker(workers: int) -> int:
    """Give the threads that a worker's models may use, so that all together use the cores and no more."""
    return max(1, cores() // workers)


def thread_environment(threads: int) -> dict[str, str]:
    """Give the variables that bound the threads of native libraries, where nobody has set them otherwise."""
    return {name: str(threads) for name in THREAD_VARIABLES if name not in os.environ}
