"""One row → the matrix, in few steps of Python: all values at once, packed as C doubles."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Protocol

import numpy as np

from agbento.compiler.native.contract import Matrix
from agbento.compiler.native.encode_number import NumberEncoder

# What struct packs as pandas casts it; other types have their own ways.
_PLAIN = frozenset({float, int, bool, np.float64, np.int64})
_PLAIN_OR_NONE = _PLAIN | {type(None)}
_WHOLE = "bBhHiIqQ"  # struct's codes of ints
_NAN = float("nan")
_EXACT = 2.0**53


class OneReader(Protocol):
    """What reads one value into one slot (a float) or several (a tuple of floats)."""

    @property
    def columns(self) -> tuple[str]:
        """The column that is read."""
        ...

    @property
    def slots(self) -> tuple[int, ...]:
        """The slots that it fills, rising."""
        ...

    @property
    def one(self) -> Callable[[Any], Any]:
        """Reads a value."""
        ...


class FastRow:
    """Reads a row's values for the slots of ``readers``.

    Plain numbers are not touched one by one: a struct packs them, and another one sees that whole numbers are whole and
    in range. Where either refuses, every value is read by its own reader.
    """

    def __init__(self, readers: Sequence[OneReader]) -> None:
        single = sorted((reader for reader in readers if len(reader.slots) == 1), key=lambda reader: reader.slots)
        several = [reader for reader in readers if len(reader.slots) > 1]
        self._several = [(reader.columns[0], reader.one, _writer(reader.slots)) for reader in several]
        self._get = getter([reader.columns[0] for reader in single])
        self._ones = [reader.one for reader in single]
        self._pack, self._offset = _packer([reader.slots[0] for reader in single])
        numbers = {i: reader.packs for i, reader in enumerate(single) if isinstance(reader, NumberEncoder)}
        self._reads = [(i, one) for i, one in enumerate(self._ones) if not numbers.get(i)]
        codes = [(i, code) for i, code in numbers.items() if code in _WHOLE]
        self._whole = getter([i for i, _ in codes])
        self._check = struct.Struct("=" + "".join(code for _, code in codes)).pack
        self._narrow = [i for i, code in numbers.items() if code == "f"]
        self._narrow_of = getter(self._narrow)
        self._rounded = struct.Struct(f"={len(self._narrow)}f")

    def read(self, row: Mapping[str, Any], matrix: Matrix) -> None:
        """Fill the slots of the readers in ``matrix``, shape (1, slots).

        Raises:
            KeyError: a column is missing.
            ValueError, TypeError, OverflowError: a value cannot be read.
        """
        values = list(self._get(row))
        for i, one in self._reads:
            values[i] = one(values[i])
        if not self._packs(values, matrix):
            values = [one(value) for one, value in zip(self._ones, self._get(row), strict=True)]
            self._pack(matrix, self._offset, *values)
        for name, one, write in self._several:
            write(matrix, one(row[name]))

    def _packs(self, values: list[Any], matrix: Matrix) -> bool:
        """Pack the values, and tell whether all are plain."""
        kinds = set(map(type, values))
        if not kinds <= _PLAIN:
            if not kinds <= _PLAIN_OR_NONE:
                return False
            values = [_NAN if value is None else value for value in values]
        try:
            self._check(*self._whole(values))
            if self._narrow:
                self._round(values)
            self._pack(matrix, self._offset, *values)
        except (struct.error, OverflowError):
            return False
        return True

    def _round(self, values: list[Any]) -> None:
        """Round those of float32 columns. Raises OverflowError where that is not all that pandas does."""
        narrow = self._narrow
        rounded = self._rounded.unpack(self._rounded.pack(*self._narrow_of(values)))
        if max(rounded) >= _EXACT or min(rounded) <= -_EXACT:
            raise OverflowError  # an int might be rounded twice
        if len(narrow) == len(values):
            values[:] = rounded
            return
        for i, number in zip(narrow, rounded, strict=True):
            values[i] = number


def getter(keys: Sequence[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """Give a function that gets all keys' values at once, as a tuple whatever their number."""
    if len(keys) > 1:
        return itemgetter(*keys)
    if keys:
        key = keys[0]
        return lambda held: (held[key],)
    return lambda _: ()


def _packer(slots: Sequence[int]) -> tuple[Callable[..., None], int]:
    """Give the function that packs numbers into their slots (rising) of a matrix's row, and the bytes before the first.

    What lies between the slots becomes 0.
    """
    code, at = "=", slots[0] if slots else 0
    for slot in slots:
        code += f"{(slot - at) * 8}x" if slot > at else ""
        code, at = code + "d", slot + 1
    return struct.Struct(code).pack_into, 8 * (slots[0] if slots else 0)


def _writer(slots: tuple[int, ...]) -> Callable[[Matrix, tuple[float, ...]], None]:
    """Give the function that writes the numbers of one reader, and nothing between them."""
    pack, offset = _packer(slots)
    if slots == tuple(range(slots[0], slots[-1] + 1)):
        return lambda matrix, numbers: pack(matrix, offset, *numbers)

    def write(matrix: Matrix, numbers: tuple[float, ...]) -> None:
        matrix[0, slots] = numbers

    return write
