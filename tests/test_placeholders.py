from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from agbento.placeholders import MissingCodeError, Placeholder, install, is_here


@pytest.fixture(autouse=True)
def modules(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("team_code", "team_code.metrics"):
        monkeypatch.setitem(sys.modules, name, None)  # so that it is taken away again
        del sys.modules[name]


def test_it_is_found_where_an_unpickler_looks() -> None:
    install([("team_code.metrics", "rmsle"), ("team_code", "Scores.best.of")])
    for module, name in (("team_code.metrics", "rmsle"), ("team_code", "Scores.best.of")):
        stream = b"\x80\x04" + b"".join(b"\x8c" + bytes([len(t)]) + t.encode() for t in (module, name)) + b"\x93."
        found = pickle.loads(stream)
        assert isinstance(found, Placeholder)
        assert (found.__module__, found.__qualname__) == (module, name)


def test_it_raises_when_it_is_called_and_says_what_to_do() -> None:
    with pytest.raises(MissingCodeError, match=r"team_code\.metrics\.rmsle is called.*--code DIR"):
        Placeholder("team_code.metrics", "rmsle")([1.0], [2.0])


def test_it_pickles_by_its_name_and_copies_as_itself() -> None:
    install([("team_code", "rmsle")])
    found = sys.modules["team_code"].rmsle
    assert copy.deepcopy(found) is found
    for protocol in range(6):
        assert pickle.loads(pickle.dumps(found, protocol)) is found


def test_what_is_there_stays() -> None:
    install([("team_code", "a")])
    before = sys.modules["team_code"].a
    install([("team_code", "a"), ("team_code", "b")])
    assert sys.modules["team_code"].a is before


def test_the_program_that_opens_it_keeps_its_own() -> None:
    code = (
        "from agbento.placeholders import install\n"
        "install([('__main__', 'rmsle')]); print(rmsle)\n"
        "try:\n    install([('__main__', 'install')])\nexcept ImportError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == [
        "<placeholder of __main__.rmsle>",
        "the model refers to __main__.install, and the program that opens it has its own",
    ]


def test_what_can_be_found_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a_namespace" / "inner").mkdir(parents=True)
    (tmp_path / "a_namespace" / "module.py").write_text("raise SystemExit('imported')\n")
    (tmp_path / "a_module.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    here = ("os", "os.path", "sys", "numpy.nowhere", "__main__", "a_module", "a_namespace.module")
    assert [name for name in here if not is_here(name)] == []
    away = ("team_code", "team_code.metrics", "a_namespace", "a_namespace.inner", "a_namespace.other", "", ".")
    assert [name for name in away if is_here(name)] in ([], [""], ["", "."])
