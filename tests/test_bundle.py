from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from bentoml import Tag

from agbento import bundle
from agbento.errors import NotLockable, ServiceFailed
from agbento.lock import ROOT


@dataclass
class Stored:
    tag: Tag
    path: str = "/nowhere"


MODEL = Stored(Tag("sample", "0123456789abcdef"))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("bentofile.yaml", "requirements.txt", "service.py"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "agbento", tmp_path / "agbento")
    return tmp_path


def test_the_images_name_is_the_models() -> None:
    assert bundle.image_name(MODEL) == "autogluon-bento:sample-0123456789abcdef"


def test_the_bentos_tag_is_that_of_its_content(tree: Path) -> None:
    assert bundle.bento_tag(MODEL, tree) == bundle.bento_tag(MODEL, ROOT)
    assert bundle.bento_tag(MODEL, tree) != bundle.bento_tag(Stored(Tag("sample", "fedcba9876543210")), tree)


@pytest.mark.parametrize("name", ["service.py", "agbento/errors.py", "bentofile.yaml"])
def test_a_changed_source_makes_another_bento(tree: Path, name: str) -> None:
    before = bundle.bento_tag(MODEL, tree)
    with (tree / name).open("a", encoding="utf-8") as file:
        file.write("\n")
    assert bundle.bento_tag(MODEL, tree) != before


def test_what_the_bento_does_not_hold_does_not_matter(tree: Path) -> None:
    before = bundle.bento_tag(MODEL, tree)
    (tree / "README.md").write_text("new")
    (tree / "agbento" / ".env").write_text("AWS_SECRET_ACCESS_KEY=x")
    assert bundle.bento_tag(MODEL, tree) == before


@pytest.mark.parametrize("name", bundle.IMPORTED)
def test_other_papers_make_another_bento(tmp_path: Path, name: str) -> None:
    model = Stored(MODEL.tag, str(tmp_path))
    before = bundle.bento_tag(model)
    (tmp_path / name).write_text("{}")
    assert bundle.bento_tag(model) != before


def test_no_bento_is_built_without_a_lock(tmp_path: Path) -> None:
    with pytest.raises(NotLockable, match="has no lock; import it again"):
        bundle.build_bento(Stored(MODEL.tag, str(tmp_path)))


def test_no_engine_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServiceFailed, match="docker: not found on the PATH"):
        bundle.image_bytes("autogluon-bento:none")


@pytest.mark.engine
def test_a_missing_image_is_said() -> None:
    with pytest.raises(ServiceFailed, match="there is no such image; build it with `make image`"):
        bundle.image_bytes("autogluon-bento:none")


def test_an_engine_that_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if shutil.which("docker") is None:
        pytest.skip("no docker client on this machine")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(ServiceFailed, match="start the container engine"):
        bundle.image_bytes("autogluon-bento:none")


def test_no_model_ends_with_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert bundle.main(["image", "--model", "no-such-model:1"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "no-such-model:1" in err
    assert err.count("\n") == 1


def test_options_with_an_open_quote_are_told_of() -> None:
    assert bundle.split_options("--opt network=host --opt 'a b'") == ["--opt", "network=host", "--opt", "a b"]
    with pytest.raises(ServiceFailed, match="no closing quotation"):
        bundle.split_options("--opt 'network")


@pytest.mark.parametrize("index", ["https://user:token@example.invalid/cpu", "https://token@example.invalid/cpu"])
def test_an_index_with_credentials_goes_into_no_image(monkeypatch: pytest.MonkeyPatch, index: str) -> None:
    monkeypatch.setenv("TORCH_INDEX", index)
    with pytest.raises(ServiceFailed, match=r"TORCH_INDEX: holds credentials") as raised:
        bundle.index_argument()
    assert "token" not in str(raised.value)
    monkeypatch.setenv("TORCH_INDEX", "https://example.invalid/cpu")
    assert bundle.index_argument() == ["--opt", "build-arg=TORCH_INDEX=https://example.invalid/cpu"]
    monkeypatch.delenv("TORCH_INDEX")
    assert bundle.index_argument() == []
