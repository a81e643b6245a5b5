"""The stack, marks and memo of an unpickler, as Lib/pickle.py's ``_Unpickler`` has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from agbento.pickles.limits import Exceeded, Limits
from agbento.pickles.notes import Notes
from agbento.pickles.values import CONTAINER, UNKNOWN, Dict, Global, Object, Value, as_tuple

GETATTR: Final = Global("builtins", "getattr")
# torch's, which opens the bytes that it is given.
LOADER: Final = Global("torch.storage", "_load_from_bytes")
_FIXED: Final = (type(None), int, float, str, bytes, tuple)


class Broken(Exception):
    """The stream cannot be read on; its text says why."""


class Stack:
    """Values, and the opcodes that move them.

    A method for an opcode takes its argument and its offset. As for the real one, IndexError and KeyError say that the
    stack is too short or that the memo has no such slot.
    """

    def __init__(self, notes: Notes, limits: Limits) -> None:
        self.notes = notes
        self.stack: list[Value] = []
        self._below: list[list[Value]] = []
        self._memo: dict[int, Value] = {}
        self._limits = limits
        self._made = 0
        self._buried = 0
        # builtins.getattr is a use of its own only where it is not called with a name that is known.
        self.unresolved_getattr = 0
        self.first_getattr = 0
        # How often the loader was pushed and not called: then something else may call it, with what nobody has read.
        self.uncalled_loader = 0
        self.first_loader = 0

    def made(self) -> None:
        """Count a value that takes memory; raises Exceeded."""
        self._made += 1
        if self._made > self._limits.made:
            raise Exceeded(f"more than {self._limits.made:,} tuples, dictionaries and objects in a pickle")

    def check_size(self) -> None:
        """Raise Exceeded where more values are held than any model has."""
        if len(self.stack) + self._buried + len(self._memo) > 4 * self._limits.made:
            raise Exceeded(f"more than {4 * self._limits.made:,} values in a pickle")

    def push_copy(self, value: Value, at: int) -> None:
        """Push a value that is somewhere else too."""
        self.stack.append(value)
        if value is GETATTR:
            self.push_getattr(at)
        elif value is LOADER:
            self.push_loader(at)

    def push_loader(self, at: int) -> None:
        """Count that torch's loader was pushed."""
        self.first_loader = self.first_loader if self.uncalled_loader else at
        self.uncalled_loader += 1

    def push_getattr(self, at: int) -> None:
        """Count that getattr was pushed."""
        self.first_getattr = self.first_getattr if self.unresolved_getattr else at
        self.unresolved_getattr += 1

    def _mark(self, _argument: Any, _at: int) -> None:
        self.made()
        self._below.append(self.stack)
        self._buried += len(self.stack)
        self.stack = []

    def above_mark(self) -> list[Value]:
        """Take what was pushed since the last mark."""
        above = self.stack
        self.stack = self._below.pop()
        self._buried -= len(self.stack)
        return above

    def _pop(self, _argument: Any, _at: int) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self.above_mark()

    def _pop_mark(self, _argument: Any, _at: int) -> None:
        self.above_mark()

    def _duplicate(self, _argument: Any, at: int) -> None:
        self.push_copy(self.stack[-1], at)

    def _put(self, slot: int, _at: int) -> None:
        self._memo[slot] = self.stack[-1]

    def _memoize(self, _argument: Any, _at: int) -> None:
        memo = self._memo
        memo[len(memo)] = self.stack[-1]

    def _get(self, slot: int, at: int) -> None:
        value = self._memo[slot]
        self.stack.append(value)
        if value is GETATTR:
            self.push_getattr(at)
        elif value is LOADER:
            self.push_loader(at)

    def _empty_tuple(self, _argument: Any, _at: int) -> None:
        self.stack.append(())

    def _tuple(self, _argument: Any, _at: int) -> None:
        self.made()
        items = self.above_mark()
        self.stack.append(as_tuple(items))

    def _tuple1(self, _argument: Any, _at: int) -> None:
        self.made()
        self.stack[-1] = (self.stack[-1],)

    def _tuple2(self, _argument: Any, _at: int) -> None:
        self.made()
        last = self.stack.pop()
        self.stack[-1] = (self.stack[-1], last)

    def _tuple3(self, _argument: Any, _at: int) -> None:
        self.made()
        last, second = self.stack.pop(), self.stack.pop()
        self.stack[-1] = (self.stack[-1], second, last)

    def _empty_container(self, _argument: Any, _at: int) -> None:
        self.stack.append(CONTAINER)

    def _container(self, _argument: Any, _at: int) -> None:
        self.above_mark()
        self.stack.append(CONTAINER)

    def _empty_dict(self, _argument: Any, _at: int) -> None:
        self.made()
        self.stack.append(Dict([]))

    def _dict(self, _argument: Any, at: int) -> None:
        items = self.above_mark()
        self._empty_dict(None, at)
        self.stack[-1].update(items)

    def _append(self, _argument: Any, at: int) -> None:
        self.stack.pop()
        self._check_filled(self.stack[-1], at)

    def _extend(self, _argument: Any, at: int) -> None:
        self.above_mark()
        self._check_filled(self.stack[-1], at)

    def _set_item(self, _argument: Any, at: int) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set([key, value], at)

    def _set_items(self, _argument: Any, at: int) -> None:
        self._set(self.above_mark(), at)

    def _set(self, items: list[Value], at: int) -> None:
        target = self.stack[-1]
        if type(target) is Dict:
            target.update(items)
            return
        self._check_filled(target, at)
        if type(target) is Object:
            target.filled = True
            if "__setstate__" in items[::2]:
                # A dictionary whose items are its attributes would call this item when its state is set.
                self.notes.flaw("sets an item named __setstate__", at)

    def _check_filled(self, target: Value, at: int) -> None:
        if target is CONTAINER or type(target) in (Object, Dict):
            return
        if type(target) is Global:
            self.notes.flaw("adds to a class, a function or a module", at)
        elif type(target) not in _FIXED:
            self.notes.flaw("adds to what is no list, dictionary, set or object", at)

    def _not_followed(self, _argument: Any, _at: int) -> None:
        self.stack.append(UNKNOWN)


Handler: TypeAlias = Callable[[Any, Any, int], None]

MOVES: Final[dict[str, Handler]] = {
    "MARK": Stack._mark,
    "POP": Stack._pop,
    "POP_MARK": Stack._pop_mark,
    "DUP": Stack._duplicate,
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), Stack._put),
    "MEMOIZE": Stack._memoize,
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), Stack._get),
    "EMPTY_TUPLE": Stack._empty_tuple,
    "TUPLE": Stack._tuple,
    "TUPLE1": Stack._tuple1,
    "TUPLE2": Stack._tuple2,
    "TUPLE3": Stack._tuple3,
    **dict.fromkeys(("EMPTY_LIST", "EMPTY_SET"), Stack._empty_container),
    **dict.fromkeys(("LIST", "FROZENSET"), Stack._container),
    "EMPTY_DICT": Stack._empty_dict,
    "DICT": Stack._dict,
    "APPEND": Stack._append,
    **dict.fromkeys(("APPENDS", "ADDITEMS"), Stack._extend),
    "SETITEM": Stack._set_item,
    "SETITEMS": Stack._set_items,
    "NEXT_BUFFER": Stack._not_followed,
}
