"""From a model's environment to a lock: the service's own requirements and the model's, resolved together.

Where the running environment's lock holds every version that the model asks for, its share is taken from there and no
index is asked. Else ``uv pip compile`` resolves, with that lock's versions where nothing speaks against them. No lock
names an index.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from agbento import lock
from agbento.environment import Environment
from agbento.errors import NotLockable
from agbento.libraries import AUTOGLUON, model_distributions
from agbento.text import one_line
from agbento.versions import public

if sys.version_info >= (3, 11):
    import tomllib
else:  # BentoML brings it
    import tomli as tomllib

LOCK = "requirements.txt"  # in a stored model's folder
# Asked for by catboost and autogluon.core, for charts: with what only they need, 170 MB that no prediction imports.
CHARTS = frozenset({"graphviz", "matplotlib", "plotly"})
IMPORTERS = frozenset({"cyclonedx-python-lib"})  # what only imports need
_HEAVY = frozenset({"torch", "fastai", "pytabkit", "tabicl", "tabpfn"})  # what compiled models do without
_SECONDS = 300
# What is built from source runs code of its own while it is resolved or installed.
WHEELS = ("--only-binary", ":all:")
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_", "UV_", "SSL_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


@dataclass(frozen=True)
class Locked:
    """A lock, and what of the model's environment it could not have in the version of the training."""

    text: str
    relaxed: tuple[str, ...] = ()


@cache
def service_requirements() -> tuple[Requirement, ...]:
    """Give what the service and the importer need, AutoGluon left out: the ``dependencies`` of pyproject.toml."""
    project = tomllib.loads((lock.ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = (Requirement(text) for text in project["dependencies"])
    return tuple(asked for asked in wanted if canonicalize_name(asked.name) != AUTOGLUON)


def opening_lock(environment: Environment, torch_index: str | None, cuda: bool = False) -> Locked:
    """Lock what importing and opening the model takes. Raises NotLockable."""
    return _locked(environment, torch_index, cuda, serving=False)


def serving_lock(environment: Environment, torch_index: str | None, cuda: bool = False) -> Locked:
    """Lock what serving the model takes, as its image has it. Raises NotLockable."""
    return _locked(environment, torch_index, cuda, serving=True)


def lock_of(stored: Path) -> str:
    """Read the lock of a stored model. Raises NotLockable where it has none."""
    try:
        return (stored / LOCK).read_text("utf-8")
    except OSError:
        raise NotLockable(
            f"{stored / LOCK}: the model has no lock; import it again, where a package index can be reached"
        ) from None


def compiled_needs(environment: Environment) -> tuple[str, ...]:
    """Name the packages that a model needs whose answers come from native calls alone: no torch, and not what it needs.

    The libraries of trees stay, and AutoGluon: where its own predictor is to serve (``USE_COMPILED=false``), it can.
    """
    models = [name for name in environment.models if name not in _HEAVY]
    text = lock.here_text()
    roots = [*(asked.name for asked in service_requirements()), AUTOGLUON, *models]
    others = lock.versions(lock.needed_lines(text, roots)).keys() & environment.packages.keys()
    return tuple(sorted({*models, *(name for name in others if name not in environment.models)}))


def _locked(environment: Environment, index: str | None, cuda: bool, *, serving: bool) -> Locked:
    unused = model_distributions() - set(environment.models)
    python = environment.python_minor
    text = lock.here_text()
    relaxed: tuple[str, ...] = ()
    if lock.missing(text, environment.pinned(), python):
        text, relaxed = _resolved(environment, text, index)
    names = [*(asked.name for asked in service_requirements()), *environment.pinned()]
    if serving:
        found = lock.needed_lines(text, names, without=CHARTS | IMPORTERS | unused, python=python)
    else:
        found = lock.needed_lock(text, names, without=unused)
    gpu = [name for name in lock.versions(found, python) if name.startswith(("nvidia-cu", "nvidia-nccl"))]
    if gpu and not cuda:
        raise NotLockable(
            f"torch of this index brings {len(gpu)} packages of CUDA ({gpu[0]} …): set TORCH_INDEX to an index of its "
            "CPU builds, or give --cuda"
        )
    return Locked(found, relaxed)


def _resolved(environment: Environment, preferred: str, index: str | None) -> tuple[str, tuple[str, ...]]:
    """Resolve with the versions of the training; where that cannot be, with their major ones but for the models'."""
    try:
        return _compiled(_wanted(environment.pinned()), environment, preferred, index), ()
    except NotLockable:
        free = [name for name in environment.packages if name not in environment.models]
        if not free:
            raise
    ranges = {name: version for name, version in environment.pinned().items() if name not in free}
    bounds = [_same_major(name, environment.packages[name]) for name in free]
    text = _compiled([*_wanted(ranges), *bounds], environment, preferred, index)
    held = lock.versions(text, environment.python_minor)
    changed = (name for name in free if held.get(name) != public(environment.packages[name]))
    return text, tuple(f"{name} {held.get(name, 'none')} for {environment.packages[name]}" for name in changed)


def _wanted(versions: Mapping[str, str]) -> list[str]:
    return [*map(str, service_requirements()), *_exact(versions)]


def _exact(versions: Mapping[str, str]) -> Iterator[str]:
    for name, version in versions.items():
        if name == "xgboost-cpu":  # there is none for macOS
            yield f"xgboost-cpu=={public(version)} ; sys_platform != 'darwin'"
            yield f"xgboost=={public(version)} ; sys_platform == 'darwin'"
        else:
            yield f"{name}=={public(version)}"


def _same_major(name: str, version: str) -> str:
    major = Version(version).major
    return f"{name}>={major},<{major + 1}"


def _compiled(wanted: Collection[str], environment: Environment, preferred: str, index: str | None) -> str:
    """Run ``uv pip compile``; ``preferred`` is a lock whose versions are taken where they fit. Raises NotLockable."""
    with tempfile.TemporaryDirectory(prefix="agbento-lock-") as folder:
        asked, result = Path(folder) / "requirements.in", Path(folder) / "requirements.txt"
        asked.write_text("".join(f"{line}\n" for line in wanted), "utf-8")
        result.write_text(preferred, "utf-8")
        options = ["--python-version", environment.python_minor, "--generate-hashes", "--no-header", *WHEELS]
        # CPU builds of torch are versions of their own, and each platform has others: their lock is for this one.
        options += [] if index and "torch" in environment.packages else ["--universal"]
        options += index_options(index)
        command = [uv(), "pip", "compile", "--quiet", str(asked), *options, "--output-file", str(result)]
        try:
            done = subprocess.run(
                command,
                env=uv_environment(),
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise NotLockable(
                f"resolving its requirements took more than {_SECONDS} s; is the index reached?"
            ) from None
        if done.returncode != 0:
            said = one_line(done.stderr.replace(str(asked), "requirements"), 400)
            raise NotLockable(f"its requirements cannot be resolved: {said}")
        return result.read_text("utf-8")


def index_options(index: str | None) -> list[str]:
    """Give uv's options for an index beside the usual ones; hashes say what is taken from either."""
    return ["--index", index, "--index-strategy", "unsafe-best-match"] if index else []


def uv_environment() -> dict[str, str]:
    """Give what uv is given of the environment: nothing of credentials but its own."""
    return {name: value for name, value in os.environ.items() if name.upper().startswith(_KEPT)}


def uv() -> str:
    """Find uv: beside this Python, or on the PATH. Raises NotLockable."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.is_file() else shutil.which("uv")
    if found is None:
        raise NotLockable("uv, which resolves requirements, is not here: `pip install uv`")
    return found
