from __future__ import annotations

from pathlib import Path

import pytest

from agbento.errors import UsageError
from agbento.folder import FolderSource
from agbento.settings import ImportSettings
from agbento.source import open_source, split_uri

DEPLOYMENT = "AutoGluon_mlflow_best_quality_deployment"


def _settings(**values: str) -> ImportSettings:
    return ImportSettings.model_validate(values)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3://bucket", ("bucket", "")),
        ("s3://bucket/", ("bucket", "")),
        ("s3://bucket//", ("bucket", "")),
        ("s3://bucket/a/b", ("bucket", "a/b/")),
        ("s3://bucket/a/b/", ("bucket", "a/b/")),
        ("s3://Old_Bucket.1/a b/ä", ("Old_Bucket.1", "a b/ä/")),
        ("s3://bucket//a", ("bucket", "/a/")),
    ],
)
def test_split_uri(uri: str, expected: tuple[str, str]) -> None:
    assert split_uri(uri) == expected


@pytest.mark.parametrize(
    "uri", ["s3://", "s3:///a", "s3://b", "s3://bu cket/a", "s3://bucket:9000/a", "s3://-bucket/a"]
)
def test_no_bucket_name(uri: str) -> None:
    with pytest.raises(UsageError, match="no bucket name"):
        split_uri(uri)


def test_credentials_in_the_source_are_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError) as failed:
        split_uri("s3://AKIAKEY:topsecret@bucket/a")
    assert "topsecret" not in str(failed.value)
    assert "AKIAKEY" not in str(failed.value)


@pytest.mark.parametrize("text", ["https://user:topsecret@host/a", "gs://bucket/a", "file:///a", ""])
def test_other_sources_are_usage_errors(text: str) -> None:
    with pytest.raises(UsageError) as failed:
        open_source(text, _settings())
    assert "topsecret" not in str(failed.value)
    assert failed.value.exit_code == 2


def test_without_source_the_environment_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_BUCKET_NAME", "bucket")
    monkeypatch.setenv("EXPERIMENT_ID", "7/abc")
    found = open_source(None, ImportSettings.read())
    assert found.uri_of("") == f"s3://bucket/7/abc/artifacts/{DEPLOYMENT}/artifacts/{DEPLOYMENT}/"


@pytest.mark.parametrize(
    ("values", "missing"),
    [({}, "AWS_BUCKET_NAME and EXPERIMENT_ID not set"), ({"aws_bucket_name": "b"}, "and EXPERIMENT_ID not set")],
)
def test_without_source_and_environment(values: dict[str, str], missing: str) -> None:
    with pytest.raises(UsageError, match=missing):
        open_source(None, _settings(**values))


def test_a_folder(tmp_path: Path) -> None:
    assert isinstance(open_source(str(tmp_path), _settings()), FolderSource)
