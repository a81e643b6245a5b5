"""Rows in slices, over threads: kernels let go of Python's lock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy.typing as npt

from agbento.compiler.native.contract import Matrix

Fill = Callable[[Matrix, npt.NDArray[Any]], None]

# Fewer rows a slice cost more to hand over than another thread saves; more do not stay in the caches, tree after tree.
_FEW, _MANY = 32, 4096


def sliced(fill: Fill, threads: int) -> Fill:
    """Give ``fill(rows, out)``, with slices of rows in ``threads`` threads where there are enough rows.

    ``out`` has as many numbers for each row, one row after another.
    """

    def run(rows: Matrix, out: npt.NDArray[Any]) -> None:
        n = len(rows)
        parts = max(min(threads, n // _FEW), -(-n // _MANY))
        if parts < 2:
            fill(rows, out)
            return
        width = len(out) // n
        ends = [n * part // parts for part in range(parts + 1)]
        slices = [(rows[a:b], out[a * width : b * width]) for a, b in pairwise(ends)]
        if threads < 2:
            for part in slices:
                fill(*part)
            return
        done = [_pool(threads).submit(fill, *part) for part in slices]
        wait(done)
        for future in done:
            future.result()

    return run


@lru_cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "forest")
