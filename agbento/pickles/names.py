"""Names that pickles import: as they resolve, and whether they could be any.

The tables of pickle's ``fix_imports`` are the standard library's own; they have no public name.
"""

from __future__ import annotations

import importlib.util
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from functools import lru_cache
from typing import Final

LONGEST: Final = 1000


def resolved(module: str, name: str, protocol: int) -> tuple[str, str]:
    """Give module and name as unpickling looks them up: renamed from Python 2's below protocol 3."""
    if protocol >= 3:
        return module, name
    if (module, name) in NAME_MAPPING:
        return NAME_MAPPING[module, name]
    return IMPORT_MAPPING.get(module, module), name


def importable(module: str, name: str) -> bool:
    """Say whether both are identifiers, joined by dots: anything else, in bytes that may be no pickle, is no name."""
    return all(part.isidentifier() for part in (*module.split("."), *name.split(".")))


@lru_cache(4096)
def found_here(top: str) -> bool:
    """Say whether a top-level module of this name is installed here. Nothing is imported."""
    try:
        return importlib.util.find_spec(top) is not None
    except (ValueError, ImportError, AttributeError):  # what is imported already may have no spec
        return True
