"""One object of S3 → a file."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from botocore import exceptions as boto

from agbento.errors import SourceError
from agbento.s3_client import ATTEMPTS, CHUNK, WORTH_RETRYING, Explained, pause
from agbento.text import shown

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef


def fetch_object(bucket: str, key: str, file: Path, check_size: Callable[[int], None]) -> None:
    """Write the object into ``file``; ``check_size`` is told its bytes before that, and may raise.

    Raises:
        SourceError: it cannot be had.
        OSError: the file cannot be written.
    """
    where = f"s3://{bucket}/{shown(key)}"
    s3 = Explained(where, 1, attempts=3)
    with s3.faults(where):
        for attempt in range(1, ATTEMPTS + 1):
            answer = _get(s3.client, bucket, key, where)
            try:
                _receive(answer, file, check_size)
                break
            except WORTH_RETRYING:
                if attempt == ATTEMPTS:
                    raise
                time.sleep(pause(attempt))


def _get(client: S3Client, bucket: str, key: str, where: str) -> GetObjectOutputTypeDef:
    try:
        return client.get_object(Bucket=bucket, Key=key)
    except boto.ClientError as error:
        if error.response.get("Error", {}).get("Code") not in ("NoSuchKey", "404"):
            raise
        raise SourceError(f"{where}: no such object; check the key (upper and lower case differ)") from None


def _receive(answer: GetObjectOutputTypeDef, file: Path, check_size: Callable[[int], None]) -> None:
    with answer["Body"] as body, file.open("wb") as writer:
        check_size(answer["ContentLength"])
        while chunk := body.read(CHUNK):
            writer.write(chunk)
        if writer.tell() != answer["ContentLength"]:
            raise boto.IncompleteReadError(actual_bytes=writer.tell(), expected_bytes=answer["ContentLength"])
