"""Constants and names in a pickle's file."""

from __future__ import annotations

import copyreg
import io
import pickletools
import sys
from typing import Any, Final

from agbento.pickles.content import Content
from agbento.pickles.limits import Limits
from agbento.pickles.names import LONGEST, found_here, resolved
from agbento.pickles.notes import Notes
from agbento.pickles.signs import may_hold
from agbento.pickles.stack import GETATTR, LOADER, Broken, Handler, Stack
from agbento.pickles.values import CONSTANT, UNKNOWN, Far, Global, Value, latin, may_be_text

_SHORTEST: Final = 5  # bytes that import a name
_HELD: Final = 65536  # constants that are larger are read again where they are needed


class Naming(Stack):
    """Reads constants and names from ``file``, which is at a pickle's start.

    ``inner`` has the constants that may hold a pickle or an archive, by identity: offset, value, and whether it is
    certain that they do. ``moved`` is where reading goes on after the last opcode, where that is not behind it.
    ``astray`` is set where an array for joblib is read as opcodes, as other readers do: what fails there breaks it off.
    """

    def __init__(self, notes: Notes, limits: Limits, file: Content) -> None:
        super().__init__(notes, limits)
        self.file = file
        self.inner: dict[int, tuple[int, Value, bool]] = {}
        self.moved: int | None = None
        self.astray = False
        self._protocol = 0
        self._frame_end = 0
        self.edge = sys.maxsize  # the end of the frame that was begun last, until it is passed

    def finish(self) -> None:
        """Note what is known only at the end."""
        if self.unresolved_getattr:
            self.notes.use(GETATTR, "refer", self.first_getattr)
        if self.uncalled_loader:
            self.notes.flaw("torch's loader of bytes, for something else to call", self.first_loader)

    def constant(self, value: Value) -> Value:
        """Give a constant, also where it is far."""
        if type(value) is not Far:
            return value
        here = self.file.tell()
        self.file.seek(value.at)
        _, argument, _ = next(pickletools.genops(self.file))
        self.file.seek(here)
        return latin(argument) if value.latin else argument

    def may_hold(self, at: int, value: Value, data: bytes | bytearray) -> None:
        """Remember a constant that may hold a pickle or an archive."""
        if len(data) >= _SHORTEST and may_hold(data[:16]):
            self.inner[id(value)] = (at, value, False)

    def _proto(self, protocol: int, _at: int) -> None:
        if protocol > 5:
            raise Broken(f"protocol {protocol}, which there is not")
        self._protocol = protocol

    def _frame(self, size: int, at: int) -> None:
        # C's unpickler passes over frames, Python's reads the whole of one: they differ where frames overlap or go on.
        if at + 9 < self._frame_end:
            self.notes.flaw("a frame within a frame", at)
        self._frame_end = self.edge = at + 9 + size

    def pass_edge(self, at: int) -> None:
        """Note a flaw where no opcode begins at the end of a frame.

        C's unpickler drops what is left of a frame where an opcode needs more: it sees other names than are written.
        """
        if at != self.edge:
            self.notes.flaw("an opcode that reaches over the end of its frame", at)
            self.notes.sure = True
        self.edge = sys.maxsize

    def check_frame(self, at: int) -> None:
        """Note a flaw where a frame does not end behind the opcode there: readers may go on at another place."""
        if at + 1 < self._frame_end:
            self.notes.flaw("a frame that goes on behind its pickle", at)

    def _text(self, text: str, at: int) -> None:
        self.stack.append(text if len(text) <= _HELD else Far(at))

    def _old_text(self, text: str, _at: int) -> None:
        # Readers decode it as ASCII or as UTF-8.
        self.stack.append(text if text.isascii() else CONSTANT)

    def _bytes(self, data: bytes, at: int) -> None:
        value = data if len(data) <= _HELD else Far(at)
        self.stack.append(value)
        self.may_hold(at, value, data)

    def _bytearray(self, data: bytearray, at: int) -> None:
        value = data if len(data) <= _HELD else Far(at)
        self.stack.append(UNKNOWN)  # it can be changed
        self.may_hold(at, value, data)

    def _read_only(self, _argument: Any, _at: int) -> None:
        self.stack[-1] = UNKNOWN

    def _import(self, module: str, name: str, at: int) -> Global:
        module, name = resolved(module, name, self._protocol)
        if len(module) + len(name) > LONGEST:
            self.notes.flaw("a name that is too long", at)
            module, name = module[:LONGEST], name[:LONGEST]
        if self.astray and not found_here(module.partition(".")[0]):
            raise Broken("a module that there is not")
        if (module, name) == ("builtins", "getattr"):
            return GETATTR
        named = LOADER if (module, name) == (LOADER.module, LOADER.name) else Global(module, name)
        self.notes.use(named, "refer", at)
        return named

    def import_line(self, argument: str, at: int) -> Global:
        """Import the name that is in an opcode's lines."""
        module, _, name = self._as_written(argument, at).partition(" ")
        if " " in name:
            self.notes.flaw("a name with a space in it", at)
        return self._import(module, name, at)

    def _as_written(self, argument: str, at: int) -> str:
        """Give the lines of the opcode at ``at``: genops resolves escapes in them, unpicklers do not."""
        here = self.file.tell()
        self.file.seek(at + 1)
        lines = [self.file.readline() for _ in range(2)]
        self.file.seek(here)
        if not any(b"\\" in line for line in lines):
            return argument
        try:
            return " ".join(line[:-1].decode() for line in lines)
        except UnicodeDecodeError as error:
            raise Broken(str(error)) from error

    def _global(self, argument: str, at: int) -> None:
        self.push_copy(self.import_line(argument, at), at)

    def _stack_global(self, _argument: Any, at: int) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if type(name) is str and type(module) is str:
            self.push_copy(self._import(module, name, at), at)
        elif self.astray and not (may_be_text(name) and may_be_text(module)):
            raise Broken("a name that is no text")
        else:
            self.notes.flaw("a name computed at run time", at)
            self.stack.append(UNKNOWN)

    def _extension(self, code: int, at: int) -> None:
        # copyreg has no public way to look up a code.
        name: tuple[str, str] | None = copyreg._inverted_registry.get(code)  # type: ignore[attr-defined]
        if name:
            self.notes.use(Global(*name), "refer", at)
        known = f": {name[0]}.{name[1]}" if name else ""
        self.notes.flaw(f"a name by its code in the extension registry, {code}{known}", at)
        self.stack.append(UNKNOWN)

    def skip_to(self, to: int) -> None:
        """Go on reading there; raises Broken behind the end."""
        self.file.seek(0, io.SEEK_END)
        if to > self.file.tell():
            raise Broken("it ends within an array")
        self.file.seek(to)
        self.moved = to


NAMES: Final[dict[str, Handler]] = {
    "PROTO": Naming._proto,
    "FRAME": Naming._frame,
    **dict.fromkeys(("UNICODE", "BINUNICODE", "BINUNICODE8"), Naming._text),
    **dict.fromkeys(("STRING", "BINSTRING", "SHORT_BINSTRING"), Naming._old_text),
    **dict.fromkeys(("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"), Naming._bytes),
    "BYTEARRAY8": Naming._bytearray,
    "READONLY_BUFFER": Naming._read_only,
    "GLOBAL": Naming._global,
    "STACK_GLOBAL": Naming._stack_global,
    **dict.fromkeys(("EXT1", "EXT2", "EXT4"), Naming._extension),
}
