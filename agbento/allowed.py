"""The names that a predictor's pickles may hold, and how: ``allowed.json``, which ``make allowed`` writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from agbento.permit import Name

_ALLOWED = Path(__file__).with_name("allowed.json")


@cache
def allowed() -> Mapping[Name, frozenset[str]]:
    """Give the names on the list: (module, qualified name) → the ways in which they may be used."""
    listed = json.loads(_ALLOWED.read_text("utf-8"))["names"]
    return {
        (module, name): frozenset(ways) | {"refer"} for module, names in listed.items() for name, ways in names.items()
    }


@cache
def allowed_modules() -> frozenset[str]:
    """Give the top-level modules of the names on the list."""
    return frozenset(module.partition(".")[0] for module, _ in allowed())
