from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agbento.code import CODE, Code, code_digest
from agbento.errors import UsageError

SOURCE = """\
import os
from os import system
from subprocess import *
raise SystemExit("imported")
def rmsle(a, b): return 0
async def later(): pass
class Scores:
    import os
    LIMIT = 3
    def best(self): pass
    class Inner:
        pass
other, (third) = 1, 2
LIMIT: int = 3
alias = system
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "code"
    (place / "team" / "deep").mkdir(parents=True)
    (place / "metrics.py").write_text(SOURCE)
    (place / "team" / "__init__.py").write_text("def here(): pass\n")
    (place / "team" / "deep" / "one.py").write_text("x = 1\n")
    (place / "broken.py").write_text("def (:\n")
    (place / ".env").write_text("SECRET=1")
    (place / "key.pem").write_text("SECRET")
    (place / ".hidden").mkdir()
    (place / ".hidden" / "x.py").write_text("")
    (place / "__pycache__").mkdir()
    (place / "__pycache__" / "metrics.pyc").write_bytes(b"")
    return place


@pytest.mark.parametrize(
    ("module", "name"),
    [("metrics", n) for n in ("rmsle", "later", "Scores", "Scores.best", "Scores.LIMIT", "Scores.Inner", "LIMIT")]
    + [("team", "here"), ("team.deep.one", "x")],
)
def test_what_it_defines(folder: Path, module: str, name: str) -> None:
    assert Code(folder).defines(module, name)


@pytest.mark.parametrize(
    ("module", "name"),
    [("metrics", n) for n in ("os", "os.system", "system", "Popen", "Scores.os", "rmsle.__globals__", "nowhere", "")]
    + [
        ("os", "system"),
        ("nowhere", "x"),
        ("broken", "x"),
        ("team.deep", "x"),
        ("../code/metrics", "rmsle"),
        ("", "x"),
    ],
)
def test_what_it_does_not_define(folder: Path, module: str, name: str) -> None:
    assert not Code(folder).defines(module, name)


def test_its_files_are_copied_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    (folder / "link.py").symlink_to("/etc/passwd")
    Code(folder).copy(tmp_path / "copy")
    copied = sorted(p.relative_to(tmp_path / "copy").as_posix() for p in (tmp_path / "copy").rglob("*") if p.is_file())
    assert copied == ["broken.py", "metrics.py", "team/__init__.py", "team/deep/one.py"]


def test_it_is_found_after_all_else(tmp_path: Path) -> None:
    place = tmp_path / CODE
    place.mkdir()
    for name in ("brought_metrics.py", "json.py"):
        (place / name).write_text("MARK = 1\n")
    program = (
        "import sys; from pathlib import Path; from agbento.code import add_code\n"
        f"add_code(Path({str(tmp_path)!r})); add_code(Path({str(tmp_path / 'none')!r}))\n"
        "import brought_metrics, json; print(brought_metrics.MARK, hasattr(json, 'MARK'))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "1 False\n"


def test_no_code_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        Code(tmp_path / "none")
    with pytest.raises(UsageError, match="no Python file"):
        Code(tmp_path)


def test_the_digest_is_of_the_code_alone(folder: Path, tmp_path: Path) -> None:
    assert code_digest(tmp_path / "none") is None
    stored = tmp_path / "stored"
    Code(folder).copy(stored / CODE)
    digest = code_digest(stored)
    assert digest is not None
    (stored / CODE / "__pycache__").mkdir()  # which Python leaves where it is served
    (stored / CODE / "__pycache__" / "metrics.cpython-311.pyc").write_bytes(b"x")
    assert code_digest(stored) == digest
    (stored / CODE / "metrics.py").rename(stored / CODE / "scores.py")
    assert code_digest(stored) != digest
