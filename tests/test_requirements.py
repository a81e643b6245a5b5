from __future__ import annotations

import platform
import re
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from agbento import lock, requirements
from agbento.environment import Environment
from agbento.errors import NotLockable

TREES = ("lightgbm", "scikit-learn")
HERE = Environment(
    version("autogluon.tabular"), platform.python_version(), {name: version(name) for name in TREES}, TREES
)
OLD = Environment("1.5.0", "3.11.9", {"lightgbm": "4.6.0", "scikit-learn": "1.7.2"}, TREES)


def held(locked: requirements.Locked, python: str = lock.PYTHON) -> dict[str, str]:
    return lock.versions(locked.text, python)


def test_the_versions_of_here_need_no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise AssertionError("uv was asked")

    monkeypatch.setattr(requirements, "uv", none)
    found = held(requirements.serving_lock(HERE, None))
    assert {name: found[name] for name in TREES} == dict(HERE.packages)
    assert found["bentoml"] == version("bentoml")


def test_only_the_families_that_it_uses_are_served() -> None:
    found = held(requirements.serving_lock(HERE, None))
    assert not found.keys() & {"catboost", "xgboost-cpu", "xgboost", "torch", "fastai"}
    assert not found.keys() & (requirements.CHARTS | requirements.IMPORTERS | {"pytest", "moto"})


def test_what_opens_it_can_import_it_too() -> None:
    found = held(requirements.opening_lock(HERE, None))
    assert {"cyclonedx-python-lib", "boto3", "tqdm"} <= found.keys()
    assert "catboost" not in found


def test_compiled_models_do_without_torch() -> None:
    nets = Environment("1.6.3", "3.11", {"torch": "2.13.0", "fastai": "2.8", "lightgbm": "4.6"}, ("fastai", "lightgbm", "torch"))  # fmt: skip  # noqa: E501
    nets = replace(nets, packages={**nets.packages, "fastcore": "1.14", "numpy": "2.3"})
    compiled = replace(nets, compiled=requirements.compiled_needs(nets))
    assert compiled.served.packages == {"lightgbm": "4.6", "numpy": "2.3"}
    assert compiled.served.models == ("lightgbm",)
    assert requirements.compiled_needs(HERE) == TREES
    assert HERE.served == HERE


@pytest.mark.slow
def test_other_versions_are_resolved_beside_the_service() -> None:
    locked = requirements.serving_lock(OLD, None)
    found = held(locked)
    assert found["autogluon-tabular"] == "1.5.0"
    assert found["lightgbm"] == "4.6.0"
    assert found["bentoml"] == version("bentoml")
    assert locked.relaxed == ()
    assert not re.search(r"https?://|--index|--extra-index|--find-links", locked.text)
    assert all(pin.hashes for pin in lock.pins(locked.text))


@pytest.mark.slow
def test_what_the_service_cannot_have_beside_it_keeps_its_major_version() -> None:
    numpy = {**OLD.packages, "numpy": "1.26.0", "pandas": "2.2.0", "networkx": "3.4"}
    strange = Environment("1.5.0", "3.11", {**numpy, "scipy": "1.15.3", "pandas": "2.9.9"}, TREES)
    locked = requirements.serving_lock(strange, None)
    assert any(re.fullmatch(r"pandas 2\.\S+ for 2\.9\.9", line) for line in locked.relaxed)


@pytest.mark.slow
def test_what_cannot_be_resolved_is_one_line() -> None:
    nowhere = Environment("0.0.7", "3.11", {}, ())
    with pytest.raises(NotLockable, match=r"cannot be resolved: .*autogluon.tabular==0\.0\.7") as caught:
        requirements.serving_lock(nowhere, None)
    assert "\n" not in str(caught.value)


def test_no_uv_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(NotLockable, match="pip install uv"):
        requirements.uv()


def test_a_model_without_a_lock_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotLockable, match="import it again"):
        requirements.lock_of(tmp_path)


def test_cuda_comes_only_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = "".join(
        f"{name}==1.0 \\\n    --hash=sha256:{'0' * 64}\n    # via {via}\n"
        for name, via in (("torch", "autogluon-tabular"), ("nvidia-cublas-cu12", "torch"), ("autogluon-tabular", "x"))
    )
    monkeypatch.setattr(requirements, "_resolved", lambda *_: (gpu, ()))
    nets = Environment("1.5.0", "3.11", {"torch": "1.0"}, ("torch",))
    with pytest.raises(NotLockable, match="TORCH_INDEX"):
        requirements.serving_lock(nets, None)
    assert "nvidia-cublas-cu12" in held(requirements.serving_lock(nets, None, cuda=True))
