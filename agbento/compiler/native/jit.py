"""Kernels: small functions that numba compiles, with the types that they are called with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numba import types

F = TypeVar("F", bound=Callable[..., Any])


def array(dtype: Any, dimensions: int = 1) -> Any:
    """Give the type of a C-contiguous array that is only read; a writable one is taken too."""
    return types.Array(dtype, dimensions, "C", readonly=True)


def output(dtype: Any, dimensions: int = 1) -> Any:
    """Give the type of a C-contiguous array that is written."""
    return types.Array(dtype, dimensions, "C")


def kernel(signature: Any) -> Callable[[F], F]:
    """Compile a function for ``signature`` now, or take it from numba's cache where one can be written.

    numba keys its cache by processor and by the source's time, so what another machine compiled is not taken. Kernels
    let go of the interpreter's lock, and neither check bounds nor reorder additions.
    """

    def compiled(function: F) -> F:
        try:
            return _jit(signature, cache=True)(function)
        except (RuntimeError, OSError):
            # numba finds no folder for its cache, as in a read-only container, or no room in it.
            return _jit(signature, cache=False)(function)

    return compiled


def _jit(signature: Any, cache: bool) -> Callable[[F], F]:
    jit: Callable[[F], F] = numba.njit(signature, cache=cache, nogil=True, fastmath=False, error_model="numpy")
    return jit
