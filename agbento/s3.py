"""A prefix of an S3 bucket as a source. Credentials, region and endpoint come the way boto3 finds them."""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from botocore import exceptions as boto

from agbento.entry import Entry, climbs
from agbento.errors import SourceError
from agbento.locate import Located
from agbento.parallel import each
from agbento.progress import Progress
from agbento.s3_client import ATTEMPTS, CHUNK, WORTH_RETRYING, Explained, pause
from agbento.text import shown

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

_SMALL = 1 << 20
_MD5 = re.compile(r"[0-9a-f]{32}")


class _DamagedError(Exception):
    """A body that arrived whole and is not what the listing said."""


class _StoppedError(Exception):
    """Another object's download has failed: this one need not go on."""


class S3Source:
    """The objects of ``bucket`` whose keys begin with ``prefix`` (empty, or ending in "/")."""

    def __init__(self, bucket: str, prefix: str, *, threads: int) -> None:
        self._bucket, self._prefix, self._threads = bucket, prefix, threads
        self._uri = f"s3://{bucket}/{prefix}"
        self._explained = Explained(self._uri, threads, attempts=5)
        self._s3 = self._explained.client

    def name_of(self, path: str) -> str:
        """Give the ``s3://`` URI of ``path``."""
        return f"{self._uri}{path}"

    def uri_of(self, root: str) -> str:
        """Give the ``s3://`` URI of the folder ``root``, with "/" at its end."""
        return f"{self._uri}{root}/" if root else self._uri

    def folder_name(self, root: str) -> str:
        """Give the last part of the folder's key, the bucket's name for the bucket itself."""
        return f"{self._bucket}/{self._prefix}{root}".rstrip("/").rpartition("/")[2]

    def entries(self) -> list[Entry]:
        """List every object below the prefix; markers of empty folders (``…/``) are left out."""
        with self._explained.faults(self._uri):
            self._knock()
            found = list(self._list(self._prefix))
        if not found:
            raise SourceError(self._nothing())
        for entry in found:
            if climbs(entry.path):
                raise SourceError(
                    f"{shown(self.name_of(entry.path))}: the key has a '..' part and would climb out of the folder; "
                    "nothing was written: remove the object, or give a prefix that does not hold it"
                )
        return found

    def read_above(self, root: str, above: int, name: str) -> bytes | None:
        """Read the object ``name`` that lies ``above`` folders over ``root``, up to 1 MiB of it."""
        parts = f"{self._prefix}{root}".rstrip("/").split("/")
        if len(parts) < above:
            return None
        key = "/".join([*parts[: len(parts) - above], name])
        try:
            body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"]
            with body:
                return body.read(_SMALL)
        except (boto.ClientError, boto.BotoCoreError):
            # It tells the run's id and nothing else: where it is missing or not ours to read, the id stays unknown.
            return None

    def fetch(self, located: Located, target: Path, progress: Progress) -> Mapping[str, str]:
        """Download the objects, several at a time, and look whether they are still what they were.

        Returns, by path, the version of each object, or its ETag where the bucket keeps no versions.
        """
        inside = f"{self._prefix}{located.root}/" if located.root else self._prefix
        for folder in sorted({(target / entry.path).parent for entry in located.entries}):
            folder.mkdir(parents=True, exist_ok=True)
        stop, versions = threading.Event(), dict[str, str]()

        def download(entry: Entry) -> None:
            with self._explained.faults(f"s3://{self._bucket}/{shown(inside + entry.path)}"):
                file = target / entry.path
                versions[entry.path] = self._download(inside + entry.path, entry, file, progress, stop)

        # Large ones first: the last thread to end is then not one that began a large one late.
        each(download, sorted(located.entries, key=lambda e: -e.size), self._threads, stop)
        with self._explained.faults(self._uri):
            again = {(e.path, e.version) for e in self._list(inside)}
        changed = sorted(again ^ {(e.path, e.version) for e in located.entries})
        if changed:
            raise SourceError(
                f"s3://{self._bucket}/{shown(inside + changed[0][0])} changed, appeared or vanished while it was "
                "imported: import again once nobody writes there"
            )
        return versions

    def _knock(self) -> None:
        # Short time-outs: an endpoint that is not there, or says nothing, is told of within 20 s.
        self._explained.another(1, attempts=3, connect=3, read=5).list_objects_v2(
            Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1
        )

    def _list(self, prefix: str) -> Iterator[Entry]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                path = item["Key"][len(prefix) :]
                if path and not path.endswith("/"):
                    yield Entry(path, item["Size"], item["ETag"].strip('"'))

    def _nothing(self) -> str:
        with self._explained.faults(self._uri):
            key = self._prefix.rstrip("/")
            first = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=1).get("Contents", [])
        if key and first and first[0]["Key"] == key:
            return f"s3://{self._bucket}/{shown(key)} is an object, not a prefix; give the folder that holds it"
        return f"nothing under {shown(self._uri)}: no key begins so; check the prefix (upper and lower case differ)"

    def _download(self, key: str, entry: Entry, file: Path, progress: Progress, stop: threading.Event) -> str:
        """Download one object; give its version, or its ETag."""
        with file.open("xb") as writer:
            for attempt in range(1, ATTEMPTS + 1):
                answer = self._get(key, entry)
                try:
                    _receive(answer, entry, writer, progress, stop)
                    break
                except (*WORTH_RETRYING, _DamagedError) as error:
                    progress.advance(-writer.tell())
                    if attempt == ATTEMPTS:
                        if isinstance(error, _DamagedError):
                            raise SourceError(
                                f"s3://{self._bucket}/{shown(key)}: {error}, on each of {ATTEMPTS} attempts; "
                                "check the network, or upload it again"
                            ) from None
                        raise
                    stop.wait(pause(attempt))
                writer.seek(0)
                writer.truncate()
            os.fsync(writer.fileno())
        version = answer.get("VersionId", "null")  # "null": written before the bucket kept versions
        return entry.version if version == "null" else version

    def _get(self, key: str, entry: Entry) -> GetObjectOutputTypeDef:
        answer = self._s3.get_object(Bucket=self._bucket, Key=key, **_if_match(entry))
        if entry.version and answer.get("ETag", entry.version).strip('"') != entry.version:
            # For stores that take no notice of If-Match.
            answer["Body"].close()
            raise SourceError(
                f"s3://{self._bucket}/{shown(key)} changed while it was imported: import again once nobody writes there"
            )
        return answer


def _receive(
    answer: GetObjectOutputTypeDef, entry: Entry, writer: BinaryIO, progress: Progress, stop: threading.Event
) -> None:
    md5 = hashlib.md5(usedforsecurity=False)
    with answer["Body"] as body:
        while chunk := body.read(CHUNK):
            if stop.is_set():
                raise _StoppedError
            writer.write(chunk)
            md5.update(chunk)
            progress.advance(len(chunk))
    writer.flush()
    if writer.tell() != entry.size:
        raise _DamagedError(f"{writer.tell()} bytes came where the listing says {entry.size}")
    if _etag_is_md5(entry.version, answer) and md5.hexdigest() != entry.version:
        raise _DamagedError("the content does not match its ETag, an MD5")


def _if_match(entry: Entry) -> dict[str, Any]:
    return {"IfMatch": f'"{entry.version}"'} if entry.version else {}


def _etag_is_md5(etag: str, answer: GetObjectOutputTypeDef) -> bool:
    """Say whether the ETag is the content's MD5: not for multipart uploads (``…-<parts>``) nor under KMS or SSE-C keys.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
    """
    encrypted = answer.get("ServerSideEncryption", "") not in ("", "AES256") or "SSECustomerAlgorithm" in answer
    return bool(_MD5.fullmatch(etag)) and not encrypted
