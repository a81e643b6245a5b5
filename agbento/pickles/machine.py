"""An unpickler that runs nothing: imports, calls and states are noted, and values are followed as far as needed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

from agbento.pickles import arrays, estimators, forwards, special
from agbento.pickles.content import Content
from agbento.pickles.limits import Limits
from agbento.pickles.naming import NAMES, Naming
from agbento.pickles.notes import Notes
from agbento.pickles.stack import GETATTR, LOADER, MOVES, Handler
from agbento.pickles.values import UNKNOWN, Global, Object, Value


class Machine(Naming):
    """Reads the opcodes of one pickle from ``file``, which is at its start.

    ``arrays`` says that joblib reads it: raw arrays follow their wrappers, and ``met_array`` that there was one.
    ``read_nested`` reads the pickle of an array of objects, where the file is, to its end. ``ran`` counts opcodes.
    """

    def __init__(self, notes: Notes, limits: Limits, file: Content, *, arrays: bool) -> None:
        super().__init__(notes, limits, file)
        self.reads_arrays = arrays
        self.met_array = False
        self.read_nested: Callable[[Machine], None]
        self.stopped = False
        self.ran = 0

    def new(self, maker: Value, at: int) -> Value:
        """Note that an object of a class is made without calling the class, and give it."""
        self.made()
        if type(maker) is not Global or not maker.sure or maker is GETATTR:
            self.notes.flaw("makes an object of what is no name", at)
            return UNKNOWN
        self.notes.use(maker, "new", at)
        return Object(maker, called=False)

    def _stop(self, _argument: Any, at: int) -> None:
        self.stack.pop()
        self.check_frame(at)
        self.stopped = True

    def _call(self, callee: Value, args: Value, at: int) -> Value:
        self.made()
        if type(callee) is not Global:
            self.notes.flaw("calls what is no name: the result of a call, or a constant", at)
            return UNKNOWN
        if callee is GETATTR:
            return special.attribute(self, args, at)
        if callee is LOADER:
            self.uncalled_loader -= 1
        self.notes.use(callee, "call", at)
        if not callee.sure:
            self.notes.flaw("calls an attribute of an object", at)
            return UNKNOWN
        handle = special.CALLS.get((callee.module, callee.name))
        return handle(self, callee, args, at) if handle else Object(callee, called=True, filled=special.maps(callee))

    def _reduce(self, _argument: Any, at: int) -> None:
        args = self.stack.pop()
        self.stack[-1] = self._call(self.stack[-1], args, at)

    def _inst(self, argument: str, at: int) -> None:
        callee = self.import_line(argument, at)
        if callee is GETATTR:
            self.push_getattr(at)
        elif callee is LOADER:
            self.push_loader(at)
        value = self._call(callee, tuple(self.above_mark()), at)
        self.stack.append(value)

    def _obj(self, _argument: Any, at: int) -> None:
        callee, *args = self.above_mark() or [UNKNOWN]
        self.stack.append(self._call(callee, tuple(args), at))

    def _newobj(self, _argument: Any, at: int) -> None:
        self.stack.pop()
        self.stack[-1] = self.new(self.stack[-1], at)

    def _newobj_ex(self, argument: Any, at: int) -> None:
        self.stack.pop()
        self._newobj(argument, at)

    def _build(self, _argument: Any, at: int) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if type(target) is not Object:
            self.notes.flaw("sets the state of what is no object of a named class", at)
            return
        self.notes.use(target.maker, "build", at)
        if target.built:
            # The first state may have held a __setstate__, which the second one would call.
            self.notes.flaw("sets the state of an object twice", at)
        target.built = True
        special.check_state(self, state, at)
        forwards.check_state(self, target, state, at)
        estimators.check_state(self, target, state, at)
        if (target.maker.module, target.maker.name) in special.KEPT and not arrays.settle(target, state):
            self.notes.flaw("a state of a NumPy dtype that NumPy does not write", at)
        if self.reads_arrays:
            self.stack[-1] = arrays.follow(self, target, state, at)
        else:
            self.astray = self.astray or arrays.is_wrapper(target)

    def array(self, at: int) -> None:
        """Note that an array follows in the file: what is behind a frame is read from there."""
        self.met_array = True
        self.check_frame(at)
        self.edge = sys.maxsize

    def _persistent_text(self, _identity: Any, at: int) -> None:
        self.notes.flaw("a persistent id that is text", at)
        self.stack.append(UNKNOWN)

    def _persistent_of_stack(self, _argument: Any, at: int) -> None:
        self.push_copy(special.persistent(self, self.stack.pop(), at), at)


# All other opcodes push their argument, or None for a constant that nothing asks for.
HANDLERS: Final[dict[str, Handler]] = {
    **MOVES,
    **NAMES,
    "STOP": Machine._stop,
    "REDUCE": Machine._reduce,
    "INST": Machine._inst,
    "OBJ": Machine._obj,
    "NEWOBJ": Machine._newobj,
    "NEWOBJ_EX": Machine._newobj_ex,
    "BUILD": Machine._build,
    "PERSID": Machine._persistent_text,
    "BINPERSID": Machine._persistent_of_stack,
}
