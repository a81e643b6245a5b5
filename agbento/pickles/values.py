"""What stands for an unpickled value while a pickle is read: constants are themselves, all else is one of these."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

# str, bytes, bytearray, int, float, bool, None and tuples stand for themselves.
Value: TypeAlias = Any

LONGEST_TUPLE: Final = 64
_MOST_ITEMS: Final = 128  # keys and values: 64 pairs


@dataclass(eq=False, slots=True)
class Global:
    """What an import gives. It is not ``sure`` where it is an attribute of an object, whose state may hold another."""

    module: str
    name: str
    sure: bool = True


@dataclass(eq=False, slots=True)
class Object:
    """What calling ``maker``, or its ``__new__``, gives; arguments and state of a few only.

    ``filled``: it may have items.
    """

    maker: Global
    called: bool
    args: tuple[Value, ...] = ()
    state: Value = None
    built: bool = False
    filled: bool = False


@dataclass(eq=False, slots=True)
class Dict:
    """A dictionary's items, keys and values in turn; those of small ones only."""

    items: list[Value]
    full: bool = True  # all items are there

    def update(self, items: list[Value]) -> None:
        """Add items, keys and values in turn."""
        if self.full and len(self.items) + len(items) <= _MOST_ITEMS:
            self.items += items
        else:
            self.full = False

    def known(self) -> dict[Hashable, Value] | None:
        """Give the items, or None where some are not known, or a key is anything but a string or a number."""
        keys = self.items[::2]
        if not self.full or len(self.items) % 2 or any(type(key) not in _PLAIN_KEYS for key in keys):
            return None
        return dict(zip(keys, self.items[1::2], strict=True))


_PLAIN_KEYS: Final = (str, int, float, bool, type(None))


@dataclass(eq=False, slots=True)
class Far:
    """A constant too large to be held: that of the opcode ``at`` this offset, encoded where it is ``latin`` text."""

    at: int
    latin: bool = False


@dataclass(eq=False, slots=True)
class Opaque:
    """What is not followed: ``kind`` says what it is."""

    kind: str


CONSTANT: Final = Opaque("a constant")
CONTAINER: Final = Opaque("a list or set")
LONG_TUPLE: Final = Opaque("a long tuple")
UNKNOWN: Final = Opaque("a value that is not known")


def as_tuple(items: list[Value]) -> Value:
    """Give the tuple of these items, which is not followed where it is long."""
    return tuple(items) if len(items) <= LONGEST_TUPLE else LONG_TUPLE


def may_be_text(value: Value) -> bool:
    """Say whether a value may be a string, and no instance of a subclass."""
    return value is UNKNOWN or isinstance(value, str) or (isinstance(value, Object) and value.called)


def latin(text: Value) -> bytes | None:
    """Give the bytes of Latin-1 text, or None where it is none."""
    try:
        return text.encode("latin-1") if isinstance(text, str) else None
    except UnicodeEncodeError:
        return None
