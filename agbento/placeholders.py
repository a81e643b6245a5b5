"""Stand-ins for what a predictor only refers to and what is not here: a metric of the team's, a callback.

AutoGluon keeps the metric that a predictor was trained for, and does not call it to predict. A placeholder takes its
place when the predictor is opened, pickles by its name as the original would, and raises if it is ever called.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from types import ModuleType
from typing import Any, NoReturn


class MissingCodeError(RuntimeError):
    """Something was called of which only the name is here."""


class Placeholder:
    """What is at ``name`` (dotted where nested) of ``module``; calling it raises MissingCodeError."""

    def __init__(self, module: str, name: str) -> None:
        self.__module__, self.__qualname__, self.__name__ = module, name, name.rpartition(".")[2]

    def __call__(self, *_arguments: Any, **_options: Any) -> NoReturn:
        """Raise: of what would be called only the name is here."""
        raise MissingCodeError(
            f"{self.__module__}.{self.__qualname__} is called, and was not here when the model was imported: "
            "import it again with --code DIR, where DIR holds that module"
        )

    def __reduce__(self) -> str:
        # Pickled by reference, as functions are; copies are the object itself.
        return self.__qualname__

    def __repr__(self) -> str:
        return f"<placeholder of {self.__module__}.{self.__qualname__}>"


def is_here(module: str) -> bool:
    """Tell whether ``module``, or what it lies in, can be found here; nothing is imported.

    Of a package that is found all is taken to be here: packages make modules that no finder knows of.
    """
    top = module.partition(".")[0]
    if top in sys.modules or top in sys.builtin_module_names:
        return True
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return True
    # A folder without __init__.py is found as a namespace package, whatever is in it: it is here as far as it has code.
    if spec is not None and spec.origin is None and spec.submodule_search_locations is not None:
        return _is_in(list(spec.submodule_search_locations), module)
    return spec is not None


def install(names: Iterable[tuple[str, str]]) -> None:
    """Put a placeholder where each of ``names`` (module, qualified name) will be looked for, unless one is there.

    Raises ImportError where ``__main__`` has something else by that name.
    """
    for module, name in names:
        owner: Any = _module(module)
        *above, last = name.split(".")
        for depth, part in enumerate(above, 1):
            inside = owner.__dict__.get(part)
            if not isinstance(inside, Placeholder):
                inside = Placeholder(module, ".".join(above[:depth]))
                setattr(owner, part, inside)
            owner = inside
        found = owner.__dict__.get(last)
        if found is None:
            setattr(owner, last, Placeholder(module, name))
        elif not isinstance(found, Placeholder) and module == "__main__":
            raise ImportError(f"the model refers to __main__.{name}, and the program that opens it has its own")


def _module(name: str) -> ModuleType:
    """Give the module ``name``, made empty with what it lies in where it is not here."""
    if name in sys.modules:
        return sys.modules[name]
    above, _, last = name.rpartition(".")
    parent = _module(above) if above else None
    module = ModuleType(name, "Made by agbento: the model refers to names of this module, and it is not here.")
    module.__path__ = []  # so that modules can lie in it
    sys.modules[name] = module
    if parent is not None:
        setattr(parent, last, module)
    return module


def _is_in(folders: list[str], module: str) -> bool:
    """Tell whether a file of ``module``, or of a package that it lies in, is below the folders of its top one."""
    for part in module.split(".")[1:]:
        specs = [spec for folder in folders if (spec := PathFinder.find_spec(part, [folder])) is not None]
        if any(spec.origin is not None for spec in specs):
            return True
        folders = [place for spec in specs for place in _portions(spec)]
    return False


def _portions(spec: ModuleSpec) -> list[str]:
    # A namespace's own path asks the module that it lies in, which is not imported; what it holds is known.
    return list(getattr(spec.submodule_search_locations, "_path", None) or ())
