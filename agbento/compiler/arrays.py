"""Named arrays of a plan: gathered while compiling, mapped from one file when loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_ALIGNED = 64  # bytes; a cache line

Array = npt.NDArray[Any]


class Arrays:
    """Read-only arrays by name."""

    def __init__(self, arrays: Mapping[str, Array] | None = None) -> None:
        self._arrays: dict[str, Array] = dict(arrays or {})

    def put(self, name: str, array: Array) -> str:
        """Add ``array``, copied where it is not contiguous; give the name that it is kept by: ``name``, made unique."""
        unique, count = name, 1
        while unique in self._arrays:
            count += 1
            unique = f"{name}#{count}"
        kept = np.ascontiguousarray(array)
        kept = kept.view()
        kept.flags.writeable = False
        self._arrays[unique] = kept
        return unique

    def put_bytes(self, name: str, data: bytes) -> str:
        """Add bytes, as an array of uint8."""
        return self.put(name, np.frombuffer(data, np.uint8))

    def get(self, name: str) -> Array:
        """Give an array, read-only and C-contiguous."""
        return self._arrays[name]

    def get_bytes(self, name: str) -> bytes:
        """Give bytes that ``put_bytes`` took."""
        return self._arrays[name].tobytes()

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in self._arrays.values())

    def save(self, file: Path, index: Path) -> None:
        """Write all arrays into ``file``, at multiples of 64 bytes, and where each lies into ``index``."""
        places, offset = {}, 0
        with file.open("wb") as out:
            for name, array in self._arrays.items():
                out.write(b"\0" * (-offset % _ALIGNED))
                offset += -offset % _ALIGNED
                out.write(array.data if array.size else b"")
                places[name] = {"dtype": array.dtype.str, "shape": list(array.shape), "offset": offset}
                offset += array.nbytes
        index.write_text(json.dumps({"bytes": offset, "arrays": places}, indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, file: Path, index: Path) -> Arrays:
        """Map what ``save`` wrote; all processes that do share the memory.

        Raises:
            ValueError: the file is not as long as the index says.
            OSError: one of the two cannot be read.
        """
        told = json.loads(index.read_text("utf-8"))
        size = file.stat().st_size
        if size != told["bytes"]:
            raise ValueError(f"{file}: has {size} bytes, expected {told['bytes']}")
        # asarray: a memmap's own class makes each slice of it slow.
        mapped = np.asarray(np.memmap(file, np.uint8, "r")) if size else np.frombuffer(b"", np.uint8)
        arrays = {}
        for name, place in told["arrays"].items():
            dtype, shape = np.dtype(place["dtype"]), tuple(place["shape"])
            count = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
            arrays[name] = mapped[place["offset"] : place["offset"] + count].view(dtype).reshape(shape)
        return cls(arrays)
