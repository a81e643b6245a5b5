"""The thresholds of a forest's trees, from their nodes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def thresholds_of(
    columns: tuple[int, ...],
    categories: tuple[int, ...],
    nodes: npt.NDArray[np.int64],
    starts: npt.NDArray[np.uint64],
    features: int,
) -> list[tuple[int, npt.NDArray[np.float64]]]:
    """Give, for each slot of numbers, every threshold and the number from which on float32 rounds past it."""
    limits, split = _inner(nodes, starts, features)
    found = []
    for place, slot in enumerate(columns):
        if place in categories:
            continue
        own = np.unique(limits[split == place])
        own = own[np.isfinite(own)]
        with np.errstate(over="ignore"):
            above = np.nextafter(own, np.float32(np.inf)).astype(np.float64)
        halves = own + (above - own) / 2
        found.append((slot, np.unique(np.concatenate([own.astype(np.float64), halves[np.isfinite(halves)]]))))
    return found


def _inner(
    nodes: npt.NDArray[np.int64], starts: npt.NDArray[np.uint64], features: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Give threshold and column of all inner nodes: level by level, as nothing but its parent tells what a node is."""
    limits, words = nodes.view(np.float32)[::2], nodes.view(np.uint32)[1::2]
    first = starts.astype(np.int64)
    level, found, splits = first, [], []
    while level.size:
        word = words[level].astype(np.int64)
        found.append(limits[level])
        splits.append((word >> 2) & ((1 << features) - 1))
        left = first + 2 * (word >> (features + 2))
        inner = [(word >> side) & 1 == 0 for side in (0, 1)]
        level = np.concatenate([left[inner[0]], left[inner[1]] + 1])
        first = np.concatenate([first[side] for side in inner])
    return np.concatenate(found), np.concatenate(splits)
