"""XGBoost's trees by a kernel of ours: the same comparisons and additions, in float32, in XGBoost's order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from agbento.compiler.arrays import Array, Arrays
from agbento.compiler.native import xgboost_kernel as kernel
from agbento.compiler.native.contract import Evaluate, Matrix
from agbento.compiler.plan.xgboost import Code, Number, OneHot, XGBoost

_TRANSFORMS = {
    "identity": kernel.IDENTITY,
    "sigmoid": kernel.SIGMOID,
    "exp": kernel.EXP,
    "softmax": kernel.SOFTMAX,
}


def bind(leaf: XGBoost, arrays: Arrays, threads: int) -> Evaluate:  # noqa: ARG001 - a row takes microseconds
    """Give the kernel, bound to the booster's nodes, which stay where they are."""
    nodes, rest = arrays.get(leaf.nodes).reshape(-1), _rest(leaf, arrays)
    outputs, predict = len(leaf.base), kernel.predict

    def one(rows: Matrix, /) -> npt.NDArray[np.float32]:
        out = np.empty(len(rows), np.float32)
        predict(rows, nodes, rest, out)
        return out

    def several(rows: Matrix, /) -> npt.NDArray[np.float32]:
        out = np.empty(len(rows) * outputs, np.float32)
        predict(rows, nodes, rest, out)
        return out.reshape(-1, outputs)

    return one if outputs == 1 else several


def _rest(leaf: XGBoost, arrays: Arrays) -> Array:
    """Give all that is not nodes as one array, laid out as the kernel says: each argument of a call takes time."""
    trees, sets = arrays.get(leaf.trees), arrays.get(leaf.sets)
    inputs = np.zeros((len(leaf.inputs), kernel.INPUT), np.int32)
    tables: list[Array] = []
    start = kernel.HEADER + inputs.size
    for row, entry in zip(inputs, leaf.inputs, strict=True):
        if isinstance(entry, Number):
            row[:] = kernel.NUMBER, entry.left, entry.right
            continue
        table = arrays.get(entry.places if isinstance(entry, OneHot) else entry.codes)
        row[:] = (kernel.CODE, entry.place, start) if isinstance(entry, Code) else (kernel.ONE_HOT, 0, start)
        tables.append(table)
        start += table.size
    bases = start
    sets_at = bases + len(leaf.base)
    trees_at = sets_at + sets.size
    header = np.zeros(kernel.HEADER, np.int32)
    header[kernel.PLACES], header[kernel.SHIFT] = leaf.places, leaf.shift
    header[kernel.ZERO_IS_MISSING], header[kernel.TRANSFORM] = leaf.zero_is_missing, _TRANSFORMS[leaf.transform]
    header[kernel.BASES], header[kernel.OUTPUTS] = bases, len(leaf.base)
    header[kernel.SETS], header[kernel.TREES], header[kernel.TREE_COUNT] = sets_at, trees_at, len(trees)
    base = np.array(leaf.base, np.float32).view(np.int32)
    rest = np.concatenate([header, inputs.reshape(-1), *tables, base, sets, trees.reshape(-1)], dtype=np.int32)
    rest.flags.writeable = False
    return rest


def thresholds(leaf: XGBoost, arrays: Arrays) -> list[tuple[int, npt.NDArray[np.float64]]]:
    """Give the numbers at which a number column changes something: the nodes', and 0 where that is missing."""
    numbers, packed = arrays.get(leaf.nodes).T
    place = packed & ((1 << leaf.shift) - 1)
    found = []
    for slot, entry in zip(leaf.columns, leaf.inputs, strict=True):
        if isinstance(entry, Number):
            own = np.isin(place, [p for p in (entry.left, entry.right) if p]) & (packed > 0)
            values = ordered_bits(numbers[own]).view(np.float32).astype(np.float64)
            found.append((slot, np.unique(np.append(values, 0.0) if leaf.zero_is_missing else values)))
    return found


def ordered_bits(bits: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Turn the bits of float32 into int32 of the same order, or back; -0.0 is no number here."""
    return np.where(bits < 0, bits ^ np.int32(0x7FFFFFFF), bits)
