"""What the container image is made of: the base, the model's lock, its labels, and the shell commands."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import attrs
from bentoml.images import Image

from agbento.environment import Environment
from agbento.lock import PYTHON, ROOT
from agbento.provenance import PROVENANCE
from agbento.requirements import LOCK
from agbento.sbom import SBOM

# LightGBM and XGBoost need the OpenMP runtime, which slim images lack.
SYSTEM_PACKAGES = (
    "apt-get update -q && apt-get install -y -q --no-install-recommends libgomp1"
    " && apt-get clean && rm -rf /var/lib/apt/lists/*"
)
# The lock is complete: nothing may join it while installing. It is hashed: which index has a package does not matter.
UV_SETTINGS = (
    "mkdir -p /etc/uv && printf '[pip]\\nno-deps = true\\nindex-strategy = \"unsafe-best-match\"\\n' > /etc/uv/uv.toml"
)
# Where CPU builds of torch are, if the usual index has them not; no layer and no variable of the image keeps it.
INDEX_ARGUMENT = "ARG TORCH_INDEX\nARG UV_INDEX=$TORCH_INDEX"
# useradd makes the home 0700; any uid may have to read the Bento below it. BentoML writes below BENTOML_HOME at start,
# and its template sets it before `envs` of bentofile.yaml can: the instructions ride behind the command.
OPEN_HOME = "chmod 755 /home/bentoml\nENV BENTOML_HOME=/tmp/bentoml\nEXPOSE 9696"


@attrs.define
class ModelImage(Image):
    """An image's description, and files that lie beside its requirements, in ``env/python/`` of the Bento."""

    papers: list[str] = attrs.field(factory=list)

    def freeze(self, bento_fs: Path, *arguments: Any, **options: Any) -> Any:
        """Write what BentoML builds the image from into the folder of the Bento."""
        info = super().freeze(bento_fs, *arguments, **options)
        for paper in self.papers:
            shutil.copy(paper, bento_fs / "env" / "python")
        return info


def base_image(stored: Path) -> str:
    """Give the base of a stored model's image: the slim one of its Python."""
    environment = Environment.load(stored)
    return f"python:{environment.python_minor if environment else PYTHON}-slim"


def image(stored: Path, labels: Mapping[str, str]) -> Image:
    """Describe the image of a stored model for ``@bentoml.service(image=…)``; in a Bento, which has one, an empty one.

    An unlisted ``distro`` keeps BentoML from installing compilers and git. Packages and Python are those of the model's
    lock. Without a lock the model can be served, and an image of it cannot be built.
    """
    base = base_image(stored)
    if (ROOT.parent / "bento.yaml").is_file():
        return Image(base_image=base, distro="slim", lock_python_packages=False)
    if not (stored / LOCK).is_file():
        fails = "echo 'the model has no lock: import it again, where a package index can be reached' >&2; exit 1"
        return Image(base_image=base, distro="slim", commands=[fails], lock_python_packages=False)
    # mypy does not see the fields of BentoML's class.
    return cast(Any, ModelImage)(
        base_image=base,
        distro="slim",
        python_version=base.removeprefix("python:").removesuffix("-slim"),
        commands=[SYSTEM_PACKAGES, f"{UV_SETTINGS}\n{INDEX_ARGUMENT}"],
        lock_python_packages=False,
        python_requirements=(stored / LOCK).read_text("utf-8"),
        post_commands=[f"{OPEN_HOME}\n{_label(labels)}" if labels else OPEN_HOME],
        papers=[str(stored / name) for name in (SBOM, PROVENANCE) if (stored / name).is_file()],
    )


def _label(labels: Mapping[str, str]) -> str:
    """Write a LABEL instruction; a dollar sign would be a variable of the build."""
    pairs = (f"{name}={json.dumps(value, ensure_ascii=False)}".replace("$", "\\$") for name, value in labels.items())
    return "LABEL " + " ".join(pairs)
