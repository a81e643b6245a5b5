"""Kernels: small functions that numba compiles, with the types that they are called with."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
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
    return numba.njit(signature, cache=_can_cache(), nogil=True, fastmath=False, error_model="numpy")  # type: ignore[no-any-return]


def _can_cache() -> bool:
    """Tell whether numba finds a folder for its cache: it raises where it does not, as in a read-only container."""
    folders = [os.environ.get("NUMBA_CACHE_DIR"), str(Path(__file__).parent), os.environ.get("HOME")]
    for folder in filter(None, folders):
        try:
            with tempfile.TemporaryFile(dir=folder):
                return True
        except OSError:
            continue
    return False
