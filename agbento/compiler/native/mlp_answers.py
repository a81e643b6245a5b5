"""A fastai network's numbers → answers: bounded, and rising from quantile to quantile."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import types

from agbento.compiler.native.jit import array, kernel, output


@kernel(types.boolean(array(types.float32, 2), types.boolean, types.float64, types.float64,
                      output(types.float64, 2)))  # fmt: skip
def settle(numbers: Any, rising: bool, lower: float, upper: float, out: Any) -> bool:
    """Bound each number, and make rows rise where ``rising``; tells whether the numbers are such that this can be done.

    Isotonic regression by pooling neighbours that fall: https://en.wikipedia.org/wiki/Isotonic_regression.
    """
    rows, outs = numbers.shape
    means, counts = np.empty(outs), np.empty(outs, np.int64)
    for row in range(rows):
        pools = 0
        for j in range(outs):
            mean, count = float(numbers[row, j]), 1
            if rising and not math.isfinite(mean):
                return False
            while rising and pools and means[pools - 1] > mean:
                pools -= 1
                mean = (means[pools] * counts[pools] + mean * count) / (counts[pools] + count)
                count += counts[pools]
            means[pools], counts[pools] = mean, count
            pools += 1
        at = 0
        for pool in range(pools):
            mean = means[pool]
            if mean < lower:
                mean = lower
            elif mean > upper:
                mean = upper
            for _ in range(counts[pool]):
                out[row, at] = mean
                at += 1
    return True
