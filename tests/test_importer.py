from __future__ import annotations

import errno
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest

from agbento import __version__, store
from agbento.digest import folder_digest
from agbento.drift import Reference
from agbento.errors import NotLockable, PredictorNotLoadable, StoreError, UsageError
from agbento.folder import FolderSource
from agbento.importer import Wishes, import_predictor
from agbento.requirements import LOCK
from agbento.sbom import SBOM
from agbento.schema import Schema
from agbento.served import ServedModel
from sample.toys import toy_predictor, toy_rows
from tests.s3_fixtures import S3, fake_predictor


class Heard:
    """Progress that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.size, self.sum, self.ended = 0, 0, 0

    def say(self, text: str) -> None:
        self.lines.append(text)

    def begin(self, size: int) -> None:
        self.size = size

    def advance(self, size: int) -> None:
        self.sum += size

    def end(self) -> None:
        self.ended += 1


def _everything(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))


@pytest.mark.slow
def test_the_whole_walk(models: Path, sample_predictor: Path, tmp_path: Path) -> None:
    import json

    run = "0123456789abcdef0123456789abcdef"
    predictor = tmp_path / run / "artifacts" / "m" / "artifacts" / "My Predictor"
    shutil.copytree(sample_predictor, predictor)
    heard, commits = Heard(), []
    model = import_predictor(FolderSource(tmp_path / run), None, heard, lambda: commits.append(_everything(models)))
    assert commits == [[]], "the store is untouched until the commit, which comes once"
    assert (heard.sum, heard.ended) == (heard.size, 1)
    digest = folder_digest(sample_predictor)
    assert str(model.tag) == f"my-predictor:{digest[:16]}"
    assert folder_digest(Path(model.path) / "predictor") == digest
    schema = Schema.from_json(json.loads((Path(model.path) / "schema.json").read_text()))
    assert (schema.label, schema.problem_type) == ("cost", "regression")
    files = [p for p in sample_predictor.rglob("*") if p.is_file()]
    metadata = model.info.metadata
    assert metadata.pop("imported_at").endswith("+00:00")
    assert metadata.pop("best_model")
    assert metadata == {
        "source": f"{predictor.as_uri()}/",
        "digest": digest,
        "autogluon_version": "1.6.3",
        "python_version": json.loads((sample_predictor / "metadata.json").read_text())["py_version_micro"],
        "label": "cost",
        "problem_type": "regression",
        "files": len(files),
        "bytes": sum(p.stat().st_size for p in files),
        "agbento_version": __version__,
        "mlflow_run_id": run,
    }
    labels = model.info.labels
    assert {k: labels[k] for k in ("digest", "label", "problem_type")} == {k: metadata[k] for k in ("digest", "label", "problem_type")}  # fmt: skip  # noqa: E501
    assert labels["mlflow_run"] == run
    assert [p.name for p in models.parent.iterdir()] == ["models"]

    before = _everything(models)
    again = import_predictor(FolderSource(predictor), None, heard)
    assert again.tag == model.tag
    assert f"already in the store as {model.tag}" in heard.lines[-1]
    assert _everything(models) == before

    other = import_predictor(FolderSource(predictor), "other", heard)
    assert str(other.tag) == f"other:{digest[:16]}"
    assert heard.lines[-1] == f"the same content is already in the store as {model.tag}; now as {other.tag} too"
    assert store.find(None).tag == other.tag


@pytest.mark.slow
def test_a_lock_stays_where_none_can_be_made(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, heard = FolderSource(toy_predictor("regression", tmp_path / "toy")), Heard()
    model = import_predictor(source, None, heard)
    kept = {name: (Path(model.path) / name).read_bytes() for name in (LOCK, SBOM)}
    monkeypatch.setattr("agbento.papers.serving_lock", _no_index)
    import_predictor(source, None, heard)
    assert any("no lock, so no image" in line for line in heard.lines)
    assert any("the lock of the former import stays" in line for line in heard.lines)
    assert {name: (Path(model.path) / name).read_bytes() for name in (LOCK, SBOM)} == kept


def _no_index(*_: Any) -> Any:
    raise NotLockable("no index answers")


@pytest.mark.slow
def test_the_reference_is_kept_until_another_is_given(
    models: Path, tmp_path: Path, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, heard = FolderSource(toy_predictor("regression", tmp_path / "toy")), Heard()

    def referred(named: str | None = None) -> Reference | None:
        model = import_predictor(source, None, heard, wishes=Wishes(reference=named))
        return ServedModel(str(model.tag), 0, Path(model.path)).drift

    first = referred()
    assert first is not None
    assert first.source.startswith("none: ")
    assert any(line.startswith("no drift reference (") for line in heard.lines)
    rows = toy_rows("regression", 200, seed=3)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    s3.put("rows.csv", (tmp_path / "rows.csv").read_bytes())
    second = referred(f"s3://{s3.bucket}/rows.csv")
    assert second is not None
    assert second.described() == {"source": f"rows of s3://{s3.bucket}/rows.csv", "rows": 200, "features": 6}
    assert "the same content, another drift reference" in heard.lines[-1]
    assert referred() == second
    assert "nothing was added" in heard.lines[-1]
    before = _everything(models)
    (tmp_path / "rows.csv").write_text("size\n1\n")
    with pytest.raises(UsageError, match="lacks columns of the predictor: 'count', 'fresh'"):
        referred(str(tmp_path / "rows.csv"))
    assert _everything(models) == before
    assert referred() == second


def test_what_does_not_load_leaves_the_store_as_it_was(models: Path, tmp_path: Path) -> None:
    commits: list[int] = []
    with pytest.raises(PredictorNotLoadable) as failed:
        import_predictor(FolderSource(fake_predictor(tmp_path / "p")), None, Heard(), lambda: commits.append(1))
    assert str(failed.value).isprintable()
    assert str(failed.value).startswith(f"{(tmp_path / 'p').as_uri()}/: ")
    assert commits == []
    assert _everything(models.parent) == ["models"]


def test_a_store_that_cannot_be_written(models: Path, tmp_path: Path) -> None:
    (models.parent / "agbento-staging").write_text("a file where the folder goes")
    with pytest.raises(StoreError, match=r"agbento-staging.*make it writable"):
        import_predictor(FolderSource(fake_predictor(tmp_path / "p")), None, Heard())


def test_a_full_disk_is_told_with_what_is_needed(models: Path, tmp_path: Path) -> None:
    class Full(FolderSource):
        """A source during whose transfer the disk becomes full (the real one is in test_import_model)."""

        def fetch(self, *_: object) -> NoReturn:
            raise OSError(errno.EDQUOT, "Disk quota exceeded")

    with pytest.raises(StoreError, match=r"Disk quota exceeded \(needed: 5 files, \d+ bytes\); free some room"):
        import_predictor(Full(fake_predictor(tmp_path / "p")), None, Heard())
    assert _everything(models.parent) == ["models"]


@pytest.mark.slow
def test_what_its_trainer_may_not_know_is_told(models: Path, odd_predictors: Mapping[str, Path]) -> None:
    heard = Heard()
    import_predictor(FolderSource(odd_predictors["regression"]), "odd", heard)
    (dropped,) = [line for line in heard.lines if "does not use" in line]
    assert dropped.endswith(": constant, id, nullable")
    (two_valued,) = [line for line in heard.lines if "two values" in line]
    assert two_valued.endswith(": int two, float flag, two dates, two dates as texts, two dates as objects")
