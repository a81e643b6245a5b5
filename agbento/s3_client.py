"""A client of S3 whose faults are explained. Credentials, region and endpoint come the way boto3 finds them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
from botocore import exceptions as boto
from botocore.config import Config

from agbento.s3_faults import explain

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

CHUNK = 256 * 1024
ATTEMPTS = 5  # of an object's body; a request itself is retried by botocore
# A body that breaks off, stalls or arrives damaged may come whole the next time; an answer from S3 will not change.
WORTH_RETRYING = (
    boto.HTTPClientError,
    boto.ConnectionError,
    boto.IncompleteReadError,
    boto.FlexibleChecksumError,
    ConnectionError,
    TimeoutError,
)


def pause(attempt: int) -> float:
    """Give the seconds to wait after the failed ``attempt``, of which the first is 1."""
    return min(4.0, 0.25 * 2.0**attempt)


class Explained:
    """A session of boto3, its client of S3 for ``connections`` at a time, and what its faults mean.

    Raises:
        SourceError: what the environment says of credentials, region or endpoint cannot be used for ``where``.
    """

    def __init__(self, where: str, connections: int, *, attempts: int) -> None:
        self._endpoint = ""
        self._secrets: tuple[str, ...] = ()
        with self.faults(where):
            self._session = boto3.session.Session()
            self._secrets = _secrets_of(self._session)
            self.client = self.another(connections, attempts=attempts, connect=5, read=30)
            self._endpoint = self.client.meta.endpoint_url

    def another(self, connections: int, *, attempts: int, connect: float, read: float) -> S3Client:
        """Make a client that tries a request so often, with time-outs in seconds."""
        config = Config(
            retries={"mode": "standard", "total_max_attempts": attempts},
            connect_timeout=connect,
            read_timeout=read,
            max_pool_connections=max(connections, 10),
        )
        return self._session.client("s3", config=config)

    @contextmanager
    def faults(self, where: str) -> Iterator[None]:
        """Turn what boto3 raises into a SourceError: one line about ``where``, without credentials."""
        try:
            yield
        except (boto.ClientError, boto.BotoCoreError, ConnectionError, TimeoutError) as error:
            raise explain(error, where, self._endpoint, self._secrets) from None
        except (ValueError, RecursionError) as error:
            # botocore's own: an endpoint that is no URL, and one that redirects for ever (it looks for a region).
            raise explain(error, where, self._endpoint, self._secrets) from None


def _secrets_of(session: boto3.session.Session) -> tuple[str, ...]:
    credentials = session.get_credentials()
    if credentials is None:
        return ()
    frozen = credentials.get_frozen_credentials()
    return tuple(filter(None, (frozen.access_key, frozen.secret_key, frozen.token)))
