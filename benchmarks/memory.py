"""Private memory of two workers that serve the stack, against two that hold no model.

Private is what a process has for itself: Private_Clean and Private_Dirty of /proc/<pid>/smaps_rollup. The hollow
workers import every module that a worker of the product had imported after that load (`witness` tells), in that order.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from agbento.compiler import CompiledPredictor
from benchmarks import models, servers
from benchmarks.http import best_generator, bodies
from benchmarks.models import STACK
from benchmarks.options import Options
from benchmarks.progress import say
from benchmarks.results import Memory
from benchmarks.servers import Server
from sample.child import Child

WORKERS = 2
CONNECTIONS = 32
SECONDS = 8.0
PATIENCE_SECONDS = 20.0
# Modules that are the program itself, or start something.
_NOT_IMPORTED = ("__main__", "__mp_main__", "service", "sitecustomize")
WITNESS = Path(__file__).with_name("witness")


@dataclass(frozen=True)
class Worker:
    """What one worker has for itself, in bytes, and the shared libraries that it has mapped."""

    private: int
    libraries: frozenset[str]


def measure(options: Options) -> Memory:
    """Measure both services, one after the other, under the same load."""
    recipe, *_ = options.of(STACK)
    home, tag = models.imported(recipe)
    arrays = CompiledPredictor.load(models.compiled(recipe)).arrays.nbytes
    seconds = 2.0 if options.quick else SECONDS
    with tempfile.TemporaryDirectory(prefix="agbento-bench-") as scratch:
        modules = Path(scratch) / "modules"
        witness = {"WITNESS_FOLDER": scratch, "PYTHONPATH": f"{WITNESS}:{models.ROOT}"}
        product = _workers(servers.service(WORKERS, home, tag, witness), Path(scratch), seconds, modules)
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        hollow = _workers(servers.hollow(WORKERS, Path(scratch) / "home", modules, threads), Path(scratch), seconds)
        count = len(modules.read_text("utf-8").splitlines())
    ours, theirs = (frozenset.union(*(worker.libraries for worker in workers)) for workers in (product, hollow))
    return Memory(
        tuple(worker.private for worker in product),
        tuple(worker.private for worker in hollow),
        arrays,
        count,
        tuple(sorted(theirs - ours)),
    )


def private_bytes(pid: int) -> int:
    """Give the bytes that process ``pid`` has for itself."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8").splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("Private_Clean:", "Private_Dirty:")))


def imported_modules(pid: int, folder: Path) -> list[str]:
    """Ask process ``pid``, which runs with the witness, for its modules; raises ValueError where it does not tell."""
    told = folder / str(pid)
    os.kill(pid, signal.SIGUSR2)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not told.exists():
        if time.monotonic() > deadline:
            raise ValueError(f"process {pid} did not tell what it imported")
        time.sleep(0.05)
    return [name for name in told.read_text("utf-8").splitlines() if name not in _NOT_IMPORTED]


def _workers(server: Server, scratch: Path, seconds: float, modules: Path | None = None) -> list[Worker]:
    """Load a service and look at its workers; into ``modules`` goes what they have imported."""
    say(f"memory: {server.title}")
    with server.start(scratch) as running:
        best_generator()(server.port, bodies(), CONNECTIONS, seconds)
        pids = _process_ids(running)
        found = [Worker(private_bytes(pid), _libraries(pid)) for pid in pids]
        if modules is not None:
            told = [imported_modules(pid, scratch) for pid in pids]
            told.sort(key=len)
            modules.write_text("\n".join(told[-1]), "utf-8")
    return found


def _process_ids(service: Child) -> list[int]:
    children = psutil.Process(service.pid).children()
    found = [child.pid for child in children if "_bentoml_impl.worker.service" in " ".join(child.cmdline())]
    if len(found) != WORKERS:
        raise ValueError(f"{len(found)} workers, expected {WORKERS}")
    return sorted(found)


def _libraries(pid: int) -> frozenset[str]:
    lines = Path(f"/proc/{pid}/maps").read_text("utf-8").splitlines()
    return frozenset(line.split()[-1] for line in lines if ".so" in line)
