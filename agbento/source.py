"""Where a predictor comes from: a prefix in S3, or a folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from agbento.entry import Entry
from agbento.errors import UsageError
from agbento.locate import Located
from agbento.progress import Progress
from agbento.settings import ImportSettings
from agbento.text import shown

_DEPLOYMENT = "AutoGluon_mlflow_best_quality_deployment"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, and what older buckets may have.
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")


class Source(Protocol):
    """A tree of files that a predictor is taken from. All methods raise SourceError."""

    def name_of(self, path: str) -> str:
        """Give what a person would write for ``path`` (relative to the root) as SOURCE; it holds no credentials."""

    def uri_of(self, root: str) -> str:
        """Give the URI of the folder ``root``, as the store keeps it; it holds no credentials and no endpoint."""

    def folder_name(self, root: str) -> str:
        """Give the last part of the path of the folder ``root``; may be empty."""

    def entries(self) -> list[Entry]:
        """List every file; at least one, or SourceError."""

    def read_above(self, root: str, above: int, name: str) -> bytes | None:
        """Read the small file ``name`` that lies ``above`` folders over ``root``; None where it cannot be had."""

    def fetch(self, located: Located, target: Path, progress: Progress) -> Mapping[str, str]:
        """Write the files of ``located`` below the empty folder ``target``, checked and synced to disk.

        Returns the version that the source gives each file, by its path there; empty where it has none that lasts.

        Raises SourceError where they are no longer what was listed, OSError where they cannot be written.
        """


def open_source(text: str | None, settings: ImportSettings) -> Source:
    """Give the source that ``text`` names, or the one of the environment where it names none; raises UsageError."""
    named = text if text is not None else _from_environment(settings)
    if named.startswith("s3://"):
        from agbento.s3 import S3Source

        bucket, prefix = split_uri(named)
        return S3Source(bucket, prefix, threads=settings.import_threads)
    if "://" in named:
        raise UsageError("SOURCE: only s3://bucket/prefix and folders can be read; copy the predictor to one of them")
    if not named:
        raise UsageError("SOURCE is empty: give s3://bucket/prefix or a folder")
    from agbento.folder import FolderSource

    return FolderSource(Path(named))


def split_uri(uri: str) -> tuple[str, str]:
    """Split ``s3://bucket/prefix`` into the bucket and the prefix, which ends in "/" or is empty.

    Raises UsageError, whose text does not repeat what may be a credential.
    """
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    if "@" in bucket:
        raise UsageError("SOURCE: credentials are never given in it; set AWS_PROFILE or what else boto3 reads")
    if not _BUCKET.fullmatch(bucket):
        raise UsageError(f"SOURCE: {shown(bucket, 80)!r} is no bucket name; expected s3://bucket/prefix")
    return bucket, f"{prefix.rstrip('/')}/" if prefix.strip("/") else ""


def _from_environment(settings: ImportSettings) -> str:
    bucket, experiment = settings.aws_bucket_name, settings.experiment_id
    missing = [n for n, v in (("AWS_BUCKET_NAME", bucket), ("EXPERIMENT_ID", experiment)) if not v]
    if missing:
        raise UsageError(
            f"no SOURCE, and {' and '.join(missing)} not set: give s3://bucket/prefix or a folder, or set both"
        )
    return f"s3://{bucket}/{experiment}/artifacts/{_DEPLOYMENT}/artifacts/{_DEPLOYMENT}/"
