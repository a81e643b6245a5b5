"""A lock: exact versions with their hashes, as ``uv pip compile --universal --generate-hashes`` writes them.

Two are read: the project's ``requirements.txt``, which also holds what only tests and benchmarks need, and, in an
environment that was made for one model, that environment's own. Their ``# via`` notes say who asked for each package,
on every platform, so what a set of packages needs can be taken from a lock without asking an index.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from agbento.versions import public

ROOT = Path(__file__).resolve().parent.parent
PROJECT_LOCK = ROOT / "requirements.txt"
OWN_LOCK = "agbento-requirements.txt"  # in the folder of an environment that was made for one model
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True)
class Pin:
    """One package: its name, the lines that install it, who asked for it (``# via``), and all of its text."""

    name: str
    lines: tuple[str, ...]
    via: frozenset[str]
    text: str

    @property
    def version(self) -> str:
        """Its version."""
        return str(next(iter(self.requirement.specifier)).version)

    @property
    def hashes(self) -> tuple[str, ...]:
        """The SHA-256 digests of its files, hex."""
        return tuple(digest for line in self.lines for digest in re.findall(r"--hash=sha256:([0-9a-f]{64})", line))

    @property
    def requirement(self) -> Requirement:
        """Its first line without the hashes."""
        return Requirement(self.lines[0].rstrip("\\").strip())

    def fits(self, python: str) -> bool:
        """Tell whether it is for Linux and this Python, e.g. ``"3.11"``."""
        marker = self.requirement.marker
        linux: dict[str, str] = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
        linux |= {"python_version": python, "python_full_version": f"{python}.0"}
        return marker is None or marker.evaluate({**_here(), **linux})


def here() -> Path:
    """Give the lock that the running environment was made from, which may be missing."""
    own = Path(sys.prefix) / OWN_LOCK
    return own if own.is_file() else PROJECT_LOCK


def here_text() -> str:
    """Read the lock that the running environment was made from; empty where it is missing."""
    file = here()
    return file.read_text("utf-8") if file.is_file() else ""


def pins(lock: str) -> list[Pin]:
    """Read a lock as uv writes it; a package may have several pins, each with its own environment marker."""
    blocks = re.findall(r"^(?:[A-Za-z0-9].*\n)(?:[ \t]+.*\n?)*", lock, re.MULTILINE)
    return [_pin(block) for block in blocks]


def versions(lock: str, python: str = PYTHON) -> dict[str, str]:
    """Give name → version of what the lock installs on Linux under this Python."""
    return {pin.name: pin.version for pin in pins(lock) if pin.fits(python)}


def needed_lines(lock: str, names: Collection[str], *, without: Collection[str] = (), python: str = PYTHON) -> str:
    """Give the lock's lines, hashes and markers kept, for ``names`` and all that these need on Linux.

    ``without`` are packages that are left out, with what only they need. Where the lock lacks one of ``names``, so does
    the answer.
    """
    chosen = (pin for pin in _needed(lock, names, without) if pin.fits(python))
    return "".join(f"{line}\n" for pin in chosen for line in pin.lines)


def needed_lock(lock: str, names: Collection[str], *, without: Collection[str] = ()) -> str:
    """Give the same as a lock again: for every platform, and with the notes of who asked for what."""
    return "".join(pin.text for pin in _needed(lock, names, without))


def _needed(lock: str, names: Collection[str], without: Collection[str]) -> list[Pin]:
    found = pins(lock)
    kept = {str(canonicalize_name(name)) for name in names} & {pin.name for pin in found} - set(without)
    while more := {pin.name for pin in found if pin.via & kept} - kept - set(without):
        kept |= more
    return [pin for pin in found if pin.name in kept]


def missing(lock: str, wanted: Mapping[str, str], python: str = PYTHON) -> list[str]:
    """Name what ``wanted`` (name → version) has and the lock has not in that version; local parts (+cpu) are none."""
    held = {name: public(version) for name, version in versions(lock, python).items()}
    return [name for name, version in wanted.items() if held.get(canonicalize_name(name)) != public(version)]


def _pin(text: str) -> Pin:
    lines = text.splitlines()
    kept = tuple(line for line in lines if not line.lstrip().startswith("#"))
    notes = (line.strip().removeprefix("#").strip().removeprefix("via").strip() for line in lines[1:] if "#" in line)
    return Pin(re.split(r"[\[=<> ;]", lines[0], maxsplit=1)[0], kept, frozenset(note for note in notes if note), text)


def _here() -> dict[str, str]:
    return {name: str(value) for name, value in default_environment().items()}
