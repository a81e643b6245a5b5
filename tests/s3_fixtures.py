"""A real S3 over HTTP for tests (moto's server), and a real HTTP server before it that makes things go wrong."""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

ACCESS_KEY, SECRET_KEY = "AKIAVISIBLETESTKEY00", "very/secret+test+key"
BUCKET = "models"


def aws_environment(endpoint: str) -> dict[str, str]:
    """The variables with which boto3 speaks to ``endpoint`` and finds nothing else on this machine."""
    return {
        "AWS_ENDPOINT_URL_S3": endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }


def client_of(endpoint: str) -> S3Client:
    """A client that speaks to ``endpoint`` whatever the environment says."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        region_name="us-east-1",
        config=Config(max_pool_connections=16),
    )


@dataclass(frozen=True)
class S3:
    """A bucket on a running server."""

    endpoint: str
    client: S3Client
    bucket: str

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to reach it."""
        return aws_environment(self.endpoint)

    def put(self, key: str, body: bytes = b"x") -> None:
        """Write one object through the API."""
        self.client.put_object(Bucket=self.bucket, Key=key, Body=body)

    def put_raw(self, key: str, body: bytes = b"x") -> None:
        """Write one object whose key a client's URL handling would change."""
        host = self.endpoint.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=60)
        connection.request(
            "PUT",
            f"/{self.bucket}/{key}",
            body,
            {"Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/s3/aws4_request"},
        )
        assert connection.getresponse().status == 200
        connection.close()

    def put_folder(self, folder: Path, prefix: str) -> None:
        """Write the files of ``folder`` below ``prefix``, which ends in "/"."""
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            self.put(prefix + file.relative_to(folder).as_posix(), file.read_bytes())


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The URL of an S3 on loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_server: str) -> Iterator[S3]:
    """An empty bucket, called ``models``, that lives for one test."""
    client = client_of(s3_server)
    client.create_bucket(Bucket=BUCKET)
    yield S3(s3_server, client, BUCKET)
    boto3_bucket = boto3.resource(
        "s3",
        endpoint_url=s3_server,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        region_name="us-east-1",
    ).Bucket(BUCKET)
    boto3_bucket.object_versions.all().delete()
    boto3_bucket.objects.all().delete()
    boto3_bucket.delete()


@dataclass(frozen=True)
class Answer:
    """What the proxy answers instead of S3; ``body`` None: what S3 answers, changed by the other fields."""

    status: int = 200
    body: bytes | None = None
    cut: int | None = None
    """Close the connection after so many bytes of the body."""
    flip: bool = False
    """Change the body's first byte."""
    stall: float = 0.0
    """Say nothing for so many seconds, then close."""
    drop: tuple[str, ...] = ()
    """Headers of S3's answer to leave out."""


@dataclass
class Proxy:
    """An HTTP server before S3.

    ``rule(method, path, times)`` may give an Answer instead of S3's; ``times`` counts that very request from 1.
    """

    upstream: str
    rule: Callable[[str, str, int], Answer | None] = lambda _method, _path, _times: None
    url: str = ""
    seen: list[tuple[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, method: str, path: str) -> int:
        """Note a request; say the how manieth of its kind it is."""
        with self.lock:
            self.seen.append((method, path))
            return self.seen.count((method, path))


def error_body(code: str, message: str = "said by the server") -> bytes:
    """The body of an S3 error."""
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


def failing(code: str, status: int, *, method: str = "GET", path: str = "") -> Callable[[str, str, int], Answer | None]:
    """A rule: every ``method`` whose path has ``path`` (a pattern) is answered with an S3 error."""

    def rule(seen_method: str, seen_path: str, _times: int) -> Answer | None:
        hit = seen_method == method and re.search(path, seen_path)
        return Answer(status, error_body(code)) if hit else None

    return rule


@pytest.fixture
def proxy(s3: S3) -> Iterator[Proxy]:
    """A proxy before the bucket of ``s3``; set its ``rule``, give its ``url`` to boto3."""
    made = Proxy(s3.endpoint)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.proxy = made  # type: ignore[attr-defined]
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    server.server_close()
    thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def pass_on(self) -> None:
        proxy: Proxy = self.server.proxy  # type: ignore[attr-defined]
        times = proxy.count(self.command, self.path)
        answer = proxy.rule(self.command, self.path, times) or Answer()
        if answer.stall:
            time.sleep(answer.stall)
            self.close_connection = True
            return
        status, headers, body = answer.status, {"Content-Type": "application/xml"}, answer.body
        if body is None:
            status, headers, body = self._ask(proxy.upstream)
        self._give(status, headers, body, answer)

    def _ask(self, upstream: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(upstream.removeprefix("http://"), timeout=30)
        length = int(self.headers.get("Content-Length") or 0)
        connection.request(self.command, self.path, self.rfile.read(length), dict(self.headers))
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, dict(answer.headers), body

    def _give(self, status: int, headers: dict[str, str], body: bytes, answer: Answer) -> None:
        left_out = {"content-length", "transfer-encoding", "connection", "date", "server", *answer.drop}
        self.send_response(status)
        for name in [name for name in headers if name.lower() not in left_out]:
            self.send_header(name, headers[name])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if answer.flip:
            body = bytes([body[0] ^ 1]) + body[1:]
        if answer.cut is not None:
            body, self.close_connection = body[: answer.cut], True
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


for _verb in ("GET", "HEAD", "PUT", "POST", "DELETE"):
    setattr(_Handler, f"do_{_verb}", _Handler.pass_on)


def fake_predictor(folder: Path, *, extra: int = 0) -> Path:
    """A folder that looks like a predictor from outside, with ``extra`` more files; it cannot be loaded."""
    for name in ("predictor.pkl", "learner.pkl", "version.txt", "metadata.json", "models/trainer.pkl"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(f"{name} of {folder.name}".encode())
    for number in range(extra):
        (folder / "models" / f"fold-{number:04}.pkl").write_bytes(b"%d" % number)
    return folder
