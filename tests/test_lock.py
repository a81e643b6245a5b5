from __future__ import annotations

import re
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from agbento import lock
from agbento.requirements import CHARTS, service_requirements

LOCK = lock.PROJECT_LOCK.read_text("utf-8")
SERVICE = [*(asked.name for asked in service_requirements()), "autogluon.tabular"]

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


def installed_closure() -> dict[str, str]:
    """What the installed packages' own metadata say the service needs, on this machine: name → version."""
    import tomllib

    wanted = tomllib.loads((lock.ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    todo, seen = [Requirement(text) for text in wanted], set()
    found: dict[str, str] = {}
    while todo:
        asked = todo.pop()
        name = canonicalize_name(asked.name)
        if (name, *sorted(asked.extras)) in seen or name in CHARTS:
            continue
        seen.add((name, *sorted(asked.extras)))
        package = distribution(name)
        found[name] = package.version
        for below in map(Requirement, package.requires or ()):
            extras = asked.extras or {""}
            if below.marker is None or any(below.marker.evaluate({"extra": extra}) for extra in extras):
                todo.append(below)
    return found


def needed(text: str, *names: str, python: str = lock.PYTHON, without: frozenset[str] = frozenset()) -> dict[str, str]:
    return lock.versions(lock.needed_lines(text, names, without=without, python=python), python)


def test_the_lock_holds_all_that_the_installed_packages_ask_for() -> None:
    served, installed = needed(LOCK, *SERVICE, without=CHARTS), installed_closure()
    assert {name: served.get(name) for name in installed} == installed
    assert len(installed) > 50


def test_nothing_of_tests_benchmarks_and_charts_is_served() -> None:
    served, dev = needed(LOCK, *SERVICE, without=CHARTS), {"flask", "gunicorn", "locust", "moto", "mypy", "pytest"}
    assert dev <= set(lock.versions(LOCK))
    assert not served.keys() & (dev | CHARTS)


def test_every_package_is_pinned_with_hashes() -> None:
    for pin in lock.pins(LOCK):
        assert pin.version
        assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in pin.lines[1:])
        assert len(pin.hashes) == len(pin.lines) - 1 > 0
        assert pin.via


def test_markers_choose_by_python_and_linux() -> None:
    assert needed(SMALL_LOCK, "app_server", python="3.10") == {"app-server": "1.0", "below": "3.1", "plotly": "7.0"} | {
        "crayons": "1.0"
    }
    assert needed(SMALL_LOCK, "app.server", python="3.12")["app-server"] == "2.0"


def test_what_is_left_out_takes_along_what_only_it_needs() -> None:
    assert needed(SMALL_LOCK, "app-server", without=frozenset({"plotly"})).keys() == {"app-server", "below"}
    assert needed(SMALL_LOCK, "plotly", without=frozenset({"plotly"})) == {}
    assert needed(SMALL_LOCK, "nowhere") == {}


def test_lines_are_kept_as_they_stand() -> None:
    assert lock.needed_lines(SMALL_LOCK, ["app-server"], without={"plotly"}, python="3.11") == (
        "app-server[fast]==2.0 ; python_full_version >= '3.11' \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n"
        "below==3.1 \\\n    --hash=sha256:dd\n"
    )


def test_local_versions_are_the_same() -> None:
    text = "torch==2.13.0+cpu \\\n    --hash=sha256:aa\n    # via x\n"
    assert lock.missing(text, {"torch": "2.13.0"}) == []
    assert lock.missing(text, {"torch": "2.13.1", "Other_One": "1"}) == ["torch", "Other_One"]


def test_an_environment_of_a_models_own_has_its_own_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert lock.here() == lock.PROJECT_LOCK
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    (tmp_path / lock.OWN_LOCK).write_text("")
    assert lock.here() == tmp_path / lock.OWN_LOCK


def test_a_lock_of_a_lock_is_a_lock() -> None:
    part = lock.needed_lock(LOCK, SERVICE)
    assert lock.needed_lines(part, SERVICE, without=CHARTS) == lock.needed_lines(LOCK, SERVICE, without=CHARTS)
    assert "darwin" in part
