"""What one stream of opcodes has shown so far."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agbento.pickles.names import importable
from agbento.pickles.reading import Way
from agbento.pickles.values import Global

_MOST_FLAWS: Final = 100


class Notes:
    """Uses and flaws of one stream, each with the offset of its first opcode, and devices."""

    def __init__(self) -> None:
        self.uses: dict[tuple[str, str, Way], int] = {}
        self.flaws: dict[str, int] = {}
        self.devices: set[str] = set()
        self.sure = False  # no other content than a hostile pickle looks like this

    def use(self, named: Global, way: Way, at: int) -> None:
        """Note that the opcode there uses a name."""
        self.uses.setdefault((named.module, named.name, way), at)

    def flaw(self, what: str, at: int) -> None:
        """Note a flaw of the opcode there."""
        if len(self.flaws) < _MOST_FLAWS:
            self.flaws.setdefault(what, at)

    def keep_likely(self, found: Callable[[str], bool], *, stopped: bool) -> bool:
        """Drop what bytes that are no pickle show by chance, and say whether anything is left.

        Left are names that could be imported, and of those in a stream that is not ``stopped`` only what is called,
        made or built, or whose top-level module is ``found``. Without any name, nothing can run: no flaw is left.
        """
        self.uses = {
            (module, name, way): at
            for (module, name, way), at in self.uses.items()
            if importable(module, name) and (stopped or way != "refer" or found(module.partition(".")[0]))
        }
        if not self.uses and not self.sure:
            self.flaws.clear()
            self.devices.clear()
        return bool(self.uses) or self.sure
