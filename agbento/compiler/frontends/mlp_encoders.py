"""AutoGluon's encoders of categories for networks → where each level goes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from agbento.compiler.errors import NotNative
from agbento.compiler.plan.slots import Slot

Codes = npt.NDArray[np.int32]

_EXACT = 2.0**53  # whole numbers up to here are the same in float64


def one_hot_width(encoder: Any, index: int) -> int:
    """Give how many inputs a one-hot encoder's column has."""
    rare = len(encoder.infrequent_indices_[index])
    return len(encoder.categories_[index]) - rare + (rare > 0)


def one_hot_places(encoder: Any, index: int, slot: Slot) -> tuple[Codes, tuple[float, ...] | None]:
    """Give ``places`` and ``numbers`` as in the plan's ``OneHot``.

    Raises:
        NotNative: options that AutoGluon does not use, or numbers that float64 cannot hold.
    """
    if encoder.drop is not None or encoder.handle_unknown != "ignore":
        raise NotNative("a one-hot encoder that drops levels or refuses unknown ones")
    places = _merged(encoder, index)
    if slot.is_category:
        return _by_level(encoder.categories_[index], places, slot, unknown=-1), None
    known = np.asarray(encoder.categories_[index])
    if len(known) > 3 or np.any(np.abs(known.astype(np.float64)) > _EXACT):
        raise NotNative(f"{slot.name}: a one-hot encoder of numbers too many or too large")
    # NaN is no number that anything equals: its place, if it has one, stays 0.
    finite = ~np.isnan(known.astype(np.float64))
    return places[finite], tuple(float(number) for number in known[finite])


def ordinal_rows(encoder: Any, index: int, slot: Slot) -> Codes:
    """Give the number of each level, from position -1 on."""
    if not slot.is_category:
        raise NotNative(f"{slot.name}: an embedding of what is no category")
    unknown = int(encoder.categories_unknown_level_[index])
    return _by_level(encoder.categories_[index], _merged(encoder, index), slot, unknown)


def _merged(encoder: Any, index: int) -> Codes:
    """Give each known level's number: rare ones share the last."""
    count, rare = len(encoder.categories_[index]), np.asarray(encoder.infrequent_indices_[index], np.intp)
    frequent = np.ones(count, bool)
    frequent[rare] = False
    numbers: Codes = np.where(frequent, np.cumsum(frequent) - 1, np.count_nonzero(frequent)).astype(np.int32)
    return numbers


def _by_level(known: Any, numbers: Codes, slot: Slot, unknown: int) -> Codes:
    """Give the number of each position of a level, -1 first; the positions are the pandas codes that were encoded."""
    of = {float(code): int(number) for code, number in zip(known, numbers, strict=True)}
    return np.array([of.get(float(code), unknown) for code in range(-1, len(slot.levels or ()))], np.int32)
