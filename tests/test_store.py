from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from bentoml._internal.tag import validate_tag_str
from hypothesis import given
from hypothesis import strategies as st

from agbento import store
from agbento.digest import folder_digest, short
from agbento.errors import StoreError, UsageError
from agbento.schema import Schema
from tests.running import environment
from tests.s3_fixtures import fake_predictor


def _prepared(models: Path, content: str = "a") -> tuple[Path, str]:
    """A model as an import has it just before it is published; its folder and digest."""
    room = models.parent / f"room-{len(list(models.parent.iterdir()))}"
    predictor = fake_predictor(room / "model" / "predictor")
    (predictor / "content").write_text(content)
    Schema("cost", "regression", ()).save(room / "model" / "schema.json")
    return room / "model", folder_digest(predictor)


def _published(models: Path, name: str, content: str = "a") -> tuple[Any, bool]:
    folder, digest = _prepared(models, content)
    metadata: dict[str, str | int] = {"digest": digest, "autogluon_version": "1.6.3", "bytes": 7}
    store.describe(folder, name, store.Description({"digest": digest, "label": "cost in $: ä"}, metadata))
    return store.publish(folder, name, digest)


def _tree(models: Path) -> list[str]:
    return sorted(p.relative_to(models).as_posix() for p in models.rglob("*") if p.is_file() or not any(p.iterdir()))


def test_published_and_found(models: Path) -> None:
    model, new = _published(models, "first")
    digest = folder_digest(Path(model.path) / "predictor")
    assert new
    assert str(model.tag) == f"first:{short(digest)}"
    assert model.info.labels == {"digest": digest, "label": "cost in $: ä"}
    assert store.find("first").tag == store.find(str(model.tag)).tag == store.find(None).tag == model.tag
    assert store.find(str(model.tag)[:-4]).tag == model.tag
    assert store.find("first:latest").tag == model.tag
    assert (models / "first" / "latest").read_text() == model.tag.version
    assert [m.tag for m in store.same_content(digest)] == [model.tag]


def test_the_newest_is_the_last_imported(models: Path) -> None:
    one, _ = _published(models, "a", "1")
    two, _ = _published(models, "a", "2")
    three, _ = _published(models, "b", "3")
    assert store.find(None).tag == three.tag
    assert store.find("a").tag == two.tag
    room = models.parent / "room"
    room.mkdir()
    store.touch(store.find(str(one.tag)), room)
    assert store.find(None).tag == store.find("a").tag == one.tag
    assert (models / "a" / "latest").read_text() == one.tag.version
    assert list(room.iterdir()) == []


def test_content_that_came_first_stands(models: Path) -> None:
    first, _ = _published(models, "a")
    inode = Path(first.path).stat().st_ino
    _published(models, "b", "other")
    again, new = _published(models, "a")
    assert not new
    assert again.tag == first.tag == store.find(None).tag
    assert Path(again.path).stat().st_ino == inode


def test_an_empty_folder_of_the_name_is_no_hindrance(models: Path) -> None:
    (models / "a").mkdir()
    assert _published(models, "a")[1]


def test_files_that_were_changed_in_the_store_are_told(models: Path) -> None:
    model, _ = _published(models, "a")
    (Path(model.path) / "predictor" / "learner.pkl").write_bytes(b"changed")
    with pytest.raises(StoreError, match="its files were changed since: `bentoml models delete a:"):
        store.touch(model, models.parent)


def test_a_model_of_another_format_is_told(models: Path) -> None:
    model, _ = _published(models, "a")
    (Path(model.path) / "schema.json").write_text('{"format": 1}')
    with pytest.raises(StoreError, match="format 1, expected 2: `bentoml models delete a:"):
        store.touch(model, models.parent)


def test_another_model_in_the_place(models: Path) -> None:
    folder, digest = _prepared(models)
    (models / "a" / short(digest)).mkdir(parents=True)
    (models / "a" / short(digest) / "theirs").write_text("x")
    with pytest.raises(StoreError, match="is no import of this content"):
        store.publish(folder, "a", digest)
    assert _tree(models) == [f"a/{short(digest)}/theirs"]


def test_models_of_others_are_not_looked_at(models: Path) -> None:
    import bentoml

    with pytest.raises(StoreError, match=r"no imported model in .*; import one with"):
        store.find(None)
    with bentoml.models.create("theirs"):
        pass
    (models / "broken" / "v1").mkdir(parents=True)
    (models / "broken" / "v1" / "model.yaml").write_text("{{{")
    (models / "stray").write_text("x")
    for tag in (None, "theirs", "theirs:latest", "broken", "stray", "../../etc", "a*", "a:../x"):
        with pytest.raises(StoreError):
            store.find(tag)
    model, _ = _published(models, "ours")
    assert store.find(None).tag == model.tag


def test_versions_that_begin_alike(models: Path) -> None:
    model, _ = _published(models, "a")
    other = models / "a" / f"{str(model.tag.version)[:4]}zz"
    subprocess.run(["cp", "-r", model.path, str(other)], check=True)
    text = (other / "model.yaml").read_text().replace(str(model.tag.version), other.name, 1)
    (other / "model.yaml").write_text(text)
    with pytest.raises(StoreError, match="2 versions begin so"):
        store.find(f"a:{str(model.tag.version)[:4]}")
    assert store.find(str(model.tag)).tag == model.tag


@given(st.text())
def test_any_text_makes_a_valid_name(text: str) -> None:
    name = store.valid_name(text)
    validate_tag_str(name)
    assert store.checked_name(name) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("AutoGluon_mlflow_best_quality_deployment", "autogluon_mlflow_best_quality_deployment"),
        ("My Model (v2)", "my-model-v2"),
        ("...", "autogluon"),
        ("", "autogluon"),
        ("x" * 80, "x" * 63),
    ],
)
def test_valid_name(text: str, name: str) -> None:
    assert store.valid_name(text) == name


@pytest.mark.parametrize("name", ["", "A", "a b", "-a", "a-", "a/b", "a:1", "x" * 64, "../a", "ä"])
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="--name"):
        store.checked_name(name)


def test_disk_faults() -> None:
    full = store.disk_fault(OSError(errno.ENOSPC, "No space left on device", "/x/y"), Path("/home"), "3.0 GB")
    assert str(full) == (
        "/home: No space left on device (needed: 3.0 GB); free some room, or set BENTOML_HOME to where there is"
    )
    denied = store.disk_fault(OSError(errno.EACCES, "Permission denied", "/x/y"), Path("/home"))
    assert str(denied).startswith("/x/y: Permission denied; make it writable")


def _bentoml(home: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "bentoml", "models", *arguments]
    variables = environment(home, {"BENTOML_DO_NOT_TRACK": "True"})
    # Elsewhere: BentoML must not need this project to handle a model.
    done = subprocess.run(command, cwd=home, env=variables, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_bentoml_handles_it_as_a_model_of_its_own(models: Path) -> None:
    home = models.parent
    model, _ = _published(models, "a")
    tag = str(model.tag)
    digest = folder_digest(Path(model.path) / "predictor")
    _published(models, "b", "other")
    assert tag in _bentoml(home, "list")
    assert "cost in" in _bentoml(home, "get", tag)
    _bentoml(home, "export", tag, str(home / "a.bentomodel"))
    _bentoml(home, "delete", tag, "--yes")
    assert not (models / "a").exists()
    _bentoml(home, "import", str(home / "a.bentomodel"))
    again = store.find("a")
    assert str(again.tag) == tag
    assert store.find(None).tag == again.tag
    assert folder_digest(Path(again.path) / "predictor") == digest == again.info.metadata["digest"]
    assert os.access(again.path, os.W_OK)


def test_what_is_made_anew_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    stored, made = tmp_path / "stored", tmp_path / "made"
    for folder, content in ((stored, "old"), (made, "new")):
        (folder / "compiled").mkdir(parents=True)
        for name in ("record", "paper", "compiled/part"):
            (folder / name).write_text(content)
    (stored / "gone").write_text("old")
    (stored / "other").write_text("old")
    (made / "other").write_text("new")  # of which nobody speaks
    store.replace(stored, made, tmp_path / "aside", ["record", "compiled", "paper", "gone"])
    found = {path.relative_to(stored).as_posix(): path.read_text() for path in stored.rglob("*") if path.is_file()}
    assert found == {"record": "new", "paper": "new", "compiled/part": "new", "other": "old"}


def test_a_file_is_there_while_it_is_replaced(tmp_path: Path) -> None:
    stored = tmp_path / "stored"
    stored.mkdir()
    (stored / "trust").write_text("0")
    seen: set[str] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            seen.add((stored / "trust").read_text() if (stored / "trust").exists() else "missing")

    with ThreadPoolExecutor(1) as pool:
        looked = pool.submit(look)
        for number in range(200):
            made = tmp_path / f"made-{number}"
            made.mkdir()
            (made / "trust").write_text(str(number))
            store.replace(stored, made, tmp_path / f"aside-{number}", ["trust"])
        stop.set()
        looked.result()
    assert "missing" not in seen
