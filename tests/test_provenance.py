from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from agbento import provenance
from agbento.provenance import Provenance

RUN = "0123456789abcdef0123456789abcdef"
DOCUMENT = Provenance(
    source="s3://bucket/7/run/model/",
    digest="d" * 64,
    objects={"count": 2, "sha256": "e" * 64},
    autogluon_version="1.6.3",
    python_version="3.11.7",
    imported_at="2026-01-02T03:04:05+00:00",
    agbento_version="0.1.0",
    placeholders=("team.rmsle",),
)


def test_what_is_not_known_is_left_out() -> None:
    told = DOCUMENT.to_json()
    assert told["placeholders"] == ("team.rmsle",)
    assert not told.keys() & {"mlflow_run_id", "trusted", "trusted_by", "version_skew"}


def test_the_labels_say_the_same_as_the_file(tmp_path: Path) -> None:
    DOCUMENT.save(tmp_path)
    document = provenance.load(tmp_path)
    labels = provenance.labels(document, "model", "abc")
    assert json.loads(labels[provenance.LABEL]) == document
    assert labels["org.opencontainers.image.title"] == "model"
    assert labels["org.opencontainers.image.revision"] == DOCUMENT.digest


@pytest.mark.parametrize("text", [None, "", "{", "[]"])
def test_none_that_can_be_read_is_empty(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / provenance.PROVENANCE).write_text(text)
    assert provenance.load(tmp_path) == {}
    assert provenance.labels({}, "model", "abc") == {}


def test_the_versions_of_all_files_are_beside_it(tmp_path: Path) -> None:
    told = provenance.save_objects(tmp_path, {"b": "v2", "a": "etag"})
    text = (tmp_path / provenance.OBJECTS).read_bytes()
    assert json.loads(text) == {"a": "etag", "b": "v2"}
    assert told == {"count": 2, "sha256": hashlib.sha256(text).hexdigest()}


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        (f"s3://bucket/17/{RUN}/artifacts/m/artifacts/p/", "17"),
        (f"s3://bucket/deep/er/17/{RUN}/artifacts/p/", "17"),
        (f"s3://bucket/17/models/m-{RUN}/artifacts/artifacts/p/", "17"),
        (f"file:///mlruns/403/{RUN}/artifacts/p/", "403"),
        ("s3://bucket/17/artifacts/m/artifacts/m/", "17"),
        ("s3://bucket/plain/p/", None),
        (f"s3://bucket/{RUN}x/artifacts/p/", None),
    ],
)
def test_the_experiment_is_read_from_mlflows_layouts(uri: str, expected: str | None) -> None:
    assert provenance.experiment_id(uri) == expected
