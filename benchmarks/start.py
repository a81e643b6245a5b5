"""From the files of the stack to its first answer: the compiled predictor's, and AutoGluon's with its models persisted.

Each process opens and answers twice, and the second time counts: by then all modules are imported, and the files are in
the page cache.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import models
from benchmarks.models import STACK
from benchmarks.options import Options
from benchmarks.results import ROOT, Start
from sample.rows import rows

PROCESSES = 3


def measure(options: Options) -> Start:
    """Measure both, in processes that take turns."""
    recipe, *_ = options.of(STACK)
    places = {"compiled": models.compiled(recipe), "stock": models.trained(recipe)}
    taken: dict[str, list[float]] = {kind: [] for kind in places}
    for _ in range(1 if options.quick else PROCESSES):
        for kind, place in places.items():
            command = [sys.executable, "-m", "benchmarks.start", kind, str(place)]
            done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
            taken[kind].append(float(done.stdout.splitlines()[-1]))
    return Start(tuple(taken["compiled"]), tuple(taken["stock"]))


def first_answer(kind: str, folder: Path) -> float:
    """Give the seconds that opening ``folder`` and answering one row take."""
    frame = rows(1, seed=1)
    row: dict[Any, Any] = frame.to_dict("records")[0]
    gc.collect()
    began = time.perf_counter()
    if kind == "compiled":
        from agbento.compiler import CompiledPredictor

        CompiledPredictor.load(folder).predict(row)
    else:
        from autogluon.tabular import TabularPredictor

        predictor = TabularPredictor.load(str(folder), verbosity=0)
        predictor.persist(max_memory=None)
        predictor.predict(frame)
    return time.perf_counter() - began


if __name__ == "__main__":
    first_answer(sys.argv[1], Path(sys.argv[2]))
    print(first_answer(sys.argv[1], Path(sys.argv[2])))
