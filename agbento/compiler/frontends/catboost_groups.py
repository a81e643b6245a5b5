"""Combinations of categories and tests → how to find a combination's line of small integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agbento.compiler.arrays import Array
from agbento.compiler.errors import NotNative
from agbento.compiler.frontends.catboost_hashes import weights
from agbento.compiler.plan.catboost_program import mixed

Keys = npt.NDArray[np.int64]
_Bins = npt.NDArray[np.uint8]

# All combinations are listed where they are so few, or so few for one that was seen.
_LISTED, _LISTED_FOR_SEEN = 1024, 4


@dataclass(frozen=True)
class Element:
    """A category in a combination, at its ``place`` there: a number for a missing one, then for each level."""

    place: int
    column: int
    numbers: Keys


@dataclass(frozen=True)
class Test:
    """A test of a value in a combination, at its ``place`` there: 1 where it is above ``border``, else 0."""

    place: int
    value: int
    border: float


@dataclass(frozen=True)
class Lines:
    """Lines of integers by the hash of a combination, each hash once; shapes (n,) and (n, values), and (values,)."""

    hashes: Keys
    bins: _Bins
    default: _Bins


@dataclass(frozen=True)
class Group:
    """A combination, as ``catboost_program`` has it: ``keys`` is None where the key itself is the place."""

    cats: list[tuple[int, Keys, int]]
    tests: list[tuple[int, float, int]]
    ids: Array
    keys: Keys | None
    lines: _Bins


def group_of(elements: list[Element], tests: list[Test], lines: Lines) -> Group:
    """Give the group of a combination: all that can be listed, where they are few, or a table of hashes."""
    ids, unique = _numbered(lines)
    factors = weights(len(elements) + len(tests))
    found = [np.unique(element.numbers, return_inverse=True) for element in elements]
    sizes = [len(numbers) for numbers, _ in found] + [2] * len(tests)
    if np.prod(sizes, dtype=np.float64) > max(_LISTED, _LISTED_FOR_SEEN * len(lines.hashes)):
        keys, places = _table(lines.hashes[ids > 0], ids[ids > 0])
        return Group(
            [(element.column, element.numbers, factors[element.place]) for element in elements],
            [(test.value, test.border, factors[test.place]) for test in tests],
            places,
            keys,
            unique,
        )
    options = [(numbers, factors[element.place]) for (numbers, _), element in zip(found, elements, strict=True)]
    options += [(np.array([0, 1], np.int64), factors[test.place]) for test in tests]
    steps = [int(np.prod(sizes[:i], dtype=np.int64)) for i in range(len(sizes))]
    return Group(
        [(e.column, digits, step) for e, (_, digits), step in zip(elements, found, steps, strict=False)],
        [(test.value, test.border, step) for test, step in zip(tests, steps[len(elements) :], strict=True)],
        _looked_up(_hashes(options), lines.hashes, ids),
        None,
        unique,
    )


def joined(groups: list[Group]) -> dict[str, Array]:
    """Give the parts of the program that all groups share."""
    parts: dict[str, list[Array]] = {
        name: [np.empty(0, np.int64)]
        for name in ("groups", "cats", "tests", "keys", "lookups", "ids", "lines", "test_borders")
    }
    sizes = dict.fromkeys(parts, 0)
    lookups: dict[bytes, int] = {}

    def add(name: str, array: Array) -> int:
        parts[name].append(array.ravel())
        sizes[name] += array.size
        return sizes[name] - array.size

    for group in groups:
        for column, numbers, weight in group.cats:
            if numbers.tobytes() not in lookups:
                lookups[numbers.tobytes()] = add("lookups", numbers)
            add("cats", np.array([column, lookups[numbers.tobytes()], weight]))
        for value, border, weight in group.tests:
            add("tests", np.array([value, weight]))
            add("test_borders", np.array([border]))
        keys = np.empty(0, np.int64) if group.keys is None else group.keys
        add(
            "groups",
            _entry(
                group,
                sizes["cats"],
                sizes["tests"],
                add("ids", group.ids),
                add("keys", keys),
                add("lines", group.lines),
            ),
        )
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}


def _entry(group: Group, cats: int, tests: int, ids: int, keys: int, lines: int) -> Array:
    mask = -1 if group.keys is None else len(group.keys) - 1
    return np.array([cats, tests, ids, keys, mask, lines, group.lines.shape[1]])


def _numbered(lines: Lines) -> tuple[Array, _Bins]:
    """Give which of the different lines each hash has, and these; the first is that of hashes that are not known."""
    unique, numbers = np.unique(np.vstack([lines.default, lines.bins]), axis=0, return_inverse=True)
    numbers = numbers.reshape(-1)
    first = numbers[0]
    order = np.r_[first, np.delete(np.arange(len(unique)), first)]
    return np.argsort(order)[numbers[1:]], unique[order]


def _hashes(options: list[tuple[Keys, int]]) -> Keys:
    """Give the hashes of all combinations, the first element's choice changing fastest."""
    found: Keys = np.zeros(1, np.int64)
    for numbers, factor in options:
        found = (found[None, :] + (numbers * np.array(factor))[:, None]).ravel()
    return found


def _looked_up(wanted: Keys, hashes: Keys, ids: Array) -> Array:
    """Give the number of the line of each of ``wanted``, 0 where it is not among ``hashes``."""
    if not len(hashes):
        return np.zeros(len(wanted), np.int32)
    order = np.argsort(hashes)
    at = order[np.minimum(np.searchsorted(hashes, wanted, sorter=order), len(hashes) - 1)]
    return np.where(hashes[at] == wanted, ids[at], 0)


def _table(hashes: Keys, ids: Array) -> tuple[Keys, Array]:
    """Give an open-addressing table, at most half full: keys and lines by place; -1 is a free place."""
    size = 1 << max(2 * len(hashes), 1).bit_length()
    keys, places = np.zeros(size, np.int64), np.full(size, -1, np.int32)
    waiting = np.arange(len(hashes))
    at = mixed(hashes) & (size - 1)
    while len(waiting):
        # Of all that want one free place the first gets it; what finds its place taken goes on to the next.
        wanted, first = np.unique(at[waiting], return_index=True)
        first = first[places[wanted] < 0]
        taken = waiting[first]
        keys[at[taken]], places[at[taken]] = hashes[taken], ids[taken]
        waiting = np.delete(waiting, first)
        at[waiting] = (at[waiting] + 1) & (size - 1)
    if size > 1 << 31:
        raise NotNative(f"CatBoost with {len(hashes)} combinations of one kind")
    return keys, places
