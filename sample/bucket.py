"""An S3 of our own on loopback with a predictor as MLflow 2 logged it: what ``make demo`` and tests import from."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import boto3
import botocore.session
from botocore.config import Config
from moto.server import ThreadedMotoServer

from sample.train import NAME

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

EXPERIMENT: Final = "1"
RUN: Final = "5d0c7f2a91e84b0fb6c4e8a3d2f17b60"
REGION: Final = "us-east-1"

# botocore's variables as (name in a config file, environment variable, default, converter)
_NOTHING_OF_THE_USER: Final = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}

# As MLflow 2 writes it beside a pyfunc model with artifacts:
# https://mlflow.org/docs/2.22.0/model#storage-format
_MLMODEL: Final = """\
artifact_path: {name}
flavors:
  python_function:
    artifacts:
      {name}:
        path: artifacts/{name}
        uri: {name}
    cloudpickle_version: 3.1.1
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: mlflow.pyfunc.model
    python_model: python_model.pkl
    python_version: 3.11.7
mlflow_version: 2.22.0
model_size_bytes: {size}
model_uuid: 0c7d0a54b9a14f0f9d1c5a2f6f0d7a11
run_id: {run}
utc_time_created: '2025-06-02 09:14:31.071548'
"""


@dataclass(frozen=True)
class Bucket:
    """A bucket of the embedded S3, with the environment that leads a program to it."""

    endpoint: str
    name: str
    experiment: str

    @property
    def prefix(self) -> str:
        """The predictor's key prefix, which `import_model.py` takes by itself: the path of a deployment."""
        return f"{self.experiment}/artifacts/{NAME}/artifacts/{NAME}/"

    @property
    def environment(self) -> dict[str, str]:
        """What `import_model.py` without a source needs; the credentials are of no other S3."""
        return {
            "AWS_BUCKET_NAME": self.name,
            "EXPERIMENT_ID": self.experiment,
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_ACCESS_KEY_ID": "demo",
            "AWS_SECRET_ACCESS_KEY": "demo-secret",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            # neither a proxy nor a file of the user's may lead elsewhere
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def client(self) -> S3Client:
        """A boto3 client for this S3, whatever the environment and the user's files say."""
        return boto3.session.Session(botocore_session=botocore.session.Session(_NOTHING_OF_THE_USER)).client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="demo",
            aws_secret_access_key="demo-secret",
            config=Config(proxies={}),
        )


@contextmanager
def bucket(predictor: Path | None = None, name: str = "mlflow", experiment: str = EXPERIMENT) -> Iterator[Bucket]:
    """Run an S3 on a free port of loopback with one bucket, holding ``predictor`` where one is given.

    The predictor is a folder as AutoGluon wrote it. It lies below `Bucket.prefix`, an ``MLmodel`` two levels above it.
    Raises OSError for a predictor that cannot be read. At the end the server is stopped and all it held is gone.
    """
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # else it tells every request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    made: Bucket | None = None
    try:
        host, port = server.get_host_and_port()
        made = Bucket(f"http://{host}:{port}", name, experiment)
        made.client().create_bucket(Bucket=name)
        if predictor is not None:
            upload(made, predictor)
        yield made
    finally:
        # moto keeps its buckets for as long as the process lives, whichever server made them
        if made is not None:
            _remove(made)
        server.stop()


def upload(to: Bucket, predictor: Path) -> None:
    """Put the folder ``predictor`` below ``to.prefix``, and the MLmodel that MLflow would have left."""
    client = to.client()
    files = sorted(path for path in predictor.rglob("*") if path.is_file())
    for path in files:
        client.upload_file(str(path), to.name, to.prefix + path.relative_to(predictor).as_posix())
    mlmodel = _MLMODEL.format(name=NAME, run=RUN, size=sum(path.stat().st_size for path in files))
    client.put_object(Bucket=to.name, Key=f"{to.experiment}/artifacts/{NAME}/MLmodel", Body=mlmodel.encode())


def _remove(bucket: Bucket) -> None:
    client = bucket.client()
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name):
        for entry in page.get("Contents", ()):
            client.delete_object(Bucket=bucket.name, Key=entry["Key"])
    client.delete_bucket(Bucket=bucket.name)
