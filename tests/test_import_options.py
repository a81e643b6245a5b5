"""What an import is asked for beyond its source: digest, trust, versions, limits; and what it leaves in the store."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from agbento.digest import folder_digest
from agbento.lock import versions
from sample.bucket import bucket
from tests.running import ROOT, environment, imported


def run(home: Path, *arguments: str, extra: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "import_model.py", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment(home, extra), capture_output=True, text=True, timeout=300, check=False
    )


def refused(home: Path, *arguments: str, extra: dict[str, str] | None = None, code: int = 1) -> str:
    done = run(home, *arguments, extra=extra)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert not list(home.glob("models/*/*"))
    return done.stderr.splitlines()[-1]


def test_another_digest_is_refused_before_anything_is_read(sample_predictor: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    line = refused(home, str(sample_predictor), "--sha256", "0" * 64)
    assert f"its digest is {folder_digest(sample_predictor)}, expected {'0' * 64}" in line
    assert "64 hex digits" in refused(home, str(sample_predictor), "--sha256", "abc", code=2)


def test_limits_are_kept_before_anything_is_fetched(sample_predictor: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert "IMPORT_MAX_FILES" in refused(home, str(sample_predictor), extra={"IMPORT_MAX_FILES": "3"})
    assert "IMPORT_MAX_BYTES" in refused(home, str(sample_predictor), extra={"IMPORT_MAX_BYTES": "1000"})


def test_code_that_is_not_there_is_wrong_usage(sample_predictor: Path, tmp_path: Path) -> None:
    assert "no such folder" in refused(tmp_path / "home", str(sample_predictor), "--code", "nowhere", code=2)


def test_a_reference_that_is_not_there_is_wrong_usage(sample_predictor: Path, tmp_path: Path) -> None:
    line = refused(tmp_path / "home", str(sample_predictor), "--reference", "nowhere.csv", code=2)
    assert "--reference nowhere.csv: No such file or directory; expected a file of rows, CSV or Parquet" in line


def altered(sample_predictor: Path, folder: Path, **changes: str) -> Path:
    """The sample predictor, as if it were trained with other versions."""
    shutil.copytree(sample_predictor, folder)
    metadata = json.loads((folder / "metadata.json").read_text())
    metadata["packages"] |= {name: version for name, version in changes.items() if name != "python"}
    metadata["py_version_micro"] = changes.get("python", metadata["py_version_micro"])
    (folder / "metadata.json").write_text(json.dumps(metadata))
    return folder


def test_the_command_that_mends_it_can_be_pasted(sample_predictor: Path, tmp_path: Path) -> None:
    source = altered(sample_predictor, tmp_path / "it's a model", lightgbm="3.9.9")
    line = refused(tmp_path / "home", str(source), "--name", "x")
    assert "trained with lightgbm 3.9.9 (here " in line
    command = line.partition("made for it: ")[2]
    echoed = subprocess.run(["sh", "-c", f"printf '%s\\n' {command}"], capture_output=True, text=True, check=True)
    expected = [sys.executable, "import_model.py", "--own-environment", str(source), "--name", "x"]
    assert echoed.stdout.splitlines() == expected


@pytest.mark.slow
def test_skew_that_is_allowed_is_kept(sample_predictor: Path, tmp_path: Path) -> None:
    source = altered(sample_predictor, tmp_path / "model", lightgbm="4.0.0", python="3.12.1")
    done = run(tmp_path / "home", str(source), "--name", "skewed", "--allow-version-skew")
    assert done.returncode == 0, done.stderr
    provenance = document(tmp_path / "home", done.stdout.splitlines()[-1])
    assert [line.partition(" (here")[0] for line in provenance["version_skew"]] == ["Python 3.12.1", "lightgbm 4.0.0"]


def document(home: Path, tag: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((home / "models" / tag.replace(":", "/") / "provenance.json").read_text())
    return read


@pytest.mark.slow
def test_the_papers_say_the_same_everywhere(sample_predictor: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with bucket(sample_predictor, name="papers") as s3:
        tag = imported(f"s3://{s3.name}/{s3.prefix}", home, "--name", "papers", extra=s3.environment)
    stored = home / "models" / tag.replace(":", "/")
    provenance = document(home, tag)
    assert provenance["source"].startswith(f"s3://{s3.name}/")
    assert provenance["digest"] == folder_digest(sample_predictor)
    assert re.fullmatch(r"[0-9a-f]{32}", provenance["mlflow_run_id"])
    assert f"/{provenance['mlflow_experiment_id']}/artifacts/" in provenance["source"]
    files = {p.relative_to(sample_predictor).as_posix() for p in sample_predictor.rglob("*") if p.is_file()}
    assert json.loads((stored / "objects.json").read_text()).keys() == files
    lock = (stored / "requirements.txt").read_text()
    assert "://" not in lock
    bill = json.loads((stored / "sbom.cdx.json").read_text())
    listed = {part["name"] for part in bill["components"] if part["type"] == "library"}
    assert listed == set(versions(lock))
    assert {"lightgbm", "catboost"} <= listed
    assert not {"xgboost-cpu", "torch", "matplotlib", "pytest"} & listed
    command = [sys.executable, "-m", "agbento.bundle", "build", "--model", tag]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(home), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    bento = home / "bentos" / done.stdout.splitlines()[-1].replace(":", "/")
    labels = yaml.safe_load((bento / "bento.yaml").read_text())["labels"]
    assert json.loads(labels["agbento.provenance"]) == provenance
    for name in ("provenance.json", "sbom.cdx.json"):
        assert (bento / "env" / "python" / name).read_bytes() == (stored / name).read_bytes()
    dockerfile = (bento / "env" / "docker" / "Dockerfile").read_text()
    assert "FROM python:3.1" in dockerfile
    packed = (bento / "env" / "python" / "requirements.txt").read_text()
    assert set(versions(packed)) == set(versions(lock))
