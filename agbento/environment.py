"""What the container image is made of: the base, the lock's part that the service needs, and the shell commands.

The lock (requirements.txt, written by ``uv pip compile --universal``) also holds what only tests and benchmarks need.
Its ``# via`` notes say who asked for each package, on every platform, so the service's share is what can be reached
from the ``dependencies`` of pyproject.toml, whatever machine builds the image.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from bentoml.images import Image
from packaging.requirements import Requirement

from agbento.errors import ServiceFailed

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.txt"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

# Asked for by catboost and autogluon.core, for charts: with what only they need, 170 MB that no prediction imports.
NOT_SERVED = frozenset({"graphviz", "matplotlib", "plotly"})

# LightGBM and XGBoost need the OpenMP runtime, which slim images lack.
SYSTEM_PACKAGES = (
    "apt-get update -q && apt-get install -y -q --no-install-recommends libgomp1"
    " && apt-get clean && rm -rf /var/lib/apt/lists/*"
)
# The lock is complete: nothing may join it while installing (and what NOT_SERVED names stays out).
UV_SETTINGS = "mkdir -p /etc/uv && printf '[pip]\\nno-deps = true\\n' > /etc/uv/uv.toml"
# useradd makes the home 0700; any uid may have to read the Bento below it. BentoML writes below BENTOML_HOME at start,
# and its template sets it before `envs` of bentofile.yaml can: the instructions ride behind the command.
OPEN_HOME = "chmod 755 /home/bentoml\nENV BENTOML_HOME=/tmp/bentoml\nEXPOSE 9696"


@dataclass(frozen=True)
class Pin:
    """One package of the lock: its name, the lines that install it, and who asked for it (``# via``)."""

    name: str
    lines: tuple[str, ...]
    via: frozenset[str]


def pins(lock: str) -> list[Pin]:
    """Read a lock as uv writes it; a package may have several pins, each with its own environment marker."""
    blocks = re.findall(r"^(?:[A-Za-z0-9].*\n)(?:[ \t]+.*\n?)*", lock, re.MULTILINE)
    return [_pin(block.splitlines()) for block in blocks]


def _pin(lines: list[str]) -> Pin:
    kept = tuple(line for line in lines if not line.lstrip().startswith("#"))
    notes = (line.strip().removeprefix("#").strip().removeprefix("via").strip() for line in lines[1:] if "#" in line)
    return Pin(re.split(r"[\[=<> ;]", lines[0], maxsplit=1)[0], kept, frozenset(note for note in notes if note))


def served(lock: str, project: str = "autogluon-bento", python: str = PYTHON) -> str:
    """Give the lock's lines, hashes and markers kept, that the service needs under this Python, e.g. ``"3.11"``.

    Raises ServiceFailed where the lock names nothing that ``project`` asked for.
    """
    found = pins(lock)
    names = {pin.name for pin in found if f"{project} (pyproject.toml)" in pin.via}
    if not names:
        raise ServiceFailed(
            f"lock: no package is there 'via {project} (pyproject.toml)'; write it anew with `make lock`"
        )
    while more := {pin.name for pin in found if pin.via & names} - names - NOT_SERVED:
        names |= more
    kept = (pin for pin in found if pin.name in names and _fits(pin, python))
    return "".join(f"{line}\n" for pin in kept for line in pin.lines)


def _fits(pin: Pin, python: str) -> bool:
    marker = Requirement(pin.lines[0].rstrip("\\").strip()).marker
    linux = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    return marker is None or marker.evaluate({**linux, "platform_system": "Linux", "os_name": "posix"})


def image() -> Image:
    """Describe the image for ``@bentoml.service(image=…)``; in a Bento, which has its image, an empty description.

    An unlisted ``distro`` keeps BentoML from installing compilers and git. The Python is the one that runs now: the
    model was opened and proven under it. Raises ServiceFailed where the project's lock is missing.
    """
    base = f"python:{PYTHON}-slim"
    if (ROOT.parent / "bento.yaml").is_file():
        return Image(base_image=base, distro="slim", lock_python_packages=False)
    if not LOCK.is_file():
        raise ServiceFailed(f"lock: {LOCK} is missing, the image is made from it; `git checkout requirements.txt`")
    return Image(
        base_image=base,
        distro="slim",
        python_version=PYTHON,
        commands=[SYSTEM_PACKAGES, UV_SETTINGS],
        lock_python_packages=False,
        python_requirements=served(LOCK.read_text(encoding="utf-8")),
        post_commands=[OPEN_HOME],
    )
