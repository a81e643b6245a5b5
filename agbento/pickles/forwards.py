"""Functions that call what they are given, or make objects of it: to be given to them counts as to be called.

Without this, what pickles only refer to could be called all the same, with arguments of their choice:
``torch._tensor._rebuild_from_type_v2(func, type, args, state)`` returns ``func(*args)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from agbento.pickles.values import Dict, Global, Object, Opaque, Value

if TYPE_CHECKING:
    from agbento.pickles.machine import Machine

Passed = tuple[int, Literal["call", "new"]]  # which argument, and what is done with it

PARTIAL: Final = ("functools", "partial")
_RANDOM: Final = "numpy.random._pickle"
FORWARDS: Final[dict[tuple[str, str], Passed]] = {
    PARTIAL: (0, "call"),
    ("collections", "defaultdict"): (0, "call"),
    ("torch._tensor", "_rebuild_from_type_v2"): (0, "call"),
    ("torch._tensor", "_rebuild_from_type"): (0, "call"),
    (_RANDOM, "__bit_generator_ctor"): (0, "call"),
    (_RANDOM, "__generator_ctor"): (1, "call"),
    (_RANDOM, "__randomstate_ctor"): (1, "call"),
    ("numpy.random.bit_generator", "__pyx_unpickle_SeedSequence"): (0, "new"),
    ("numpy._core.multiarray", "_reconstruct"): (0, "new"),
    ("numpy.core.multiarray", "_reconstruct"): (0, "new"),
    ("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked"): (0, "new"),
    ("pandas.core.indexes.base", "_new_Index"): (0, "new"),
    ("pandas.core.indexes.datetimes", "_new_DatetimeIndex"): (0, "new"),
    ("pandas.core.indexes.interval", "_new_IntervalIndex"): (0, "new"),
    ("sklearn.metrics._dist_metrics", "newObj"): (0, "new"),
    ("sklearn.neighbors._ball_tree", "newObj"): (0, "new"),
    ("sklearn.neighbors._kd_tree", "newObj"): (0, "new"),
}


# They call their first argument where it is a class, and no object as in genuine pickles.
_OF_GENERATORS: Final = {(_RANDOM, "__generator_ctor"), (_RANDOM, "__randomstate_ctor")}
# What calls what it is given in turn, or makes objects of it.
_IN_TURN: Final = FORWARDS.keys() | {("copyreg", name) for name in ("_reconstructor", "__newobj__", "__newobj_ex__")}


def forwarded(machine: Machine, callee: Global, args: Value, at: int) -> Value:
    """Note what ``callee`` does with what it is given."""
    which, way = FORWARDS[callee.module, callee.name]
    if not isinstance(args, tuple):
        machine.notes.flaw(f"{callee.name} is given what is not known", at)
    else:
        if len(args) > which:
            _note(machine, callee, args[which], way, at)
        if (callee.module, callee.name) in _OF_GENERATORS and args and not isinstance(args[0], Object):
            _note(machine, callee, args[0], "call", at)
    return Object(callee, called=True, filled=callee.name.endswith("dict"))


def check_state(machine: Machine, target: Object, state: Value, at: int) -> None:
    """Note the function that a ``functools.partial`` is given anew by its state, whose first item it is."""
    if (target.maker.module, target.maker.name) != PARTIAL:
        return
    if isinstance(state, tuple) and state:
        _note(machine, target.maker, state[0], "call", at)
    else:
        machine.notes.flaw("the state of a partial that is not known", at)


def _note(machine: Machine, callee: Global, passed: Value, way: Literal["call", "new"], at: int) -> None:
    if isinstance(passed, Global) and passed.sure:
        machine.notes.use(passed, way, at)
        if (passed.module, passed.name) in _IN_TURN:
            # What it is given is called, with arguments that nobody looks at.
            machine.notes.flaw(f"{callee.name} is given {passed.name}, which calls or makes what it is given", at)
    elif isinstance(passed, (Global, Object, Opaque, Dict)):
        machine.notes.flaw(f"{callee.name} is given what is no name", at)
