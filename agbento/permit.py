"""What an import let pass in a predictor's pickles: kept with the stored model, needed wherever it is opened."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path

from agbento.text import shown

TRUST = "trust.json"  # in a stored model's folder
Name = tuple[str, str]


@dataclass(frozen=True)
class Permit:
    """What was found in a predictor's pickles and let pass.

    ``names`` are all of them, (module, qualified name). ``trusted`` are the names of ``--trust`` among them
    (``module.name``), ``by`` who gave them; ``brought`` are names that ``--code`` defines, ``placeholders`` names that
    nothing here has and that are only referred to. ``devices`` are those that tensors lay on in training.
    """

    names: tuple[Name, ...] = ()
    trusted: tuple[str, ...] = ()
    by: str = ""
    brought: tuple[Name, ...] = ()
    placeholders: tuple[Name, ...] = ()
    devices: tuple[str, ...] = ()

    def save(self, folder: Path) -> None:
        """Write it into a stored model's folder."""
        (folder / TRUST).write_text(json.dumps(asdict(self)) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Permit:
        """Read it from a stored model's folder; nothing was trusted, brought or missing where there is none."""
        try:
            read = json.loads((folder / TRUST).read_text("utf-8"))
            pairs = ("names", "brought", "placeholders")
            named = {key: tuple((str(module), str(name)) for module, name in read[key]) for key in pairs}
            return cls(trusted=tuple(read["trusted"]), by=read["by"], devices=tuple(read["devices"]), **named)
        except (OSError, ValueError, TypeError, KeyError):
            return cls()

    def lines(self) -> list[str]:
        """Say on a terminal what was not on the list."""
        told = [f"trusted by {self.by}: {', '.join(self.trusted)}"] if self.trusted else []
        if self.brought:
            told.append(f"brought with --code: {_listed(self.brought)}")
        if self.placeholders:
            told.append(f"not here and only referred to, so placeholders stand in for: {_listed(self.placeholders)}")
        return told


def _listed(names: Collection[Name]) -> str:
    return ", ".join(shown(f"{module}.{name}", 80) for module, name in names)
