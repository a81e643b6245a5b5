"""Code that a predictor needs and that is brought with it (``--code DIR``): kept in the stored model, found from there.

Only what its modules define themselves counts as brought, not what they import: a name in a pickle may reach through a
module to whatever that imports.
"""

from __future__ import annotations

import ast
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from agbento.digest import files_digest
from agbento.errors import UsageError
from agbento.text import shown

CODE = "code"  # in a stored model's folder
_SKIPPED = frozenset({"__pycache__", "node_modules"})
_LARGEST = 64 << 20  # bytes of all files


class Code:
    """The Python modules below ``folder``. Raises UsageError where there is none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        given = f"--code {shown(str(folder))}"
        if not folder.is_dir():
            raise UsageError(f"{given}: no such folder; give the one that the modules lie in")
        self._files = tuple(_files(folder))
        if not self._files:
            raise UsageError(f"{given}: no Python file in it; give the folder that the modules lie in")
        if sum(file.stat().st_size for file in self._files) > _LARGEST:
            raise UsageError(f"{given}: more than {_LARGEST >> 20} MiB; give a folder of code alone")

    def defines(self, module: str, name: str) -> bool:
        """Tell whether a file of it is ``module`` and defines ``name`` (dotted: in classes) itself."""
        file = self._file(module)
        if file is None:
            return False
        try:
            found: ast.AST | None = ast.parse(file.read_bytes())
        except (SyntaxError, ValueError, RecursionError):
            return False
        for part in name.split("."):
            found = None if found is None else _defined(found, part)
        return found is not None

    def has(self, module: str) -> bool:
        """Tell whether a file of it is ``module``."""
        return self._file(module) is not None

    def copy(self, target: Path) -> None:
        """Copy its files into the new folder ``target``."""
        for file in self._files:
            place = target / file.relative_to(self._folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)

    def _file(self, module: str) -> Path | None:
        parts = module.split(".")
        if not all(part.isidentifier() for part in parts):
            return None
        base = self._folder.joinpath(*parts)
        return next((file for file in (base.with_suffix(".py"), base / "__init__.py") if file in self._files), None)


def code_digest(stored: Path) -> str | None:
    """Give the digest (`agbento.digest`) of the code that lies with a stored model; None: there is none."""
    folder = stored / CODE
    if not folder.is_dir():
        return None
    return files_digest((file.relative_to(folder).as_posix(), file) for file in _files(folder))


def add_code(stored: Path) -> None:
    """Let this process find the code that was brought with a stored model, if there is any."""
    folder = str(stored / CODE)
    if Path(folder).is_dir() and folder not in sys.path:
        # Last: nothing that is brought takes the place of what is here.
        sys.path.append(folder)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        # Only code, whatever else lies there: it goes into the store, the Bento and the image.
        if path.is_symlink() or path.name.startswith(".") or path.name in _SKIPPED:
            continue
        if path.is_dir():
            yield from _files(path)
        elif path.suffix == ".py" and path.is_file():
            yield path


def _defined(scope: ast.AST, name: str) -> ast.AST | None:
    """Give what defines ``name`` in the body of a module or class; None where it is imported, or not there."""
    for statement in getattr(scope, "body", ()):
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and statement.name == name:
            return statement if isinstance(statement, ast.ClassDef) else ast.Pass()
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and name in _assigned(statement):
            return ast.Pass()
    return None


def _assigned(statement: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return {target.id for target in targets if isinstance(target, ast.Name)}
