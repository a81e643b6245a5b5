"""From a stored model to a Bento and to a container image: ``python -m agbento.bundle build|image``.

Both are named by what is in them, so that nothing is built twice: the Bento's version is a digest over the service's
sources, the lock, the Python and the model's tag; the image carries it as the label ``agbento.bento``.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from agbento.budget import Budget
from agbento.compiling import RECORD
from agbento.drift import DRIFT
from agbento.environment import ENVIRONMENT
from agbento.errors import AgbentoError, ServiceFailed
from agbento.image import base_image
from agbento.lock import ROOT
from agbento.papers import PAPERS
from agbento.permit import TRUST
from agbento.requirements import lock_of
from agbento.settings import LockSettings
from agbento.text import os_fault

NAME = "autogluon-bento"
LABEL = "agbento.bento"
# What decides over the Bento's content, beside the predictor; the last two are what bentofile.yaml includes.
SOURCES = ("bentofile.yaml", "service.py", "agbento/**/*.py")
IMPORTED = (*PAPERS, ENVIRONMENT, TRUST, RECORD, DRIFT)


def image_name(model: Any) -> str:
    """Give the image's name for a stored model: ``autogluon-bento:<name>-<version>``."""
    return f"{NAME}:{model.tag.name}-{model.tag.version}"


def bento_tag(model: Any, root: Path = ROOT) -> str:
    """Give the tag of the Bento that the sources below ``root`` make of ``model``: the same for the same content."""
    digest, stored = hashlib.sha256(str(model.tag).encode()), Path(model.path)
    for file in sorted(file for pattern in SOURCES for file in root.glob(pattern)):
        digest.update(f"\0{file.relative_to(root)}\0".encode() + file.read_bytes())
    for file in (stored / name for name in IMPORTED):
        if file.is_file():
            digest.update(f"\0{file.name}\0".encode() + file.read_bytes())
    return f"{NAME}:{digest.hexdigest()[:16]}"


def build_bento(model: Any) -> str:
    """Build the Bento of ``model``, unless it is there; returns its tag. Raises ServiceFailed where BentoML cannot."""
    import bentoml

    tag = bento_tag(model)
    lock_of(Path(model.path))
    try:
        bentoml.bentos.get(tag)
    except bentoml.exceptions.NotFound:
        version = tag.partition(":")[2]
        _bentoml(["build", "--version", version, str(ROOT)], MODEL_TAG=str(model.tag))
    return tag


def build_image(model: Any, options: Sequence[str] = ()) -> str:
    """Build the image of ``model``, unless it is there with the same content; returns its name.

    ``options`` join the command line of ``bentoml containerize``. Raises ServiceFailed where the engine cannot.
    """
    name, bento = image_name(model), bento_tag(model)
    if _inspect(name, f'{{{{index .Config.Labels "{LABEL}"}}}}') == bento:
        return name
    argument = index_argument()
    build_bento(model)
    _readable(Path(model.path))
    _bentoml(["containerize", bento, "-t", name, "--opt", f"label={LABEL}={bento}", *argument, *options])
    if _inspect(name, "{{.Id}}") is None:
        raise ServiceFailed(f"image {name}: the engine has not built it; its last lines above say why")
    return name


def index_argument() -> list[str]:
    """Give the build argument that TORCH_INDEX asks for; raises ServiceFailed where it holds credentials."""
    index = LockSettings.read().torch_index
    if index and urlsplit(index).username is not None:
        raise ServiceFailed("TORCH_INDEX: holds credentials, which the image's history would keep; give one without")
    return ["--opt", f"build-arg=TORCH_INDEX={index}"] if index else []


def split_options(text: str) -> list[str]:
    """Give the options that one text holds, as a shell would; raises ServiceFailed where a quote is not closed."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise ServiceFailed(f"--options {text!r}: {str(error).lower()}") from None


def image_bytes(name: str) -> int:
    """Give the size of an image, in bytes, its base included; raises ServiceFailed if there is no such image."""
    size = _inspect(name, "{{.Size}}")
    if size is None:
        raise ServiceFailed(f"image {name}: there is no such image; build it with `make image`")
    return int(size)


def check_budget(model: Any, name: str) -> str:
    """Hold what the image of ``model`` weighs beyond its base against its budget; give the line that says it.

    Raises ServiceFailed where it weighs more, with the largest packages.
    """
    stored = Path(model.path)
    beyond = image_bytes(name) - image_bytes(base_image(stored))
    budget = Budget.of(lock_of(stored))
    line = f"{name}: {beyond / 1e6:.0f} MB beyond its base, of at most {budget.megabytes}: {budget.kind}"
    if beyond > budget.megabytes * 1e6:
        raise ServiceFailed(f"{line}; its largest packages, in MB: {_largest(name)}")
    return line


def _largest(name: str) -> str:
    script = "du -sm /app/.venv/lib/python*/site-packages/* | sort -rn | head -8 | sed 's,/.*/,,'"
    command = [docker(), "run", "--rm", "--network", "none", "--entrypoint", "sh", name, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return ", ".join(" ".join(reversed(line.split())) for line in done.stdout.splitlines()) or "not known"


def docker() -> str:
    """Find the container engine's client; raises ServiceFailed where there is none."""
    found = shutil.which("docker")
    if found is None:
        raise ServiceFailed("docker: not found on the PATH; images need a container engine, `make serve` needs none")
    return found


def _inspect(name: str, template: str) -> str | None:
    """Ask the engine about a local image; None if it has no such image."""
    command = [docker(), "image", "inspect", "--format", template, name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return done.stdout.strip()
    if "no such image" in done.stderr.lower():
        return None
    lines = done.stderr.strip().splitlines() or ["no answer"]
    raise ServiceFailed(f"docker: {lines[0]}; start the container engine, or ask for the right to use it")


def _readable(folder: Path) -> None:
    """Let any uid read a model: an image keeps the modes of the store, whose folders BentoML makes private."""
    for path in (folder, *folder.rglob("*")):
        mode = path.stat().st_mode
        wanted = mode | (0o055 if path.is_dir() else 0o044)
        if mode != wanted:
            try:
                path.chmod(wanted)
            except OSError as error:
                raise ServiceFailed(f"{path}: {os_fault(error)}; an image's user must be able to read it") from None


def _bentoml(arguments: Sequence[str], **environment: str) -> None:
    """Run BentoML's command line; what it prints goes to stderr: stdout is for the answer."""
    command = [sys.executable, "-m", "bentoml", *arguments]
    variables = {**os.environ, "BENTOML_DO_NOT_TRACK": "True", **environment}
    done = subprocess.run(command, env=variables, cwd=ROOT, stdout=sys.stderr, check=False)
    if done.returncode != 0:
        raise ServiceFailed(f"bentoml {arguments[0]}: ended with exit code {done.returncode}; its last lines say why")


def main(arguments: Sequence[str] | None = None) -> int:
    """Build what the command line asks for, and print it as the last line; 1 and one line on stderr if it cannot be."""
    parser = argparse.ArgumentParser(prog="python -m agbento.bundle", description=__doc__)
    parser.add_argument("what", choices=("build", "image"))
    parser.add_argument("--model", default="", help="`name` or `name:version`; empty: the newest import")
    parser.add_argument("--options", default="", help="more options for `bentoml containerize`, as one text")
    asked = parser.parse_args(arguments)
    try:
        from agbento.store import find

        model = find(asked.model or None)
        if asked.what == "build":
            line = build_bento(model)
        else:
            name = build_image(model, split_options(asked.options))
            sys.stderr.write(f"{check_budget(model, name)}\n")
            line = f"{name} {image_bytes(name) / 1e9:.2f} GB"
            # BentoML's own hint above names its port, not this service's.
            sys.stderr.write(f"run it: docker run --rm -p 9696:9696 {name}\n")
    except AgbentoError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{line}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
