"""NumPy arrays in joblib's files: raw bytes, or a pickle of their own, behind the wrapper's state.

Source: ``NumpyArrayWrapper.read_array`` in joblib/numpy_pickle.py; ``arraydescr_setstate`` in numpy for the states of
dtypes.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agbento.pickles.values import CONSTANT, UNKNOWN, Dict, Object, Value

if TYPE_CHECKING:
    from agbento.pickles.machine import Machine

_WRAPPER: Final = ("joblib.numpy_pickle", "NumpyArrayWrapper")
_ELSEWHERE: Final = ("NDArrayWrapper", "ZNDArrayWrapper")
_KEYS: Final = {"subclass", "shape", "order", "dtype", "allow_mmap", "numpy_array_alignment_bytes"}
_CODE: Final = re.compile(r"([biufcOSUVmM])([0-9]{1,9})")
_OBJECTS: Final = 3  # NPY_ITEM_REFCOUNT and NPY_LIST_PICKLE of a dtype's flags
_STATE_WITH_UNIT: Final = 9


@dataclass(frozen=True)
class Items:
    """Elements of an array: ``size`` in bytes each, or objects, which are pickled."""

    size: int
    objects: bool


def items_of(dtype: Value) -> Items | None:
    """Give the elements of a followed numpy.dtype, or None where they are not certain."""
    if not isinstance(dtype, Object) or (dtype.maker.module, dtype.maker.name) != ("numpy", "dtype"):
        return None
    code = dtype.args[0] if len(dtype.args) == 3 else None
    match = _CODE.fullmatch(code) if isinstance(code, str) else None
    if match is None:
        return None
    kind, size = match[1], int(match[2]) * (4 if match[1] == "U" else 1)
    if dtype.state is None:
        return Items(size, objects=kind == "O")
    return dtype.state if isinstance(dtype.state, Items) else None


def settle(dtype: Object, state: Value) -> bool:
    """Keep what elements a dtype has in this state, and say whether NumPy writes such states.

    Others crash NumPy, or have it take an array's bytes for pointers to objects.
    """
    plain = items_of(dtype)
    items = _settled(plain, dtype.args[0][0], state) if plain is not None and isinstance(state, tuple) else None
    dtype.state = items or UNKNOWN
    return items is not None


def _settled(plain: Items, kind: str, state: tuple[Value, ...]) -> Items | None:
    match state:
        case (3, str(), inner, names, fields, int(size), int(), int(flags)):
            pass
        case (4, str(), inner, names, fields, int(size), int(), int(flags), (_, (_, int(), int(), int()))):
            pass
        case _:
            return None
    if (kind in "mM") != (len(state) == _STATE_WITH_UNIT):
        return None
    if size != plain.size and (size != -1 or kind in "SUV"):
        return None
    objects = plain.objects
    if kind == "V":
        made = _of_subarray(inner, plain.size) if inner is not None else _of_fields(names, fields, plain.size)
        if made is None or (inner is not None and (names, fields) != (None, None)):
            return None
        objects = made.objects
    elif (inner, names, fields) != (None, None, None):
        return None
    return Items(plain.size, objects) if flags & _OBJECTS == (_OBJECTS if objects else 0) else None


def _of_subarray(inner: Value, size: int) -> Items | None:
    match inner:
        case (Object() as base, tuple() as shape) if all(type(length) is int and length >= 0 for length in shape):
            items = items_of(base)
            return items if base.built and items is not None and items.size * math.prod(shape) == size else None
    return None


def _of_fields(names: Value, fields: Value, size: int) -> Items | None:
    if names is None and fields is None:
        return Items(size, objects=False)
    known = fields.known() if isinstance(fields, Dict) else None
    if known is None or not isinstance(names, tuple) or set(map(type, names)) - {str} or known.keys() != set(names):
        return None
    objects = False
    for field in known.values():
        match field:
            # One that is built later could have objects then.
            case (Object() as dtype, int(offset), *_) if dtype.built and (items := items_of(dtype)) is not None:
                if not 0 <= offset <= size - items.size:
                    return None
                objects = objects or items.objects
            case _:
                return None
    return Items(size, objects)


def is_wrapper(target: Object) -> bool:
    """Say whether joblib reads an array where this object's state is set."""
    return (target.maker.module, target.maker.name) == _WRAPPER


def follow(machine: Machine, target: Object, state: Value, at: int) -> Value:
    """Pass over the array behind a wrapper that was just built, and give what is on the stack then."""
    if target.maker.name.rpartition(".")[2] in _ELSEWHERE:
        machine.notes.flaw("an array in another file", at)
    if not is_wrapper(target):
        return target
    machine.array(at)
    known = state.known() if isinstance(state, Dict) else None
    if target.called or known is None or not {"shape", "dtype"} <= known.keys() <= _KEYS:
        machine.notes.flaw("an array whose wrapper is not certain", at)
        return CONSTANT
    items, shape, align = items_of(known["dtype"]), known["shape"], known.get("numpy_array_alignment_bytes")
    lengths = isinstance(shape, tuple) and all(type(length) is int and length >= 0 for length in shape)
    if items is None or not lengths or not (align is None or type(align) is int):
        machine.notes.flaw("an array whose size is not certain", at)
        return CONSTANT
    if items.objects:
        machine.file.seek(at + 1)
        machine.read_nested(machine)
        machine.skip_to(machine.file.tell())
        return CONSTANT
    machine.file.seek(at + 1)
    padding = machine.file.read(1) if align is not None else b""
    machine.skip_to(at + 1 + len(padding) + sum(padding) + math.prod(shape) * items.size)
    return CONSTANT
