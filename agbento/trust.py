"""Whether a predictor may be opened: every name in its pickles is allowed, brought, or stood in for; else it is not.

``allowed.json`` lists, by module, the exact names that genuine predictors of AutoGluon hold, and whether these call
them or only refer to them; ``make allowed`` writes it. Nothing is opened before this room is done.
"""

from __future__ import annotations

import getpass
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from agbento.allowed import allowed
from agbento.code import Code
from agbento.errors import Untrusted
from agbento.permit import Name, Permit
from agbento.pickles.folder import read_folder
from agbento.pickles.reading import Reading, Use
from agbento.placeholders import is_here
from agbento.text import shown

_LISTED = 6
_DONE = {"refer": "referred to", "call": "called", "new": "made an object of", "build": "given a state"}


@dataclass(frozen=True)
class Examined:
    """A predictor that may be opened: why, and what was read."""

    permit: Permit
    reading: Reading


def examine(folder: Path, trusted: Collection[str] = (), code: Code | None = None) -> Examined:
    """Read every pickle below ``folder``, without running any, and let it pass or not.

    ``trusted`` are names, ``module.name``, that may be used although they are on no list.

    Raises:
        Untrusted: a name is on no list, or something is in the pickles that none needs; it names file, offset and name.
    """
    reading = read_folder(folder)
    found = _Verdicts(trusted, code)
    for uses in _by_name(reading.uses):
        found.judge(uses)
    faults = [f"{flaw.where.file} at byte {flaw.where.offset}: {flaw.what}" for flaw in reading.flaws]
    faults += found.refused
    if faults:
        more = f"; and {len(faults) - _LISTED} more" if len(faults) > _LISTED else ""
        raise Untrusted(f"not opened: {'; '.join(shown(fault, 300) for fault in faults[:_LISTED])}{more}")
    return Examined(found.permit(reading), reading)


class _Verdicts:
    """What is let pass, by reason, and what is not."""

    def __init__(self, trusted: Collection[str], code: Code | None) -> None:
        self._may, self._code = frozenset(trusted), code
        self._trusted: set[str] = set()
        self._brought: set[Name] = set()
        self._missing: set[Name] = set()
        self.refused: list[str] = []

    def judge(self, uses: Sequence[Use]) -> None:
        """Let one name pass, of which these are all uses, or note why not."""
        name = (uses[0].module, uses[0].name)
        full, listed = ".".join(name), allowed().get(name, frozenset())
        beyond = [use for use in uses if use.way not in listed]
        if not beyond:
            return
        if full in self._may:
            self._trusted.add(full)
        elif self._code is not None and self._code.defines(*name) and not is_here(name[0]):
            self._brought.add(name)
        elif all(use.way == "refer" for use in uses) and _can_be_stood_in_for(*name):
            self._missing.add(name)
        else:
            worst = next((use for use in beyond if use.way != "refer"), beyond[0])
            self.refused.append(f"{worst.where.file} at byte {worst.where.offset}: {full} {self._why(worst)}")

    def permit(self, reading: Reading) -> Permit:
        """Give what was let pass."""
        return Permit(
            tuple(sorted({(use.module, use.name) for use in reading.uses})),
            tuple(sorted(self._trusted)),
            _who() if self._trusted else "",
            tuple(sorted(self._brought)),
            tuple(sorted(self._missing)),
            tuple(sorted(reading.devices)),
        )

    def _why(self, use: Use) -> str:
        full = f"{use.module}.{use.name}"
        if (use.module, use.name) in allowed():
            return f"is {_DONE[use.way]}, which no predictor of AutoGluon does; if you know why it is: --trust {full}"
        if self._code is not None and self._code.has(use.module):
            why = "is of a module that is here already" if is_here(use.module) else "is not defined there itself"
            return f"{why}, so it is not taken from --code; if you know what it does: --trust {full}"
        if use.module == "__main__" or not is_here(use.module):
            return (
                f"is {_DONE[use.way]} and not here; bring the code that defines it, in a module of its own: --code DIR"
            )
        return f"is not among the names that AutoGluon's predictors need; if you know what it does: --trust {full}"


def _can_be_stood_in_for(module: str, name: str) -> bool:
    if not all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
        return False
    if module == "__main__":  # of the program that trained it, which is another one here
        return "." not in name and not name.startswith("__")
    return not is_here(module) and not any(part.startswith("__") for part in name.split("."))


def _by_name(uses: Iterable[Use]) -> list[list[Use]]:
    found: dict[Name, list[Use]] = {}
    for use in uses:
        found.setdefault((use.module, use.name), []).append(use)
    return list(found.values())


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a uid without a name
        return "unknown"
