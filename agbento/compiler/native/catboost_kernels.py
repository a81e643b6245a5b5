"""CatBoost's evaluation of trees, in the layout of ``plan.catboost_program``.

As in CatBoost's CPU evaluator (catboost/libs/model/cpu): values and borders are float32, a split holds where the value
is greater than its border, and the leaves' doubles are added tree by tree.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import types

from agbento.compiler.native.jit import array, kernel, output
from agbento.compiler.plan.catboost_program import CAT, GROUP, PLACES, TEST, WIDTH

_Longs = npt.NDArray[np.int64]
_Ints = npt.NDArray[np.int32]
_Singles = npt.NDArray[np.float32]
_Doubles = npt.NDArray[np.float64]

RAW, SIGMOID, SOFTMAX, EXPONENT = range(4)
# Rows whose values lie together while one tree after the other is applied to them: all rows' of the first value, then
# of the second. Of a single row the values lie one after the other.
_BLOCK = 64

# fmath::expd, which CatBoost computes softmax and Exponent with (contrib/libs/fmath): exp(x) from 2**(i / 2048).
_STEPS = 2048
_POWERS = np.array([2.0 ** (i / _STEPS) for i in range(_STEPS)])
_A = _STEPS / math.log(2.0)
_RA = 1 / _A
_ROUND = float(3 << 51)
_C2, _C3 = 0.16666666685227835064, 3.0000000027955394
_LEAST, _MOST = -708.39641853226408, 709.78271289338397

# Written here again: numba's cache knows by this file alone whether it still holds.
_GROUPS, _CATS, _TESTS, _KEYS = 0, 2, 4, 6
_COLUMNS, _LOOKUPS, _IDS, _LINES, _DEPTHS, _ROOTS, _TESTED, _CHILDREN = 8, 10, 12, 14, 16, 18, 20, 22
_FILLS, _TEST_BORDERS, _BORDERS, _WIDTH = 24, 26, 28, 30
_GROUP, _CAT, _TEST = 7, 3, 2
if list(PLACES.values()) != list(range(0, _WIDTH, 2)) or (GROUP, CAT, TEST, WIDTH) != (_GROUP, _CAT, _TEST, _WIDTH):
    raise ImportError("plan.catboost_program is not what these kernels read")

_LONGS, _INTS, _SINGLES = array(types.int64), array(types.int32), array(types.float32)
_LEAVES, _VALUES, _OUT = array(types.float64), output(types.float32), output(types.float64)


@kernel(types.void(array(types.float64, 2), types.int64, _LONGS, _INTS, _SINGLES, _VALUES, types.int64))
def _fill(
    rows: _Doubles, row: int, longs: _Longs, ints: _Ints, singles: _Singles, values: _Singles, count: int
) -> None:
    """Write the values of ``count`` rows from ``row`` on: those of one value together, ``_BLOCK`` after the last's."""
    # Unsigned throughout: a signed index is looked at for being negative.
    one, stride, at, top = np.uint64(1), np.uint64(1 if count == 1 else _BLOCK), np.uint64(0), np.uint64(row)
    fill = np.uint64(longs[_FILLS])
    for i in range(np.uint64(longs[_COLUMNS]), np.uint64(longs[_COLUMNS + 1])):
        column, instead = np.uint64(ints[i]), singles[fill]
        for k in range(np.uint64(count)):
            value = np.float32(rows[top + k, column])
            values[at + k] = instead if value != value else value
        at += stride
        fill += one
    cat, test, border = np.uint64(longs[_CATS]), np.uint64(longs[_TESTS]), np.uint64(longs[_TEST_BORDERS])
    for g in range(np.uint64(longs[_GROUPS]), np.uint64(longs[_GROUPS + 1]), np.uint64(_GROUP)):
        cats, tests, mask = np.uint64(longs[g]), np.uint64(longs[g + np.uint64(1)]), longs[g + np.uint64(4)]
        ids, keys = np.uint64(longs[g + np.uint64(2)]), np.uint64(longs[g + np.uint64(3)])
        lines, width = np.uint64(longs[g + np.uint64(5)]), np.uint64(longs[g + np.uint64(6)])
        for k in range(np.uint64(count)):
            key = np.int64(0)
            for i in range(cat, cats, np.uint64(_CAT)):
                level = np.uint64(np.int64(rows[top + k, np.uint64(longs[i])]) + longs[i + one])
                key += longs[i + np.uint64(2)] * ints[level]
            limit = border
            for i in range(test, tests, np.uint64(_TEST)):
                key += longs[i + one] * np.int64(values[np.uint64(longs[i]) * stride + k] > singles[limit])
                limit += one
            place = np.uint64(key)
            if mask >= 0:
                place = np.uint64((key ^ (key >> 29)) & mask)
                while ints[ids + place] >= 0 and longs[keys + place] != key:
                    place = (place + one) & np.uint64(mask)
            line = lines + np.uint64(max(ints[ids + place], 0)) * width
            for i in range(width):
                values[at + i * stride + k] = ints[line + i]
        border += (tests - test) // np.uint64(_TEST)
        cat, test, at = cats, tests, at + width * stride


@kernel(types.void(_LONGS, _INTS, _SINGLES, _LEAVES, _VALUES, _OUT))
def _add_one(longs: _Longs, ints: _Ints, singles: _Singles, leaves: _Doubles, values: _Singles, out: _Doubles) -> None:
    """Add symmetric trees for one row."""
    # Unsigned throughout: a signed index is looked at for being negative.
    outputs, one = np.uint64(out.size), np.uint64(1)
    tested, border, leaf = np.uint64(longs[_TESTED]), np.uint64(longs[_BORDERS]), one + outputs
    for tree in range(np.uint64(longs[_DEPTHS]), np.uint64(longs[_DEPTHS + 1])):
        depth, index = np.uint64(ints[tree]), np.uint64(0)
        for split in range(depth):
            index = (index << one) | np.uint64(values[np.uint64(ints[tested + split])] > singles[border + split])
        for i in range(outputs):
            out[i] += leaves[leaf + index * outputs + i]
        tested += depth
        border += depth
        leaf += outputs << depth


@kernel(types.void(_LONGS, _INTS, _SINGLES, _LEAVES, _VALUES, _OUT, types.int64))
def _add_many(
    longs: _Longs, ints: _Ints, singles: _Singles, leaves: _Doubles, values: _Singles, out: _Doubles, count: int
) -> None:
    """Add symmetric trees for ``count`` rows."""
    outputs = out.size // count
    indices = np.empty(_BLOCK, np.uint32)
    tested, border, leaf = longs[_TESTED], longs[_BORDERS], 1 + outputs
    for tree in range(longs[_DEPTHS], longs[_DEPTHS + 1]):
        indices[:] = 0
        for split in range(ints[tree]):
            limit, first = singles[border + split], np.uint64(ints[tested + split]) * np.uint64(_BLOCK)
            for i in range(np.uint64(_BLOCK)):
                indices[i] = (indices[i] << np.uint32(1)) | np.uint32(values[first + i] > limit)
        if outputs == 1:
            for i in range(np.uint64(count)):
                out[i] += leaves[np.uint64(leaf) + np.uint64(indices[i])]
        else:
            for i in range(count):
                for k in range(outputs):
                    out[i * outputs + k] += leaves[leaf + indices[i] * outputs + k]
        tested += ints[tree]
        border += ints[tree]
        leaf += outputs << ints[tree]


@kernel(types.void(_LONGS, _INTS, _SINGLES, _LEAVES, _VALUES, _OUT, types.int64))
def _walk(
    longs: _Longs, ints: _Ints, singles: _Singles, leaves: _Doubles, values: _Singles, out: _Doubles, count: int
) -> None:
    """Add trees that are not symmetric for ``count`` rows."""
    rows, stride = np.uint64(count), np.uint64(1 if count == 1 else _BLOCK)
    outputs, one = np.uint64(out.size // count), np.uint64(1)
    tested, border, children = np.uint64(longs[_TESTED]), np.uint64(longs[_BORDERS]), np.uint64(longs[_CHILDREN])
    depth = np.uint64(longs[_DEPTHS])
    for root in range(np.uint64(longs[_ROOTS]), np.uint64(longs[_ROOTS + 1])):
        for i in range(rows):
            node = np.uint64(ints[root])
            # Always as many steps as the deepest leaf needs: an end that cannot be foreseen costs more than the steps.
            for _ in range(ints[depth]):
                right = values[np.uint64(ints[tested + node]) * stride + i] > singles[border + node]
                node = np.uint64(ints[children + node + node + np.uint64(right)])
            leaf = one + outputs + np.uint64(ints[children + node + node + one]) * outputs
            for k in range(outputs):
                out[i * outputs + k] += leaves[leaf + k]
        depth += one


@kernel(types.float64(types.float64))
def _exp(x: float) -> float:
    """Give exp(x), rounded as fmath does."""
    steps = (x * _A + _ROUND) - _ROUND
    t = steps * _RA - x
    whole = int(steps)
    y = (_C3 - t) * (t * t) * _C2 - t + 1.0
    return y * math.ldexp(_POWERS[whole & (_STEPS - 1)], whole >> 11)


@kernel(types.void(_OUT, types.int64, types.int64))
def _link(out: _Doubles, outputs: int, link: int) -> None:
    """Turn sums into numbers, in place."""
    if link == SIGMOID:
        for i in range(out.size):
            out[i] = 1.0 / (1.0 + math.exp(-out[i]))
    elif link == EXPONENT:
        for i in range(out.size):
            out[i] = _exp(min(out[i], _MOST)) if out[i] > _LEAST else 0.0
    elif link == SOFTMAX:
        for first in range(0, out.size, outputs):
            most, total = out[first], 0.0
            for k in range(first, first + outputs):
                most = max(most, out[k])
            for k in range(first, first + outputs):
                # fmath takes four at a time, for which the least number is exp(_LEAST), and the rest one by one.
                kept = out[k] - most > _LEAST or k < first + outputs // 4 * 4
                out[k] = _exp(max(out[k] - most, _LEAST)) if kept else 0.0
                total += out[k]
            for k in range(first, first + outputs):
                out[k] /= total


@kernel(types.void(array(types.float64, 2), _LONGS, _INTS, _SINGLES, _LEAVES, _OUT, types.int64))
def answer(
    rows: _Doubles, longs: _Longs, ints: _Ints, singles: _Singles, leaves: _Doubles, out: _Doubles, link: int
) -> None:
    """Answer ``rows`` into ``out``, which has the outputs of one row after those of the other."""
    n = rows.shape[0]
    if n == 0:
        return
    outputs = out.size // n
    out[:] = 0.0
    values = np.empty(longs[_WIDTH] * (1 if n == 1 else _BLOCK), np.float32)
    for first in range(0, n, _BLOCK):
        count = min(n - first, _BLOCK)
        _fill(rows, first, longs, ints, singles, values, count)
        some = out[first * outputs : (first + count) * outputs]
        if longs[_ROOTS] < longs[_ROOTS + 1]:
            _walk(longs, ints, singles, leaves, values, some, count)
        elif count == 1:
            _add_one(longs, ints, singles, leaves, values, some)
        else:
            _add_many(longs, ints, singles, leaves, values, some, count)
    for i in range(n):
        for k in range(outputs):
            out[i * outputs + k] = out[i * outputs + k] * leaves[0] + leaves[1 + k]
    _link(out, outputs, link)
