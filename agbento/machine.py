"""What this process may use of the machine: cores and memory, as cgroup and affinity allow."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

# What OpenMP and the BLAS libraries read when they are loaded, so it must be set before.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# Seen as RSS after a first answer: 233 MB of a process with all libraries and no model, and 1.5 x their folder for
# forests of 624 MB on disk; rounded up for what loading takes meanwhile.
WORKER_BYTES = 300 * 1024**2
MODEL_FACTOR = 2.0

_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def cores() -> int:
    """Count the cores that affinity and the cgroup's CPU quota allow, at least 1."""
    from joblib.externals.loky import cpu_count

    return max(1, int(cpu_count()))


def memory_bytes() -> int:
    """Give the memory limit in bytes: the cgroup's where there is one, else the machine's."""
    limits = [psutil.virtual_memory().total]
    for path in _CGROUP_LIMITS:
        try:
            limits.append(int(Path(path).read_text("ascii")))
        except (OSError, ValueError):  # no such cgroup version here, or "max": no limit
            continue
    return min(limits)


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
