from __future__ import annotations

import json
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from bentoml.images import Image

from agbento.environment import Environment
from agbento.image import base_image, image
from agbento.lock import PYTHON, ROOT

LOCK = "numpy==2.3.1 \\\n    --hash=sha256:aa\n"
OLD = Environment("1.5.0", "3.12.4", {"numpy": "2.3.1"}, ())


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    OLD.save(tmp_path)
    (tmp_path / "requirements.txt").write_text(LOCK)
    return tmp_path


pytestmark = pytest.mark.filterwarnings("ignore:path is deprecated:DeprecationWarning")  # BentoML's, while it builds


def dockerfile(made: Image, folder: Path) -> str:
    """What BentoML makes of it."""
    folder.mkdir()
    made.freeze(folder, [])
    return (folder / "env" / "docker" / "Dockerfile").read_text()


def test_packages_and_python_are_the_models(stored: Path, tmp_path: Path) -> None:
    made = image(stored, {})
    assert made.python_requirements == LOCK
    text = dockerfile(made, tmp_path / "bento")
    assert "FROM python:3.12-slim AS" in text
    assert "uv venv --python 3.12 /app/.venv" in text
    assert (tmp_path / "bento" / "env" / "python" / "requirements.txt").read_text().startswith("numpy==2.3.1")


@pytest.mark.parametrize("python", ["3.10.1", "3.11.9", "3.13.0"])
def test_each_python_has_its_base(stored: Path, python: str) -> None:
    replace(OLD, python=python).save(stored)
    assert base_image(stored) == f"python:{python.rpartition('.')[0]}-slim"


def test_it_holds_no_compilers_and_names_no_index(stored: Path, tmp_path: Path) -> None:
    text = dockerfile(image(stored, {}), tmp_path / "bento")
    assert not {"build-essential", "gcc", "git", "curl"} & set(text.replace("/", " ").split())
    assert "\nARG TORCH_INDEX\nARG UV_INDEX=$TORCH_INDEX\n" in text
    assert "http" not in text.replace("https://github.com/bentoml", "")


def test_labels_come_through_as_they_are(stored: Path, tmp_path: Path) -> None:
    labels = {"a.b": json.dumps({"who": 'Zoë "Z"', "cost": "$5 ${HOME} \\n", "s": "s3://x/y"}, ensure_ascii=False)}
    text = dockerfile(image(stored, labels), tmp_path / "bento")
    line = next(line for line in text.splitlines() if line.startswith("LABEL "))
    # Docker's rules for what is in double quotes are the shell's; shlex leaves \\$ as it is.
    value = shlex.split(line.replace("\\$", "$"))[1].partition("=")[2]
    assert json.loads(value) == json.loads(labels["a.b"])


def test_without_a_lock_it_cannot_be_built_and_says_so(tmp_path: Path) -> None:
    made = image(tmp_path, {})
    assert made.base_image == f"python:{PYTHON}-slim"
    assert "import it again" in made.commands[0]
    assert subprocess.run(["sh", "-c", made.commands[0]], capture_output=True, check=False).returncode == 1


def test_in_a_bento_no_lock_is_needed(tmp_path: Path) -> None:
    (tmp_path / "bento.yaml").write_text("name: x\n")
    source = tmp_path / "src"
    source.mkdir()
    (source / "agbento").symlink_to(ROOT / "agbento")
    code = (
        "import agbento.image as i; from pathlib import Path; i.ROOT = Path.cwd();"
        "print(repr(i.image(Path('none'), {}).python_requirements))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=source, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "''\n"
