"""Calls whose results are followed: they make classes' attributes, objects and bytes that others do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from agbento.pickles.forwards import FORWARDS, forwarded
from agbento.pickles.stack import GETATTR
from agbento.pickles.values import UNKNOWN, Dict, Far, Global, Object, Value, latin

if TYPE_CHECKING:
    from agbento.pickles.machine import Machine

Call: TypeAlias = Callable[["Machine", Global, Value, int], Value]

# Whose arguments and state are needed later.
KEPT: Final = frozenset({("numpy", "dtype")})


def attribute(machine: Machine, args: Value, at: int) -> Value:
    """Give what getattr gives: an attribute that has a name where it is of a name and named by a constant."""
    match args:
        case (Global() | Object() as owner, str(name)) if name.isidentifier() and owner is not GETATTR:
            machine.unresolved_getattr -= 1
            of = owner.maker if isinstance(owner, Object) else owner
            named = Global(of.module, f"{of.name}.{name}", sure=isinstance(owner, Global) and owner.sure)
            machine.notes.use(named, "refer", at)
            return named
    machine.notes.use(GETATTR, "call", at)
    return Object(GETATTR, called=True)


def _encode(machine: Machine, callee: Global, args: Value, at: int) -> Value:
    match args:
        case (str() | Far() as text, "latin1" | "latin-1") if (data := latin(machine.constant(text))) is not None:
            value = Far(text.at, latin=True) if isinstance(text, Far) else data
            machine.may_hold(at, value, data)
            if (callee.module, callee.name) == ("_codecs", "encode"):
                return value
    return Object(callee, called=True)


def _reconstructor(machine: Machine, _callee: Global, args: Value, at: int) -> Value:
    match args:
        case (made, base, *_):
            if not (isinstance(base, Global) and (base.module, base.name) == ("builtins", "object")):
                machine.new(base, at)
            return machine.new(made, at)
    return machine.new(UNKNOWN, at)


def _newobj(machine: Machine, _callee: Global, args: Value, at: int) -> Value:
    return machine.new(args[0] if isinstance(args, tuple) and args else UNKNOWN, at)


def _load_from_bytes(machine: Machine, callee: Global, args: Value, at: int) -> Value:
    match args:
        case (bytes() | Far() as value,):
            machine.inner[id(value)] = (at, value, True)
        case _:
            machine.notes.flaw("a tensor of bytes that are no constant", at)
    return Object(callee, called=True)


def _from_type(machine: Machine, callee: Global, args: Value, at: int) -> Value:
    _check_attributes(machine, args, at)
    return forwarded(machine, callee, args, at)


def _parameter(machine: Machine, callee: Global, args: Value, at: int) -> Value:
    _check_attributes(machine, args, at)
    return Object(callee, called=True)


def _check_attributes(machine: Machine, args: Value, at: int) -> None:
    """Note a flaw where the fourth argument may set an object's class: torch sets each of its items as an attribute.

    Source: ``_set_obj_state`` in torch/_utils.py.
    """
    if not isinstance(args, tuple):
        state: Value = UNKNOWN
    else:
        state = args[3] if len(args) > 3 else None
    for attributes in state if isinstance(state, tuple) else (state,):
        known = attributes.known() if isinstance(attributes, Dict) else None
        if attributes is not None and (known is None or "__class__" in known):
            machine.notes.flaw("sets attributes that may be an object's class", at)


def _kept(_machine: Machine, callee: Global, args: Value, _at: int) -> Value:
    return Object(callee, called=True, args=args if isinstance(args, tuple) else (UNKNOWN,))


CALLS: Final[dict[tuple[str, str], Call]] = {
    ("_codecs", "encode"): _encode,
    ("builtins", "bytearray"): _encode,
    ("builtins", "bytes"): _encode,
    ("copyreg", "_reconstructor"): _reconstructor,
    ("copyreg", "__newobj__"): _newobj,
    ("copyreg", "__newobj_ex__"): _newobj,
    ("torch.storage", "_load_from_bytes"): _load_from_bytes,
    **dict.fromkeys(KEPT, _kept),
    **dict.fromkeys(FORWARDS, forwarded),
    ("torch._tensor", "_rebuild_from_type_v2"): _from_type,
    ("torch._utils", "_rebuild_parameter_with_state"): _parameter,
}


def maps(callee: Global) -> bool:
    """Say whether what this makes may be a dictionary with items."""
    return callee.name.lower().endswith(("dict", "mapping", "map", "counter", "bunch"))


def check_state(machine: Machine, state: Value, at: int) -> None:
    """Note a flaw where setting this state may set an object's class.

    The second of two dictionaries is set attribute by attribute where the class has no ``__setstate__``.
    """
    if not isinstance(state, tuple) or len(state) != 2:
        return
    slots = state[1]
    if isinstance(slots, Dict):
        known = slots.known()
        if known is None or "__class__" in known:
            machine.notes.flaw("sets attributes that may be an object's class", at)
    elif isinstance(slots, Object) and slots.filled:
        machine.notes.flaw("sets attributes that may be an object's class", at)


def persistent(machine: Machine, identity: Value, at: int) -> Value:
    """Give what torch's persistent ids stand for: ("storage", type, key, location, size, …) or ("module", class, …).

    Source: ``persistent_load`` in torch/serialization.py.
    """
    match identity:
        case ("storage" | b"storage", _, _, str() | bytes() as location, *_):
            machine.notes.devices.add(location if isinstance(location, str) else location.decode("ascii", "replace"))
        case ("storage" | b"storage", *_):
            machine.notes.flaw("a tensor's storage at a location that is no constant", at)
        case ("module" | b"module", value, *_):
            return value
    return UNKNOWN
