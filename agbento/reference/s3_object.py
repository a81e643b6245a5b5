"""One object of S3 → a file. Credentials, region and endpoint come the way boto3 finds them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore import exceptions as boto
from botocore.config import Config

from agbento.errors import SourceError
from agbento.s3 import secrets_of
from agbento.s3_faults import explain
from agbento.text import shown

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

_CHUNK = 256 * 1024
_ATTEMPTS = 5  # of the body; the request itself is retried by botocore
_WORTH_RETRYING = (
    boto.HTTPClientError,
    boto.IncompleteReadError,
    boto.FlexibleChecksumError,
    ConnectionError,
    TimeoutError,
)
_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=5, read_timeout=30)


def fetch_object(bucket: str, key: str, file: Path, check_size: Callable[[int], None]) -> None:
    """Write the object into ``file``; ``check_size`` is told its bytes before that, and may raise.

    Raises:
        SourceError: it cannot be had.
        OSError: the file cannot be written.
    """
    where, endpoint, secrets = f"s3://{bucket}/{shown(key)}", "", tuple[str, ...]()
    try:
        session = boto3.session.Session()
        secrets = secrets_of(session)
        client = session.client("s3", config=_CONFIG)
        endpoint = client.meta.endpoint_url
        for attempt in range(1, _ATTEMPTS + 1):
            answer = client.get_object(Bucket=bucket, Key=key)
            try:
                _receive(answer, file, check_size)
                break
            except _WORTH_RETRYING:
                if attempt == _ATTEMPTS:
                    raise
                time.sleep(min(4.0, 0.25 * 2**attempt))
    except boto.ClientError as error:
        if error.response.get("Error", {}).get("Code") in ("NoSuchKey", "404"):
            raise SourceError(f"{where}: no such object; check the key (upper and lower case differ)") from None
        raise explain(error, where, endpoint, secrets) from None
    except (boto.BotoCoreError, ConnectionError, TimeoutError, ValueError) as error:
        raise explain(error, where, endpoint, secrets) from None


def _receive(answer: GetObjectOutputTypeDef, file: Path, check_size: Callable[[int], None]) -> None:
    with answer["Body"] as body, file.open("wb") as writer:
        check_size(answer["ContentLength"])
        while chunk := body.read(_CHUNK):
            writer.write(chunk)
        if writer.tell() != answer["ContentLength"]:
            raise boto.IncompleteReadError(actual_bytes=writer.tell(), expected_bytes=answer["ContentLength"])
