"""Many threads at once are answered as one would be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest

from agbento.compiler import CompiledPredictor, compile_predictor
from sample.rows import rows

pytestmark = pytest.mark.slow

THREADS = 64


def test_64_threads(sample_predictor: Path, tmp_path: Path) -> None:
    compile_predictor(sample_predictor).save(tmp_path / "compiled")
    compiled = CompiledPredictor.load(tmp_path / "compiled", threads=2)
    frame = rows(640, 11).drop(columns=["id", "cost"])
    expected, records = compiled.predict(frame), frame.to_dict(orient="records")
    together = Barrier(THREADS)

    def ask(start: int) -> bool:
        together.wait()
        for _ in range(3):
            ones = [compiled.predict(record)[0] for record in records[start::THREADS]]
            if ones != expected[start::THREADS].tolist():
                return False
        return np.array_equal(compiled.predict(frame), expected)

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(pool.map(ask, range(THREADS)))
