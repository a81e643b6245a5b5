"""LightGBM's trees by a kernel of ours; what is rare (linear trees, …) by its own library's C interface.

The library's single-row fast path (https://lightgbm.readthedocs.io/en/stable/C-API.html) is as fast for one row again
and again, but not for rows that vary, where the processor foresees its branches wrongly; the kernel has none.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from agbento.compiler.arrays import Arrays
from agbento.compiler.native import lightgbm_kernel as kernel
from agbento.compiler.native.contract import Evaluate, Matrix
from agbento.compiler.native.lightgbm_layout import CATEGORY
from agbento.compiler.plan.lightgbm import LightGBM, Trees

_FLOAT64 = 1  # C_API_DTYPE_FLOAT64
_NORMAL = 0  # C_API_PREDICT_NORMAL
_ROW_MAJOR = 1

_TRANSFORMS = {
    "identity": kernel.IDENTITY,
    "square": kernel.SQUARE,
    "exp": kernel.EXP,
    "sigmoid": kernel.SIGMOID,
    "softmax": kernel.SOFTMAX,
}


class Walker:
    """The kernel, bound to one booster's trees, which stay where they are."""

    def __init__(self, trees: Trees, arrays: Arrays) -> None:
        inputs, sets, order = (arrays.get(name).reshape(-1) for name in (trees.inputs, trees.sets, trees.trees))
        held, leaves = arrays.get(trees.thresholds), arrays.get(trees.leaves)
        # Each argument of a call takes time: few arrays, of what is small.
        self._ints = np.concatenate([inputs, sets, order])
        self._numbers = np.concatenate([[trees.scale], held, leaves])
        places = np.cumsum([0, inputs.size, sets.size])
        header = [trees.places, trees.shift, trees.outputs, _TRANSFORMS[trees.transform], *places, 1 + held.size]
        self._header = np.array(header, np.int32)
        self._nodes, self._outputs = arrays.get(trees.nodes).reshape(-1), trees.outputs

    def predict(self, rows: Matrix) -> npt.NDArray[np.float64]:
        """Give shape (n,), or (n, outputs)."""
        out = np.zeros(len(rows) * self._outputs)
        kernel.predict(rows, self._header, self._ints, self._numbers, self._nodes, out)
        return out if self._outputs == 1 else out.reshape(-1, self._outputs)


@lru_cache
def _library(keeps_lock: bool) -> Any:
    """Load the library that the lightgbm package brings; ``keeps_lock``: calls keep Python's lock."""
    from lightgbm.libpath import _find_lib_path

    return (ctypes.PyDLL if keeps_lock else ctypes.CDLL)(_find_lib_path()[0])


class Booster:
    """LightGBM's library, with one booster."""

    def __init__(self, text: bytes, columns: int, outputs: int, threads: int) -> None:
        self._quick, self._free = _library(True), _library(False)
        self._quick.LGBM_GetLastError.restype = ctypes.c_char_p
        self._columns, self.outputs, self._threads = columns, outputs, threads
        self._handle, iterations = ctypes.c_void_p(), ctypes.c_int()
        self._call(
            self._quick.LGBM_BoosterLoadModelFromString(text, ctypes.byref(iterations), ctypes.byref(self._handle))
        )
        self._parameters = f"num_threads={threads} predict_disable_shape_check=true".encode()
        self._fast = ctypes.c_void_p()
        self._call(
            self._quick.LGBM_BoosterPredictForMatSingleRowFastInit(
                self._handle, _NORMAL, 0, -1, _FLOAT64, columns, b"num_threads=1", ctypes.byref(self._fast)
            )
        )
        self._one = self._quick.LGBM_BoosterPredictForMatSingleRowFast
        self._one.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
        self._length = ctypes.c_int64()
        self._length_at = ctypes.addressof(self._length)

    def predict(self, rows: Matrix) -> npt.NDArray[np.float64]:
        """Give shape (n,), or (n, outputs)."""
        out = np.empty((len(rows), self.outputs))
        if len(rows) == 1:
            # One call at a time uses the booster's own buffers: this one keeps Python's lock.
            if self._one(self._fast, rows.ctypes.data, self._length_at, out.ctypes.data):
                raise RuntimeError(self._error())
            return out if self.outputs > 1 else out[:, 0]
        length = ctypes.c_int64()
        self._call(
            self._free.LGBM_BoosterPredictForMat(
                self._handle,
                ctypes.c_void_p(rows.ctypes.data),
                _FLOAT64,
                ctypes.c_int32(len(rows)),
                ctypes.c_int32(self._columns),
                _ROW_MAJOR,
                _NORMAL,
                0,
                -1,
                self._parameters,
                ctypes.byref(length),
                ctypes.c_void_p(out.ctypes.data),
            )
        )
        return out if self.outputs > 1 else out[:, 0]

    def __del__(self) -> None:
        if getattr(self, "_fast", None):
            self._quick.LGBM_FastConfigFree(self._fast)
        if getattr(self, "_handle", None):
            self._quick.LGBM_BoosterFree(self._handle)

    def _call(self, failed: int) -> None:
        if failed:
            raise RuntimeError(self._error())

    def _error(self) -> str:
        return f"LightGBM: {self._quick.LGBM_GetLastError().decode(errors='replace')}"


def bind(leaf: LightGBM, arrays: Arrays, threads: int) -> Evaluate:
    """Bind the kernel to the boosters' trees, or load them into LightGBM's library."""
    boosters: list[Any]
    if leaf.texts:
        boosters = [Booster(arrays.get_bytes(text), len(leaf.columns), leaf.outputs, threads) for text in leaf.texts]
    else:
        boosters = [Walker(trees, arrays) for trees in leaf.trees]
    predict = boosters[0].predict
    tables = [(i, arrays.get(name)) for i, name in enumerate(leaf.codes) if name]

    def coded(rows: Matrix, /) -> Matrix:
        rows = rows.copy()
        for i, table in tables:
            rows[:, i] = table[rows[:, i].astype(np.intp)]
        return rows

    def one(rows: Matrix, /) -> npt.NDArray[np.float64]:
        out: npt.NDArray[np.float64] = predict(coded(rows) if tables else rows)
        return out

    def many(rows: Matrix, /) -> npt.NDArray[np.float64]:
        given = coded(rows) if tables else rows
        return np.stack([booster.predict(given) for booster in boosters], axis=1)

    return one if len(boosters) == 1 else many


def thresholds(leaf: LightGBM, arrays: Arrays) -> list[tuple[int, npt.NDArray[np.float64]]]:
    """Give the numbers at which a number column changes something; none where only the library knows them."""
    found: dict[int, list[npt.NDArray[np.float64]]] = {}
    for trees in leaf.trees:
        held = arrays.get(trees.thresholds)
        for column, kind, first, last in arrays.get(trees.inputs).tolist():
            if kind != CATEGORY:
                found.setdefault(leaf.columns[column], []).append(held[first:last])
    return [(slot, np.unique(np.concatenate(many))) for slot, many in found.items()]
