"""The list of names that pickles may import, and the rule that keeps some names off it."""

from __future__ import annotations

import importlib
import json
import types
from pathlib import Path
from typing import Any

import pytest

from agbento.pickles.reading import Flaw, Reading, Use, Where
from sample import allowed
from sample.allowed import FILE, Allowed, main
from sample.never import refusal, refusal_by_text

LIST = json.loads(FILE.read_text())
NAMES = sorted((module, name) for module, names in LIST["names"].items() for name in names)
WAYS = ["build", "call", "new", "refer"]
HERE = Where("models/trainer.pkl", 7)

NEVER = [
    ("os", "system"),
    ("posix", "system"),
    ("nt", "system"),
    ("os.path", "join"),
    ("sys", "exit"),
    ("subprocess", "Popen"),
    ("shutil", "rmtree"),
    ("socket", "create_connection"),
    ("importlib", "import_module"),
    ("importlib._bootstrap", "_load"),
    ("runpy", "run_path"),
    ("pickle", "loads"),
    ("_pickle", "loads"),
    ("marshal", "loads"),
    ("ctypes", "CDLL"),
    ("code", "interact"),
    ("types", "FunctionType"),
    ("webbrowser", "open"),
    ("urllib.request", "urlopen"),
    ("requests", "get"),
    ("requests.api", "get"),
    ("http.client", "HTTPConnection"),
    ("tempfile", "mktemp"),
    ("io", "open"),
    ("_io", "FileIO"),
    *(
        ("builtins", name)
        for name in ("eval", "exec", "compile", "open", "getattr", "setattr", "delattr", "__import__")
    ),
    *(("builtins", name) for name in ("globals", "input", "breakpoint", "vars", "type", "map", "filter")),
    ("operator", "attrgetter"),
    ("operator", "methodcaller"),
    ("_operator", "methodcaller"),
    ("functools", "reduce"),
    ("pathlib", "PosixPath.unlink"),
    ("pathlib", "Path.read_text"),
    ("inspect", "getsource"),
    ("joblib", "load"),
    ("joblib.numpy_pickle", "load"),
    ("numpy", "load"),
    ("numpy", "memmap"),
    ("numpy", "fromfile"),
    ("numpy", "genfromtxt"),
    ("numpy.lib.npyio", "NpzFile"),
    ("numpy.testing._private.utils", "runstring"),
    ("pandas", "read_pickle"),
    ("pandas", "eval"),
    ("pandas.io.pickle", "to_pickle"),
    ("pandas.core.frame", "DataFrame.to_csv"),
    ("pandas.core.frame", "DataFrame.query"),
    ("pandas.core.computation.eval", "eval"),
    ("torch", "load"),
    ("torch.serialization", "load"),
    ("torch.hub", "load"),
    ("torch.fx.graph_module", "reduce_graph_module"),
    ("torch.jit", "load"),
    ("torch._C", "_VariableFunctionsClass.from_file"),
    ("autogluon.common.loaders.load_pkl", "load"),
    ("autogluon.common.loaders", "load_pd"),
    ("autogluon.core.metrics", "np.load"),
    ("autogluon.core.metrics", "sklearn.os.system"),
    ("autogluon.tabular.predictor.predictor", "TabularPredictor.load"),
    ("autogluon.tabular.predictor.predictor", "TabularPredictor.__init__.__globals__"),
    ("imodels.rule_set.rule_fit", "RuleFitRegressor"),
    ("imodels.util.rule", "Rule"),
    ("pathlib._local", "PosixPath.open"),
    ("pytorch_lightning.trainer.trainer", "Trainer"),
    ("sklearn.datasets._base", "load_files"),
    ("tests.stubs", "Anything"),
    ("test.support", "run_code"),
    ("sample.family", "fitted"),
    ("__main__", "Model"),
    ("mine.tests.helpers", "Model"),
]


def test_the_list_is_sorted_and_well_formed() -> None:
    assert set(LIST) == {"format", "made_with", "names"}
    assert LIST["format"] == 1
    assert LIST["made_with"] == sorted(set(LIST["made_with"]))
    assert any(told.startswith("autogluon 1.6.3:") for told in LIST["made_with"])
    assert list(LIST["names"]) == sorted(LIST["names"])
    for names in LIST["names"].values():
        assert list(names) == sorted(names)
        for ways in names.values():
            assert ways == [way for way in WAYS if way in ways]
            assert ways


def test_names_on_the_list_are_exact() -> None:
    for module, name in NAMES:
        assert all(part.isidentifier() for part in f"{module}.{name}".split("."))


def test_a_list_that_is_written_again_is_the_same(tmp_path: Path) -> None:
    Allowed.read(FILE).write(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == FILE.read_bytes()


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_nothing_on_the_list_is_refused(module: str, name: str) -> None:
    assert refusal(module, name) is None


@pytest.mark.parametrize(("module", "name"), NEVER)
def test_what_is_refused(module: str, name: str) -> None:
    assert refusal_by_text(module, name)
    assert (module, name) not in NAMES


def test_nothing_on_the_list_is_an_object_that_must_not_be() -> None:
    forbidden = [found for module, name in NEVER if (found := _found(module, name)) is not None]
    assert len(forbidden) > len(NEVER) / 2
    for module, name in NAMES:
        found = _found(module, name)
        assert not isinstance(found, types.ModuleType), (module, name)
        assert not any(found is each for each in forbidden), (module, name)


def test_a_name_is_judged_by_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    import os
    import textwrap

    monkeypatch.setattr(textwrap, "Harmless", os.system, raising=False)
    assert "system" in (refusal("textwrap", "Harmless") or "")
    monkeypatch.setattr(textwrap, "Inner", os, raising=False)
    assert refusal("textwrap", "Inner") == "Inner is a module"
    assert refusal("textwrap", "TextWrapper") is None
    assert refusal("no.such.package", "Model") is None


def _found(module: str, name: str) -> Any:
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except Exception:  # noqa: BLE001 — a package that is not here, or breaks
        return None
    return found


def _reading(*names: tuple[str, str]) -> Reading:
    uses = tuple(Use(module, name, "refer", HERE) for module, name in names)
    return Reading(uses, (Flaw(HERE, "told on the way"),), 1, frozenset())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as a predictor leaves it; what is read in it is one name."""
    told = {"version": "9.9", "py_version": "3.11", "packages": {"numpy": "2.0", "other": "1"}}
    (tmp_path / "metadata.json").write_text(json.dumps(told))
    monkeypatch.setattr(allowed, "read_folder", lambda folder: _reading(("collections", "OrderedDict")))
    return tmp_path


def test_names_are_added_to_those_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "list.json"
    Allowed(frozenset({"autogluon 1"}), frozenset({("datetime", "date", "call")})).write(file)
    assert main([str(folder), "--file", str(file)]) == 0
    assert json.loads(file.read_text()) == {
        "format": 1,
        "made_with": ["autogluon 1", "autogluon 9.9: python 3.11, numpy 2.0"],
        "names": {"collections": {"OrderedDict": ["refer"]}, "datetime": {"date": ["call"]}},
    }
    told = capsys.readouterr()
    assert "2 names, 1 of them new" in told.out
    assert "told on the way" in told.err


def test_names_there_are_left_out_where_it_is_made_anew(folder: Path) -> None:
    file = folder / "list.json"
    Allowed(frozenset({"autogluon 1"}), frozenset({("datetime", "date", "call")})).write(file)
    assert main([str(folder), "--anew", "--file", str(file)]) == 0
    assert list(json.loads(file.read_text())["names"]) == ["collections"]


def test_a_name_that_may_never_be_allowed_ends_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(allowed, "read_folder", lambda folder: _reading(("posix", "system"), ("numpy", "dtype")))
    assert main([str(folder), "--file", str(folder / "list.json")]) == 1
    assert not (folder / "list.json").exists()
    assert "posix system: nothing of posix is allowed (models/trainer.pkl)" in capsys.readouterr().err


def test_a_list_of_another_format_is_not_read(folder: Path) -> None:
    (folder / "list.json").write_text('{"format": 2}')
    with pytest.raises(ValueError, match="has the format 2"):
        Allowed.read(folder / "list.json")
