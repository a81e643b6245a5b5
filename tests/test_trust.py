from __future__ import annotations

import io
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from agbento.allowed import allowed
from agbento.code import Code
from agbento.errors import Untrusted
from agbento.trust import Examined, examine
from tests.pickles.assembled import PROTOCOLS, begun, called, data, named, text


@pytest.fixture
def predictor(sample_predictor: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A genuine predictor, and a folder of one's own, in which a payload's `touch canary` would be seen."""
    copy, here = tmp_path / "predictor", tmp_path / "here"
    shutil.copytree(sample_predictor, copy)
    here.mkdir()
    monkeypatch.chdir(here)
    return copy


def with_pickle(predictor: Path, stream: bytes, name: str = "models/trainer.pkl") -> Path:
    (predictor / name).write_bytes(stream)
    return predictor


def refused(predictor: Path, *, trusted: tuple[str, ...] = (), code: Code | None = None) -> str:
    with pytest.raises(Untrusted) as caught:
        examine(predictor, trusted, code)
    assert list(Path.cwd().iterdir()) == [], "something ran"
    assert "\n" not in str(caught.value)
    return str(caught.value)


def of(module: str, name: str, *args: bytes, protocol: int = 4) -> bytes:
    """A whole pickle that calls a function."""
    return begun(protocol) + called(named(module, name, protocol), *args) + b"."


def referring(module: str, name: str, protocol: int = 4) -> bytes:
    return begun(protocol) + named(module, name, protocol) + b"."


def test_a_genuine_predictor_needs_no_trust(predictor: Path) -> None:
    examined = examine(predictor)
    assert len(examined.permit.names) > 30
    assert (examined.permit.trusted, examined.permit.placeholders, examined.permit.brought) == ((), (), ())
    assert "lightgbm.basic" in examined.reading.modules()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("module", "name", "args"),
    [
        ("os", "system", (text("touch canary"),)),
        ("posix", "system", (text("touch canary"),)),
        ("builtins", "eval", (text("open('canary','w')"),)),
        ("builtins", "exec", (text("open('canary','w')"),)),
        ("builtins", "getattr", (text("a"), text("upper"))),
        ("operator", "attrgetter", (text("system"),)),
        ("operator", "methodcaller", (text("system"), text("touch canary"))),
        ("subprocess", "Popen", (text("touch canary"),)),
        ("importlib", "import_module", (text("antigravity"),)),
        ("pickle", "loads", (data(b"cos\nsystem\n(S'touch canary'\ntR."),)),
        ("numpy", "load", (text("canary"),)),
        ("numpy", "fromfile", (text("canary"),)),
        ("pandas", "read_pickle", (text("canary"),)),
        ("pandas", "eval", (text("1"),)),
        ("pandas.core.computation.eval", "eval", (text("1"),)),
        ("torch", "load", (text("canary"),)),
        ("joblib", "load", (text("canary"),)),
        ("autogluon.common.loaders.load_pkl", "load", (text("s3://bucket/evil.pkl"),)),
        ("autogluon.tabular.predictor.predictor", "TabularPredictor.load", (text("s3://bucket/evil"),)),
        ("autogluon.core.metrics", "np.load", (text("canary"),)),
        ("lightgbm.basic", "Booster", (text("canary"),)),
    ],
)
def test_what_no_predictor_needs_is_refused_in_every_protocol(
    predictor: Path, protocol: int, module: str, name: str, args: tuple[bytes, ...]
) -> None:
    line = refused(with_pickle(predictor, of(module, name, *args, protocol=protocol)))
    assert "models/trainer.pkl at byte " in line
    told = {"builtins": "builtins", "posix": "posix"}.get(module, module)
    assert f"{told}.{name}" in line


@pytest.mark.parametrize(
    ("wrapped", "file"),
    [
        (lambda stream: pickle.dumps({"x": [stream]}), "models/trainer.pkl@"),
        (lambda stream: pickle.dumps(pickle.dumps(stream)), "models/trainer.pkl@"),
        (lambda stream: pickle.dumps(1) + stream, "models/trainer.pkl"),
        (lambda stream: zipped(stream), "models/trainer.pkl!inner/data.pkl"),
        (lambda stream: pickle.dumps(1) + zipped(stream), "models/trainer.pkl!inner/data.pkl"),
        (lambda stream: stream[:-1], "models/trainer.pkl"),
    ],
    ids=["nested", "twice nested", "concatenated", "zip", "polyglot", "truncated"],
)
def test_no_disguise_helps(predictor: Path, wrapped: Callable[[bytes], bytes], file: str) -> None:
    line = refused(with_pickle(predictor, wrapped(of("os", "system", text("touch canary")))))
    assert file in line
    assert "os.system" in line


def zipped(stream: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner/data.pkl", stream)
    return made.getvalue()


@pytest.mark.parametrize("name", ["extra.txt", "models/LightGBM_FULL/notes", "x.pt", "utils/data/y.bin"])
def test_every_file_is_read_whatever_its_name(predictor: Path, name: str) -> None:
    (predictor / name).parent.mkdir(parents=True, exist_ok=True)
    assert name in refused(with_pickle(predictor, of("os", "system", text("touch canary")), name))


def test_what_is_only_referred_to_on_the_list_may_not_be_called(predictor: Path) -> None:
    assert allowed()["sklearn.metrics._classification", "accuracy_score"] == {"refer"}
    line = refused(with_pickle(predictor, of("sklearn.metrics._classification", "accuracy_score")))
    assert "accuracy_score is called, which no predictor of AutoGluon does" in line


def test_trust_lets_one_name_more_pass_and_keeps_who_said_so(predictor: Path) -> None:
    with_pickle(predictor, of("fractions", "Fraction.from_float", b"G?\xf0\x00\x00\x00\x00\x00\x00"))
    assert "--trust fractions.Fraction.from_float" in refused(predictor)
    assert refused(predictor, trusted=("fractions.Fraction",))
    permit = examine(predictor, ("fractions.Fraction.from_float", "never.needed")).permit
    assert permit.trusted == ("fractions.Fraction.from_float",)
    assert permit.by
    assert ("fractions", "Fraction.from_float") in permit.names


def test_what_is_not_here_and_only_referred_to_gets_a_placeholder(predictor: Path) -> None:
    permit = examine(with_pickle(predictor, referring("team_code.metrics", "rmsle"))).permit
    assert permit.placeholders == (("team_code.metrics", "rmsle"),)
    permit = examine(with_pickle(predictor, referring("__main__", "rmsle"))).permit
    assert permit.placeholders == (("__main__", "rmsle"),)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        *(("os", "getcwd"), ("os.path", "nothing"), ("numpy.nowhere", "x"), ("tests.running", "ROOT")),
        *(("agbento.store", "x"), ("__main__", "os.system"), ("__main__", "__loader__")),
        *(("team code", "x"), ("team", "x y"), ("team", "")),
    ],
)
def test_what_is_here_gets_none(predictor: Path, module: str, name: str) -> None:
    assert refused(with_pickle(predictor, referring(module, name)))


@pytest.mark.parametrize(
    "stream",
    [
        of("team_code", "make"),
        begun(2) + named("team_code", "Thing") + b")\x81.",
        begun(2) + named("team_code", "Thing") + b")\x81}b.",
        b"iteam_code\nThing\n(.",
        referring("team_code", "f") + of("team_code", "f"),
    ],
    ids=["REDUCE", "NEWOBJ", "BUILD", "INST", "referred to before"],
)
def test_what_is_not_here_and_called_is_refused(predictor: Path, stream: bytes) -> None:
    line = refused(with_pickle(predictor, stream))
    assert "--code DIR" in line or "truncated" in line


def brought(folder: Path) -> Code:
    (folder / "team_code.py").write_text("import os\nclass Thing: pass\ndef f(): raise SystemExit('called')\n")
    (folder / "json.py").write_text("def f(): pass\n")
    return Code(folder)


def test_code_that_is_brought_is_let_pass(predictor: Path, tmp_path: Path) -> None:
    examined: Examined = examine(with_pickle(predictor, of("team_code", "Thing")), code=brought(tmp_path))
    assert examined.permit.brought == (("team_code", "Thing"),)


@pytest.mark.parametrize(("module", "name"), [("team_code", "os.system"), ("team_code", "os"), ("json", "f")])
def test_what_code_does_not_define_or_what_is_here_is_not_brought(
    predictor: Path, tmp_path: Path, module: str, name: str
) -> None:
    assert "--trust" in refused(with_pickle(predictor, of(module, name, text("touch canary"))), code=brought(tmp_path))


def test_every_fault_is_listed_up_to_some(predictor: Path) -> None:
    for number in range(9):
        (predictor / f"{number}.pkl").write_bytes(of("os", f"function{number}"))
    line = refused(predictor)
    assert "os.function0" in line
    assert "and 3 more" in line
