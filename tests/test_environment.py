from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from agbento import environment
from agbento.errors import ServiceFailed

LOCK = environment.LOCK.read_text("utf-8")

SMALL_LOCK = """\
# made by hand
app-server[fast]==1.0 ; python_full_version < '3.11' \\
    --hash=sha256:aa
    # via
    #   autogluon-bento (pyproject.toml)
    #   tester
app-server[fast]==2.0 ; python_full_version >= '3.11' \\
    --hash=sha256:bb \\
    --hash=sha256:cc
    # via
    #   autogluon-bento (pyproject.toml)
    #   tester
below==3.1 \\
    --hash=sha256:dd
    # via app-server
crayons==1.0 \\
    --hash=sha256:ee
    # via plotly
plotly==7.0 \\
    --hash=sha256:ff
    # via below
tester==4.0 \\
    --hash=sha256:00
    # via autogluon-bento (pyproject.toml:dev)
winonly==1.0 ; sys_platform == 'win32' \\
    --hash=sha256:11
    # via below
"""


def names(lines: str) -> dict[str, str]:
    return dict(re.findall(r"^([A-Za-z0-9_.-]+)(?:\[.*?\])?==(\S+)", lines, re.MULTILINE))


def installed_closure() -> dict[str, str]:
    """What the installed packages' own metadata say the service needs, on this machine: name → version."""
    import tomllib

    wanted = tomllib.loads((environment.ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    todo, seen = [Requirement(text) for text in wanted], set()
    found: dict[str, str] = {}
    while todo:
        asked = todo.pop()
        name = canonicalize_name(asked.name)
        if (name, *sorted(asked.extras)) in seen or name in environment.NOT_SERVED:
            continue
        seen.add((name, *sorted(asked.extras)))
        package = distribution(name)
        found[name] = package.version
        for below in map(Requirement, package.requires or ()):
            extras = asked.extras or {""}
            if below.marker is None or any(below.marker.evaluate({"extra": extra}) for extra in extras):
                todo.append(below)
    return found


def test_the_lock_holds_all_that_the_installed_packages_ask_for() -> None:
    served = names(environment.served(LOCK))
    needed = installed_closure()
    assert {name: served.get(name) for name in needed} == needed
    assert len(needed) > 50


def test_nothing_of_tests_benchmarks_and_charts_is_served() -> None:
    served, dev = names(environment.served(LOCK)), {"flask", "gunicorn", "locust", "moto", "mypy", "pytest", "ruff"}
    assert dev <= set(names(LOCK))
    assert not served.keys() & (dev | environment.NOT_SERVED)


def test_every_package_is_pinned_with_hashes() -> None:
    for pin in environment.pins(LOCK):
        assert "==" in pin.lines[0]
        assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in pin.lines[1:])
        assert len(pin.lines) > 1
        assert pin.via


def test_markers_choose_by_the_images_python_and_linux() -> None:
    assert names(environment.served(SMALL_LOCK, python="3.10")) == {"app-server": "1.0", "below": "3.1"}
    assert names(environment.served(SMALL_LOCK, python="3.12")) == {"app-server": "2.0", "below": "3.1"}


def test_lines_are_kept_as_they_stand() -> None:
    assert environment.served(SMALL_LOCK, python="3.11") == (
        "app-server[fast]==2.0 ; python_full_version >= '3.11' \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n"
        "below==3.1 \\\n    --hash=sha256:dd\n"
    )


def test_a_lock_of_another_project_is_refused() -> None:
    with pytest.raises(ServiceFailed, match=r"via other \(pyproject.toml\).*make lock"):
        environment.served(SMALL_LOCK, project="other")


def test_a_missing_lock_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(environment, "LOCK", tmp_path / "requirements.txt")
    with pytest.raises(ServiceFailed, match=r"requirements\.txt is missing"):
        environment.image()


def test_the_image_holds_no_compilers_and_bentoml_as_locked() -> None:
    image = environment.image()
    commands = " ".join(image.commands + image.post_commands)
    assert "build-essential" not in commands
    assert "git" not in commands
    assert not image.lock_python_packages
    assert names(image.python_requirements)["bentoml"] == distribution("bentoml").version
    assert "index" not in image.python_requirements


def test_in_a_bento_no_lock_is_needed(tmp_path: Path) -> None:
    (tmp_path / "bento.yaml").write_text("name: x\n")
    package = tmp_path / "src" / "agbento"
    package.mkdir(parents=True)
    for name in ("__init__.py", "environment.py", "errors.py"):
        shutil.copy(environment.ROOT / "agbento" / name, package)
    code = "from agbento.environment import image; print(repr(image().python_requirements))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=package.parent, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "''\n"
