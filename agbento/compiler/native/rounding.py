"""Whole numbers beyond 2**53 as float64, such that models that take float32 see what AutoGluon gives them.

AutoGluon casts int64 to float32 at once. Rounded to float64 first and to float32 then, a number next to the midpoint of
two float32 may go the other way; where float64 has fallen on such a midpoint, it steps back towards the number.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

_LOW, _MIDPOINT = 0x1FFFFFFF, 0x10000000  # of float64's bits: those that float32 has not, and half a unit of its last


def double_of(number: int) -> float:
    """Give an int of int64 as float64."""
    near = float(number)
    whole = int(near)
    if whole == number:
        return near
    last = whole.bit_length() - 24  # of float32's last bit
    if abs(whole) & ((1 << last) - 1) != 1 << (last - 1):
        return near
    return math.nextafter(near, math.inf if number > whole else -math.inf)


def doubles_of(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Give int64 of any shape as float64."""
    near = numbers.astype(np.float64)
    odd = (near.view(np.int64) & _LOW) == _MIDPOINT
    if odd.any():
        whole = near[odd].astype(np.int64)
        given = numbers[odd]
        stepped = np.nextafter(near[odd], np.where(given > whole, np.inf, -np.inf))
        near[odd] = np.where(given == whole, near[odd], stepped)
    return near
