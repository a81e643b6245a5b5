from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from agbento.digest import folder_digest
from agbento.errors import SourceError
from agbento.locate import Located, locate
from agbento.s3 import S3Source
from tests.s3_fixtures import ACCESS_KEY, S3, SECRET_KEY, Answer, Proxy, aws_environment, failing, fake_predictor
from tests.test_folder import Quiet

Environment = Callable[[dict[str, str]], None]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Environment:
    """Set boto3's variables for this process."""

    def use(values: dict[str, str]) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_CA_BUNDLE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    return use


def _fetch(prefix: str, target: Path, *, threads: int = 4, progress: Quiet | None = None) -> Located:
    source = S3Source("models", prefix, threads=threads)
    located = locate(source.entries(), source.name_of)
    target.mkdir()
    source.fetch(located, target, progress or Quiet())
    return located


def _line(prefix: str, target: Path) -> str:
    with pytest.raises(SourceError) as failed:
        _fetch(prefix, target)
    text = str(failed.value)
    assert text.isprintable()
    assert SECRET_KEY not in text
    assert ACCESS_KEY not in text
    return text


def test_more_than_a_thousand_objects(s3: S3, environment: Environment, tmp_path: Path) -> None:
    environment(s3.environment)
    predictor = fake_predictor(tmp_path / "p", extra=1100)
    s3.put_folder(predictor, "run/p/")
    s3.put("run/p/models/", b"")  # the marker that the console leaves for an empty folder
    s3.put("run/other/file")
    s3.put("runner/p/predictor.pkl")
    s3.put("runner/p/learner.pkl")
    progress = Quiet()
    located = _fetch("run/", tmp_path / "copy", threads=8, progress=progress)
    assert located.root == "p"
    assert len(located.entries) == 1105
    assert folder_digest(tmp_path / "copy") == folder_digest(predictor)
    assert progress.size == located.size


def test_large_objects_in_several_parts(s3: S3, environment: Environment, tmp_path: Path) -> None:
    environment(s3.environment)
    predictor = fake_predictor(tmp_path / "p")
    large = bytes(range(256)) * 4096 * 9  # 9 MB: an ETag that is no MD5
    (predictor / "models" / "large.pkl").write_bytes(large)
    s3.put_folder(predictor, "p/")
    s3.client.upload_file(str(predictor / "models" / "large.pkl"), s3.bucket, "p/models/large.pkl")
    assert "-" in s3.client.head_object(Bucket=s3.bucket, Key="p/models/large.pkl")["ETag"]
    _fetch("", tmp_path / "copy")
    assert folder_digest(tmp_path / "copy") == folder_digest(predictor)


def test_each_object_has_its_version(s3: S3, environment: Environment, tmp_path: Path) -> None:
    environment(s3.environment)
    s3.put_folder(fake_predictor(tmp_path / "p"), "run/p/")
    located = _fetch_versions("run/", tmp_path / "before")
    etags = {entry.path: entry.version for entry in located[0].entries}
    assert located[1] == etags
    s3.client.put_bucket_versioning(Bucket=s3.bucket, VersioningConfiguration={"Status": "Enabled"})
    version = s3.client.put_object(Bucket=s3.bucket, Key="run/p/learner.pkl", Body=b"new")["VersionId"]
    after = _fetch_versions("run/", tmp_path / "after")[1]
    assert after == {**etags, "learner.pkl": version}


def _fetch_versions(prefix: str, target: Path) -> tuple[Located, Mapping[str, str]]:
    source = S3Source("models", prefix, threads=2)
    located = locate(source.entries(), source.name_of)
    target.mkdir()
    return located, source.fetch(located, target, Quiet())


def test_uris_hold_neither_credentials_nor_endpoint(s3: S3, environment: Environment) -> None:
    environment(s3.environment)
    source = S3Source("models", "a/b/", threads=1)
    assert source.uri_of("") == "s3://models/a/b/"
    assert source.uri_of("c") == "s3://models/a/b/c/"
    assert source.name_of("c/d") == "s3://models/a/b/c/d"
    assert (source.folder_name(""), source.folder_name("c/d e")) == ("b", "d e")
    assert S3Source("models", "", threads=1).folder_name("") == "models"


def test_mlmodel_above(s3: S3, environment: Environment) -> None:
    environment(s3.environment)
    s3.put("r/m/MLmodel", b"run_id: abc")
    s3.put("MLmodel", b"run_id: top")
    assert S3Source("models", "r/m/artifacts/p/", threads=1).read_above("", 2, "MLmodel") == b"run_id: abc"
    assert S3Source("models", "r/", threads=1).read_above("m/artifacts/p", 2, "MLmodel") == b"run_id: abc"
    assert S3Source("models", "a/b/", threads=1).read_above("", 2, "MLmodel") == b"run_id: top"
    assert S3Source("models", "x/a/b/", threads=1).read_above("", 2, "MLmodel") is None
    assert S3Source("models", "", threads=1).read_above("", 2, "MLmodel") is None
    assert S3Source("no-such-bucket", "a/b/c/", threads=1).read_above("", 2, "MLmodel") is None


@pytest.mark.parametrize(
    "answer",
    [
        Answer(cut=3),
        Answer(cut=0),
        Answer(flip=True, drop=("x-amz-checksum-crc32",)),
        Answer(503, b"<Error><Code>SlowDown</Code></Error>"),
        Answer(500, b""),
    ],
    ids=["cut", "cut at once", "damaged", "503", "500"],
)
def test_what_passes_by_itself_is_tried_again(
    s3: S3, proxy: Proxy, environment: Environment, tmp_path: Path, answer: Answer
) -> None:
    environment(aws_environment(proxy.url))
    predictor = fake_predictor(tmp_path / "p")
    s3.put_folder(predictor, "p/")
    proxy.rule = lambda _, path, times: answer if "predictor.pkl" in path and times <= 2 else None
    progress = Quiet()
    located = _fetch("p/", tmp_path / "copy", progress=progress)
    assert folder_digest(tmp_path / "copy") == folder_digest(predictor)
    assert progress.size == located.size
    assert sum("predictor.pkl" in path for _, path in proxy.seen) == 3


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(cut=3), "3 bytes came where the listing says 18, on each of 5 attempts"),
        (
            Answer(flip=True, drop=("x-amz-checksum-crc32",)),
            "the content does not match its ETag, an MD5, on each of 5",
        ),
        (Answer(200, b"short"), "5 bytes came where the listing says 18"),
    ],
)
def test_and_at_last_given_up(
    s3: S3, proxy: Proxy, environment: Environment, tmp_path: Path, answer: Answer, expected: str
) -> None:
    environment(aws_environment(proxy.url))
    s3.put_folder(fake_predictor(tmp_path / "p"), "p/")
    proxy.rule = lambda _, path, times: answer if "predictor.pkl" in path else None
    text = _line("p/", tmp_path / "copy")
    assert "s3://models/p/predictor.pkl" in text
    assert re.search(expected, text)
    assert sum("predictor.pkl" in path for _, path in proxy.seen) <= 5


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("ExpiredToken", 400, "session token has expired"),
        ("InvalidAccessKeyId", 403, "access key is not known"),
        ("SignatureDoesNotMatch", 403, "secret key does not fit"),
        ("AccessDenied", 403, "access denied"),
        ("SomethingNew", 403, r"access denied.*403 SomethingNew said by the server"),
        ("SlowDown", 503, "overloaded"),
        ("Odd", 418, "418 Odd said by the server"),
        ("RequestTimeTooSkewed", 403, "clock"),
    ],
)
@pytest.mark.parametrize("where", ["list-type", "learner.pkl"])
def test_refusals(
    s3: S3,
    proxy: Proxy,
    environment: Environment,
    tmp_path: Path,
    code: str,
    status: int,
    expected: str,
    where: str,
) -> None:
    environment(aws_environment(proxy.url))
    s3.put_folder(fake_predictor(tmp_path / "p"), "p/")
    proxy.rule = failing(code, status, path=where)
    text = _line("p/", tmp_path / "copy")
    assert re.search(expected, text), text
    assert text.startswith("s3://models/p/learner.pkl: " if where == "learner.pkl" else "s3://models/p/: ")
    if status < 500:
        assert sum(where in path for _, path in proxy.seen) == 1, "a refusal is final"


def test_no_such_bucket(s3: S3, environment: Environment, tmp_path: Path) -> None:
    environment(s3.environment)
    with pytest.raises(SourceError, match=r"^s3://no-such-bucket/p/: no such bucket: check its name"):
        S3Source("no-such-bucket", "p/", threads=1).entries()


def test_nothing_under_the_prefix(s3: S3, environment: Environment, tmp_path: Path) -> None:
    environment(s3.environment)
    s3.put("foobar/predictor.pkl")
    s3.put("folder/", b"")
    assert "nothing under s3://models/foo/" in _line("foo/", tmp_path / "1")
    assert "nothing under s3://models/folder/" in _line("folder/", tmp_path / "2")
    assert "s3://models/foobar/predictor.pkl is an object" in _line("foobar/predictor.pkl/", tmp_path / "3")


def test_keys_that_climb_are_refused_before_anything_is_read(
    s3: S3, proxy: Proxy, environment: Environment, tmp_path: Path
) -> None:
    environment(aws_environment(proxy.url))
    s3.put_folder(fake_predictor(tmp_path / "p"), "p/")
    for key in ("p/../../evil", "p/models/../../../evil", "..%2F..%2Fevil", "p/..%5Cevil"):
        s3.put_raw(key)
        text = _line("" if key.startswith("..") else "p/", tmp_path / f"copy{hash(key)}")
        assert "climb out" in text
        listed = s3.client.list_objects_v2(Bucket=s3.bucket)["Contents"]
        evil: list[Any] = [{"Key": item["Key"]} for item in listed if "evil" in item["Key"]]
        assert len(evil) == 1
        s3.client.delete_objects(Bucket=s3.bucket, Delete={"Objects": evil})
    assert not any("predictor.pkl" in path for _, path in proxy.seen)


def test_an_object_that_changes_vanishes_or_appears(
    s3: S3, proxy: Proxy, environment: Environment, tmp_path: Path
) -> None:
    environment(aws_environment(proxy.url))

    def act_before(pattern: str, act: Callable[[], object]) -> Callable[[str, str, int], None]:
        def rule(_method: str, path: str, times: int) -> None:
            if pattern in path and times == 1:
                act()

        return rule

    acts: dict[str, Callable[[], object]] = {
        "changed": lambda: s3.put("p/learner.pkl", b"other content"),
        "vanished": lambda: s3.client.delete_object(Bucket=s3.bucket, Key="p/learner.pkl"),
    }
    for name, act in acts.items():
        s3.put_folder(fake_predictor(tmp_path / name / "p"), "p/")
        proxy.seen.clear()
        proxy.rule = act_before("learner.pkl", act)
        text = _line("p/", tmp_path / name / "copy")
        assert text.startswith(f"s3://models/p/learner.pkl: {name} while it was imported"), text
    # Written anew after it was downloaded, and one more object: neither breaks a download, both break the predictor.
    for key in ("p/learner.pkl", "p/models/new.pkl"):
        s3.put_folder(fake_predictor(tmp_path / key / "p"), "p/")
        source = S3Source("models", "p/", threads=1)
        located = locate(source.entries(), source.name_of)
        (tmp_path / key / "copy").mkdir()
        last = located.entries[-1].size
        done = 0

        class Late(Quiet):
            def advance(self, size: int) -> None:
                nonlocal done
                done += size
                if done == located.size:  # noqa: B023
                    s3.put(key, b"late")  # noqa: B023

        assert last
        with pytest.raises(SourceError, match=f"s3://models/{key} changed, appeared or vanished"):
            source.fetch(located, tmp_path / key / "copy", Late())


def test_no_credentials(s3: S3, environment: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment(s3.environment)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    text = _line_of_open("no AWS credentials found|only a part of the AWS credentials")
    assert "AWS_SECRET_ACCESS_KEY" in text or "secret key" in text
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    _line_of_open("no AWS credentials found: set AWS_PROFILE")
    environment({"AWS_ACCESS_KEY_ID": ACCESS_KEY})
    _line_of_open("AWS_SECRET_ACCESS_KEY is missing|only a part of the AWS credentials is set")
    environment({"AWS_PROFILE": "nobody"})
    _line_of_open("AWS_PROFILE=nobody: no such profile")


def _line_of_open(expected: str) -> str:
    with pytest.raises(SourceError, match=expected) as failed:
        S3Source("models", "p/", threads=1).entries()
    assert str(failed.value).isprintable()
    return str(failed.value)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("[profile x\nbroken", "config files cannot be used"),
        (
            "[profile x]\nsource_profile = gone\nrole_arn = arn:aws:iam::123456789012:role/r\n",
            "config files cannot be used",
        ),
        ("[profile x]\ncredential_process = /bin/false\n", "credentials could not be fetched"),
        (
            "[profile x]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = r\n"
            "[sso-session s]\nsso_region = eu-west-1\nsso_start_url = https://sso.invalid/start\n",
            "run `aws sso login`",
        ),
    ],
)
def test_profiles_that_cannot_be_used(
    s3: S3, environment: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, config: str, expected: str
) -> None:
    (tmp_path / "config").write_text(config)
    environment(
        {**s3.environment, "AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_PROFILE": "x", "HOME": str(tmp_path)}
    )
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    _line_of_open(expected)


def test_nobody_listens(environment: Environment) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        environment(aws_environment(f"http://user:topsecret@127.0.0.1:{taken.getsockname()[1]}"))
        began = time.monotonic()
        text = _line_of_open("cannot be reached")
    assert "http://127.0.0.1:" in text
    assert "topsecret" not in text
    assert time.monotonic() - began < 60  # botocore's own patience is minutes


@pytest.mark.slow
@pytest.mark.parametrize("backlog", ["silent", "full"])
def test_an_endpoint_that_says_nothing(environment: Environment, backlog: str) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0 if backlog == "full" else 16)
        callers = [socket.socket() for _ in range(3 if backlog == "full" else 0)]
        for caller in callers:
            # They fill the backlog: the next connection is neither taken nor refused, as behind a firewall.
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
        environment(aws_environment(f"http://127.0.0.1:{listener.getsockname()[1]}"))
        began = time.monotonic()
        _line_of_open("does not answer|cannot be reached")
        for caller in callers:
            caller.close()
    assert time.monotonic() - began < 60


def test_plain_http_where_tls_is_expected(s3: S3, environment: Environment) -> None:
    environment(aws_environment(s3.endpoint.replace("http://", "https://")))
    _line_of_open("no trusted TLS connection to https://127.0.0.1")


def test_an_endpoint_that_is_no_url(environment: Environment) -> None:
    environment(aws_environment("not a url"))
    _line_of_open("Invalid endpoint")


def test_something_else_listens_there(s3: S3, proxy: Proxy, environment: Environment, tmp_path: Path) -> None:
    environment(aws_environment(proxy.url))
    for answer in (Answer(404, b"<html>no</html>"), Answer(200, b"hello"), Answer(403, b""), Answer(301, b"")):
        proxy.rule = lambda *_, a=answer: a
        text = _line_of_open("s3://models/p/")
        assert len(text) < 500


def test_the_region_is_named(s3: S3, proxy: Proxy, environment: Environment) -> None:
    environment(aws_environment(proxy.url))
    body = b"<Error><Code>AuthorizationHeaderMalformed</Code><Message>m</Message><Region>eu-west-9</Region></Error>"
    proxy.rule = lambda *_: Answer(400, body)
    _line_of_open("another region: set AWS_REGION to the bucket's.*eu-west-9")


def test_credentials_in_what_a_server_says_are_masked(s3: S3, proxy: Proxy, environment: Environment) -> None:
    environment({**aws_environment(proxy.url), "AWS_SESSION_TOKEN": "session/token=="})
    body = f"<Error><Code>Odd</Code><Message>{ACCESS_KEY} {SECRET_KEY} session/token==</Message></Error>".encode()
    proxy.rule = lambda *_: Answer(400, body)
    text = _line_of_open(r"Odd \*\*\* \*\*\* \*\*\*")
    assert SECRET_KEY not in text


def test_a_stalled_body_does_not_delay_an_error_elsewhere(
    s3: S3, proxy: Proxy, environment: Environment, tmp_path: Path
) -> None:
    environment(aws_environment(proxy.url))
    s3.put_folder(fake_predictor(tmp_path / "p"), "p/")
    waiting = threading.Event()

    def rule(_method: str, path: str, _times: int) -> Answer | None:
        if "version.txt" in path:
            waiting.set()
            return Answer(stall=60)
        if "learner.pkl" in path:
            waiting.wait(60)
            return Answer(403, b"<Error><Code>AccessDenied</Code></Error>")
        return None

    proxy.rule = rule
    began = time.monotonic()
    assert "access denied" in _line("p/", tmp_path / "copy")
    assert time.monotonic() - began < 40
