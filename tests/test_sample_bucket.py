"""The S3 on loopback, spoken to over HTTP by a client that knows nothing of the sample."""

import os
from pathlib import Path

import boto3
import botocore.exceptions
import pytest
import yaml
from botocore.config import Config

from sample.bucket import Bucket, bucket

DEFAULT = "artifacts/AutoGluon_mlflow_best_quality_deployment/artifacts/AutoGluon_mlflow_best_quality_deployment/"


@pytest.fixture
def predictor(tmp_path: Path) -> Path:
    folder = tmp_path / "predictor"
    (folder / "models" / "LightGBM").mkdir(parents=True)
    (folder / "predictor.pkl").write_bytes(b"p" * 10)
    (folder / "models" / "LightGBM" / "model.pkl").write_bytes(os.urandom(9_000_000))  # a multipart upload
    return folder


def listed(s3: Bucket) -> dict[str, int]:
    found = s3.client().list_objects_v2(Bucket=s3.name).get("Contents", [])
    return {entry["Key"]: entry["Size"] for entry in found}


def test_it_holds_the_predictor_as_mlflow_2_logged_it(predictor: Path) -> None:
    with bucket(predictor, experiment="7") as s3:
        assert s3.prefix == f"7/{DEFAULT}"
        mlmodel = "7/artifacts/AutoGluon_mlflow_best_quality_deployment/MLmodel"
        keys = listed(s3)
        size = keys.pop(mlmodel)
        assert keys == {s3.prefix + "predictor.pkl": 10, s3.prefix + "models/LightGBM/model.pkl": 9_000_000}
        body = s3.client().get_object(Bucket=s3.name, Key=mlmodel)["Body"].read()
        assert len(body) == size
        told = yaml.safe_load(body)
        assert told["flavors"]["python_function"]["loader_module"] == "mlflow.pyfunc.model"
        assert told["model_size_bytes"] == 9_000_010
        got = s3.client().get_object(Bucket=s3.name, Key=s3.prefix + "models/LightGBM/model.pkl")["Body"].read()
        assert got == (predictor / "models" / "LightGBM" / "model.pkl").read_bytes()


def test_its_environment_is_all_that_a_client_needs(predictor: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with bucket(predictor) as s3:
        for name, value in s3.environment.items():
            monkeypatch.setenv(name, value)
        found = (
            boto3.session.Session().client("s3").list_objects_v2(Bucket=os.environ["AWS_BUCKET_NAME"], Prefix=s3.prefix)
        )
        assert found["KeyCount"] == 2


def test_a_profile_of_the_user_leads_nowhere(predictor: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    with bucket(predictor) as s3:
        assert len(listed(s3)) == 3


def test_nothing_is_left_when_it_ends(predictor: Path) -> None:
    with bucket(predictor, name="shortlived") as s3:
        endpoint = s3.endpoint
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(connect_timeout=1, retries={"total_max_attempts": 1}, proxies={}),
    )
    with pytest.raises(botocore.exceptions.EndpointConnectionError):
        client.list_buckets()
    with bucket(name="another") as s3:
        assert [b["Name"] for b in s3.client().list_buckets()["Buckets"]] == ["another"]
        assert listed(s3) == {}
