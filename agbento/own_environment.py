"""An environment of a model's own, made from its lock: where it is imported and served as it was trained.

It lies in ``.cache/environments/<digest of the lock>/`` of the project and is made once. The lock goes with it
(`lock.here` finds it there), so that what is imported in it is locked to the same versions without asking an index.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from agbento import lock
from agbento.environment import Environment
from agbento.errors import AgbentoError, NotLockable
from agbento.requirements import WHEELS, index_options, lock_of, uv, uv_environment
from agbento.settings import LockSettings
from agbento.text import one_line, os_fault

FOLDER = lock.ROOT / ".cache" / "environments"


def python_of(text: str, python: str, torch_index: str | None = None) -> Path:
    """Give the interpreter of the environment that the lock ``text`` makes, made now unless it is there.

    ``python`` is its minor version, e.g. ``"3.11"``. Raises NotLockable where it cannot be made.
    """
    digest = hashlib.sha256(f"{python}\0{text}".encode()).hexdigest()[:16]
    place = FOLDER / digest
    try:
        with _alone(FOLDER / f"{digest}.lock") as held:
            if not (place / lock.OWN_LOCK).is_file():
                _make(place, text, python, torch_index, held)
    except OSError as error:
        raise NotLockable(f"{FOLDER}: {os_fault(error)}; environments are made there: make it writable") from None
    return place / "bin" / "python"


def run_in(python: Path, command: Sequence[str]) -> NoReturn:
    """Run ``python command…`` in place of this process, which does not come back."""
    sys.stdout.flush()
    sys.stderr.flush()
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "VIRTUAL_ENV")}
    # uv comes along: it is in no model's lock.
    places = (str(python.parent), variables.get("PATH", os.defpath), str(Path(uv()).parent))
    variables["PATH"] = os.pathsep.join(places)
    os.execve(python, [str(python), *command], variables)  # noqa: S606 - the interpreter that was just made


def _make(place: Path, text: str, python: str, torch_index: str | None, held: int) -> None:
    shutil.rmtree(place, ignore_errors=True)
    interpreter = sys.executable if python == lock.PYTHON else python
    _uv(held, "venv", "--python", interpreter, str(place))
    draft = place / f"{lock.OWN_LOCK}.draft"
    draft.write_text(text, "utf-8")
    target = ["--python", str(place / "bin" / "python")]
    _uv(
        held,
        "pip",
        "install",
        *target,
        "--no-deps",
        "--require-hashes",
        *WHEELS,
        *index_options(torch_index),
        "-r",
        str(draft),
    )
    draft.rename(place / lock.OWN_LOCK)  # it is whole where this is


def _uv(held: int, *arguments: str) -> None:
    done = subprocess.run(
        [uv(), *arguments, "--quiet"],
        env=uv_environment(),
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=False,
        pass_fds=(held,),  # where this process is killed, nobody else begins before uv has ended
    )
    if done.returncode != 0:
        raise NotLockable(f"its environment cannot be made: uv {arguments[0]}: {one_line(done.stderr, 400)}")


@contextmanager
def _alone(file: Path) -> Iterator[int]:
    """Wait until nobody else makes the same environment; give the descriptor that holds the lock."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve a stored model in its own environment: ``python -m agbento.own_environment [TAG] -- bentoml's options``."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    split = given.index("--") if "--" in given else len(given)
    try:
        from agbento.store import find

        stored = Path(find(next(filter(None, given[:split]), None)).path)
        environment, text = Environment.load(stored), lock_of(stored)
        if environment is None:
            raise NotLockable(f"{stored}: imported by an earlier version, without its environment; import it again")
        index = LockSettings.read().torch_index
        sys.stderr.write(f"the environment of {stored.parent.name}:{stored.name}; made now if it is not there\n")
        python = python_of(text, environment.python_minor, index)
    except AgbentoError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    run_in(python, ["-m", "bentoml", "serve", *given[split + 1 :]])


if __name__ == "__main__":
    sys.exit(main())
