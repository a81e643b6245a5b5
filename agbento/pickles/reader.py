"""Content of any kind: as an archive, as what is compressed, and as pickles, whatever lies in them in turn."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Final

from agbento.pickles.archive import members
from agbento.pickles.compressed import unpacked
from agbento.pickles.content import Content, first_of, size_of
from agbento.pickles.limits import Budget, Exceeded, Limits
from agbento.pickles.machine import Machine
from agbento.pickles.notes import Notes
from agbento.pickles.reading import Flaw, Reading, Use, Way, Where
from agbento.pickles.signs import NPY, UNREADABLE, ZIP, begins_pickle, is_tar
from agbento.pickles.stream import End, run

_PICKLES: Final = re.compile(r"\.(pkl|pickle|p|joblib)$", re.IGNORECASE)
_MODELS: Final = re.compile(r"\.(pt|pth|bin|ckpt|model)$", re.IGNORECASE)
# So many opcodes behind a protocol's number, of so many different bytes, are no chance.
_NO_CHANCE: Final = 8
# What beginning a pickle costs, in opcodes.
_STREAM: Final = 32


def _named(ends: re.Pattern[str], file: str) -> bool:
    return ends.search(file.rstrip("!")) is not None


class Reader:
    """Reads contents one after the other, and collects what is found in them.

    ``found`` says whether a top-level module is installed: see ``Notes.keep_likely``.
    """

    def __init__(self, limits: Limits, found: Callable[[str], bool]) -> None:
        self._limits = limits
        self._budget = Budget(limits)
        self._found = found
        self._uses: dict[tuple[str, str, Way], Where] = {}
        self._flaws: dict[tuple[str, str], Flaw] = {}
        self._devices: set[str] = set()
        self._files: dict[str, set[str]] = {}
        self._file = ""
        self._pickles = 0

    def reading(self) -> Reading:
        """Give what was found so far."""
        uses = [Use(*key, where) for key, where in self._uses.items()]
        return Reading(
            tuple(sorted(uses, key=lambda use: use.where)),
            tuple(sorted(self._flaws.values(), key=lambda flaw: flaw.where)),
            self._pickles,
            frozenset(self._devices),
            {file: frozenset(modules) for file, modules in self._files.items()},
        )

    def flaw(self, file: str, what: str, at: int = 0) -> None:
        """Note a flaw."""
        self._flaws.setdefault((file, what), Flaw(Where(file, at), what))

    def read(self, content: Content, file: str, depth: int = 0, *, argument: bool = False) -> bool:
        """Read content named ``file``, and say whether any name was found in it.

        It is an ``argument`` where a call would unpickle it for certain.
        """
        if depth == 0:
            self._file = file
        if depth > self._limits.depth:
            self.flaw(file, f"archives and pickles within each other more than {self._limits.depth} deep")
            return False
        before = len(self._uses)
        try:
            packed = self._read_packed(content, file, depth)
            self._read_pickles(content, file, depth, certain=not packed and (argument or _named(_PICKLES, file)))
        except Exceeded as error:
            self.flaw(file, str(error))
        return len(self._uses) > before

    def _read_packed(self, content: Content, file: str, depth: int) -> bool:
        first = first_of(content, 512)
        for magic, what in UNREADABLE.items():
            if first.startswith(magic):
                self.flaw(file, what)
        if is_tar(first):
            self.flaw(file, "a tar archive, in which torch looks for pickles")
        for member in members(content, self._budget, lambda what: self.flaw(file, what)):
            name = f"{file}!{member.name}"
            if member.fault is not None:
                self.flaw(name, f"a member that cannot be unpacked: {member.fault}")
            self.read(member.content, name, depth + 1)
            member.content.close()
        return first.startswith(ZIP) or self._read_compressed(content, file, depth)

    def _read_compressed(self, content: Content, file: str, depth: int) -> bool:
        result = unpacked(content, self._budget)
        if result is None:
            return False
        named = self.read(result.content, f"{file}!", depth + 1)
        told = result.sure or named or begins_pickle(first_of(result.content, 2)) or _named(_PICKLES, file)
        if result.fault is not None and told:
            self.flaw(file, f"compressed content that is broken: {result.fault}")
        result.content.close()
        return result.fault is None

    def _read_pickles(self, content: Content, file: str, depth: int, *, certain: bool) -> None:
        first = first_of(content, 12)
        at, size = 0, size_of(content)
        if first.startswith(NPY):  # an array of objects is a pickle: NEP 1 and numpy/lib/format.py
            wide = first[6:7] != b"\x01"  # the header's length is of four bytes
            at = 12 + int.from_bytes(first[8:12], "little") if wide else 10 + int.from_bytes(first[8:10], "little")
        while at < size or (certain and at == 0):
            content.seek(min(at, size))
            certain = certain or (at == 0 and begins_pickle(first) and _named(_MODELS, file))
            machine, end = self._read_one(content, file, at, arrays=True, certain=certain, first=at == 0)
            behind = content.tell()
            if machine.met_array:
                content.seek(at)
                self._read_one(content, file, at, arrays=False, certain=True, first=False)
            self._read_inner(machine, file, depth)
            if end.fault is not None:
                return
            at, certain = behind, False

    def _read_one(
        self, content: Content, file: str, at: int, *, arrays: bool, certain: bool, first: bool
    ) -> tuple[Machine, End]:
        """Read the pickle at this offset, where the content is, and collect what it shows for certain."""
        head = content.read(64)
        begun, varied = begins_pickle(head), len(set(head)) >= _NO_CHANCE
        content.seek(at)
        notes = Notes()
        machine = Machine(notes, self._limits, content, arrays=arrays)
        try:
            self._budget.opcodes(_STREAM)
            end = run(machine, self._budget)
        except Exceeded:
            self._collect(notes, file)
            raise
        sure = certain or (begun and (end.fault is None or (first and varied and end.opcodes >= _NO_CHANCE)))
        kept = sure or notes.keep_likely(self._found, stopped=end.fault is None)
        if kept and end.fault is not None and (certain or (begun and first)) and arrays:
            notes.flaw(f"truncated or broken: {end.fault}", at)
        self._pickles += kept and arrays
        self._collect(notes, file)
        return machine, end

    def _collect(self, notes: Notes, file: str) -> None:
        for key, at in notes.uses.items():
            self._uses.setdefault(key, Where(file, at))
        for what, at in notes.flaws.items():
            self.flaw(file, what, at)
        self._devices |= notes.devices
        self._files.setdefault(self._file, set()).update(module for module, _, _ in notes.uses)

    def _read_inner(self, machine: Machine, file: str, depth: int) -> None:
        """Read the constants of a pickle that may hold another one or an archive."""
        for at, value, argument in machine.inner.values():
            data = machine.constant(value)
            if isinstance(data, (bytes, bytearray)):
                with io.BytesIO(data) as content:
                    self.read(content, f"{file}@{at}", depth + 1, argument=argument)
