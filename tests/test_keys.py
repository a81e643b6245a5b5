from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from agbento.errors import SettingsError
from agbento.keys import CHALLENGES, MAX_KEYS, ApiKeys, KeyGuard, main, new_key, service_keys
from tests.running import ROOT

OLD, NEW, OTHER = (new_key(name) for name in ("alice", "alice", "bob-2"))
KEYS = {OLD[0]: "alice", NEW[0]: "alice", OTHER[0]: "bob-2"}
TEXT = "\n".join(line for _, line in (OLD, NEW, OTHER))
SECRET, DIGEST = new_key("x")[0], OLD[1].split(":")[1]


def basic(key: str, user: str = "anyone") -> bytes:
    """The header that a browser sends."""
    return b"Basic " + base64.b64encode(f"{user}:{key}".encode())


def loaded(tmp_path: Path, content: bytes | str) -> ApiKeys:
    """The keys of a file with this content."""
    file = tmp_path / "keys"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return ApiKeys.load(file)


@pytest.mark.parametrize(("key", "name"), KEYS.items())
def test_every_key_is_known_by_its_name(key: str, name: str) -> None:
    keys = ApiKeys.parse(TEXT, "here")
    assert keys.names == ["alice", "bob-2"]
    for header in (f"Bearer {key}".encode(), f"bEARER   {key} ".encode(), basic(key), basic(key, "")):
        assert keys.name_of(header) == name


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"Bearer",
        b"Bearer ",
        b"Basic",
        b"Basic Og==",
        OLD[0].encode(),
        f"Token {OLD[0]}".encode(),
        f"Bearer {OLD[0][:-1]}".encode(),
        f"Bearer {OLD[0]}x".encode(),
        f"Bearer {OLD[0].swapcase()}".encode(),
        f"Bearer {OLD[1].split(':')[1]}".encode(),
        f"Bearer {OLD[0]} {OLD[0]}".encode(),
        f"Bearer {OLD[0]}, Basic x".encode(),
        f"Basic {OLD[0]}".encode(),
        b"Basic " + base64.b64encode(OLD[0].encode()),
        b"Basic " + base64.b64encode(f"{OLD[0]}:".encode()),
        basic(OLD[0])[:-1] + b"!",
        b"Basic \xff\xfe",
        b"Bearer \x00\xff",
    ],
)
def test_what_is_no_key(header: bytes) -> None:
    assert ApiKeys.parse(TEXT, "here").name_of(header) is None


@given(st.binary() | st.builds(lambda s, rest: s + rest, st.sampled_from([b"Bearer ", b"Basic "]), st.binary()))
def test_any_header_is_answered(header: bytes) -> None:
    assert ApiKeys.parse(TEXT, "here").name_of(header) is None


@given(
    st.sampled_from(list(KEYS)), st.text(st.characters(exclude_characters=":", exclude_categories=["Cs"])), st.data()
)
def test_any_user_name_and_any_case_of_the_scheme(key: str, user: str, data: st.DataObject) -> None:
    header = data.draw(st.sampled_from([f"bearer {key}".encode(), basic(key, user)]))
    scheme, _, rest = header.partition(b" ")
    upper = data.draw(st.lists(st.booleans(), min_size=len(scheme), max_size=len(scheme)))
    mixed = "".join(c.upper() if up else c.lower() for c, up in zip(scheme.decode(), upper, strict=True))
    assert ApiKeys.parse(TEXT, "here").name_of(mixed.encode() + b" " + rest) == KEYS[key]


def test_every_entry_is_compared_whichever_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []
    compare = hmac.compare_digest

    def spy(a: bytes, b: bytes) -> bool:
        compared.append(b)
        return compare(a, b)

    monkeypatch.setattr(hmac, "compare_digest", spy)
    digests = [bytes.fromhex(line.split(":")[1]) for _, line in (OLD, NEW, OTHER)]
    for key in (*KEYS, SECRET):
        compared.clear()
        assert ApiKeys.parse(TEXT, "here").name_of(f"Bearer {key}".encode()) == KEYS.get(key)
        assert compared == digests


def test_the_hash_is_the_plain_sha256_and_its_case_does_not_matter() -> None:
    digest = hashlib.sha256(b"a key of another maker").hexdigest().upper()
    assert ApiKeys.parse(f"n sha256:{digest}", "here").name_of(b"Bearer a key of another maker") == "n"


def test_a_file_as_editors_leave_it(tmp_path: Path) -> None:
    keys = loaded(tmp_path, "\ufeff# callers\r\n\r\n" + OLD[1].replace(" ", " \t ") + "\r\n  # rolled\r\n " + NEW[1])
    assert [keys.name_of(f"Bearer {key}".encode()) for key in KEYS] == ["alice", "alice", None]


@pytest.mark.parametrize(
    ("content", "line", "told"),
    [
        (f"# mine\n\n{SECRET}", 3, "looks like a key itself"),
        (f"alice {SECRET}\n", 1, "looks like a key itself"),
        (f"alice sha256:{SECRET}\n", 1, "looks like a key itself"),
        (f"{TEXT}\nbob {SECRET} # mine\n", 4, "looks like a key itself"),
        ("alice hunter2", 1, "expected `<name> sha256:<64 hex digits>`"),
        (f"alice {DIGEST}", 1, "expected"),
        (f"alice sha256:{DIGEST[1:]}", 1, "expected"),
        (f"alice sha256:{DIGEST}0", 1, "expected"),
        (f"alice sha256:{DIGEST} # mine", 1, "expected"),
        (f"sha256:{DIGEST}", 1, "expected"),
        (f"{'n' * 65} sha256:{DIGEST}", 1, "expected"),
        (f"al/ice sha256:{DIGEST}", 1, "expected"),
        (f"älice sha256:{DIGEST}", 1, "expected"),
        (f"alice sha512:{DIGEST}{DIGEST}", 1, "expected"),
        (f"{TEXT}\n\nbob {OLD[1].split()[1]}", 5, "the same key as in line 1"),
        (b"# fine\n\xff" + SECRET.encode(), 2, "not UTF-8"),
        (OLD[1].encode("utf-16"), 1, "not UTF-8"),
    ],
)
def test_a_wrong_line_is_named_and_not_shown(tmp_path: Path, content: bytes | str, line: int, told: str) -> None:
    with pytest.raises(SettingsError) as raised:
        loaded(tmp_path, content)
    message = str(raised.value)
    assert message.startswith(f"API_KEYS_FILE={tmp_path / 'keys'}, line {line}: ")
    assert told in message
    assert ("looks like a key" in message) == ("looks like a key" in told)
    assert "\n" not in message
    for hidden in (SECRET, DIGEST, DIGEST[1:], "hunter2", "alice", "mine"):
        assert hidden not in message


@given(st.text())
def test_a_line_is_a_key_or_refused_by_number(text: str) -> None:
    hidden = "§" + text.replace("\n", " ")  # no such line is right
    with pytest.raises(SettingsError) as raised:
        ApiKeys.parse(f"{OLD[1]}\n{hidden}", "here")
    assert str(raised.value).startswith("here, line 2: expected `<name> sha256:<64 hex digits>`, as `make key NAME=…`")


@pytest.mark.parametrize("content", ["", "\n\n", "# alice sha256:0\n"])
def test_a_file_without_keys(tmp_path: Path, content: str) -> None:
    with pytest.raises(SettingsError, match=r"API_KEYS_FILE=.*keys: 0 keys, expected 1 to 500 lines `<name> sha256:"):
        loaded(tmp_path, content)


def test_too_many_keys(tmp_path: Path) -> None:
    lines = [f"n sha256:{n:064x}\n" for n in range(MAX_KEYS + 1)]
    loaded(tmp_path, "".join(lines[:-1]))
    with pytest.raises(SettingsError, match="501 keys, expected 1 to 500"):
        loaded(tmp_path, "".join(lines))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none: No such file or directory; expected a file with lines `<name> "):
        ApiKeys.load(tmp_path / "none")
    with pytest.raises(SettingsError, match="Is a directory"):
        ApiKeys.load(tmp_path)
    with pytest.raises(SettingsError, match="looks like a key itself") as raised:
        ApiKeys.load(Path(SECRET))
    assert SECRET not in str(raised.value)


def test_workers_have_the_keys_that_the_supervisor_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    most = "".join(f"{'n' * 64} sha256:{n:064x}\n" for n in range(MAX_KEYS))
    (variable,) = loaded(tmp_path, most).environment().values()
    assert len(variable) < 128 * 1024
    file = tmp_path / "keys"
    file.write_text(TEXT)
    assert service_keys(None) is None
    read = service_keys(file)
    assert read is not None
    for name, value in read.environment().items():
        assert not any(key in value for key in KEYS)
        monkeypatch.setenv(name, value)
    file.write_text("half a li")
    handed_on = service_keys(file)
    assert handed_on is not None
    assert [handed_on.name_of(f"Bearer {key}".encode()) for key in KEYS] == list(KEYS.values())
    assert service_keys(None) is None


class Inner:
    """An app that answers anything, and remembers what it was asked."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        if scope["type"] == "http":
            await PlainTextResponse("fine")(scope, receive, send)


def ask(inner: Inner, headers: list[tuple[bytes, bytes]], **scope: Any) -> tuple[int, list[tuple[str, str]], bytes]:
    """Send one request through the guard, which must not read its body: status, headers and body of the answer."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        raise AssertionError("the body was read")

    async def send(message: Any) -> None:
        sent.append(message)

    whole = {"type": "http", "method": "GET", "path": "/model", "headers": headers, **scope}
    asyncio.run(KeyGuard(inner, ApiKeys.parse(TEXT, "here"), {"/livez", "/metrics"})(whole, receive, send))
    if not sent:
        return 0, [], b""
    answered = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
    return sent[0]["status"], answered, b"".join(message.get("body", b"") for message in sent[1:])


def bearer(key: str) -> tuple[bytes, bytes]:
    """The header of a key, as servers give it."""
    return b"authorization", f"Bearer {key}".encode()


def test_a_key_lets_in_and_its_name_is_kept_for_logs() -> None:
    inner = Inner()
    assert ask(inner, [bearer(OTHER[0])])[::2] == (200, b"fine")
    assert inner.scopes[0]["state"]["api_key_name"] == "bob-2"
    state = {"of": "the app"}
    ask(inner, [bearer(OLD[0])], state=state)
    assert inner.scopes[1]["state"] is state
    assert state == {"of": "the app", "api_key_name": "alice"}


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"")],
        [bearer(SECRET)],
        [bearer(OLD[0]), bearer(OLD[0])],
        [bearer(SECRET), bearer(OLD[0])],
        [(b"x-api-key", OLD[0].encode())],
        [(b"cookie", f"authorization=Bearer {OLD[0]}".encode())],
    ],
)
def test_without_one_nothing_is_passed_on(headers: list[tuple[bytes, bytes]]) -> None:
    inner = Inner()
    status, answered, body = ask(inner, headers)
    assert inner.scopes == []
    problem = json.loads(body)
    assert (status, problem["status"]) == (401, 401)
    assert (problem["type"], problem["title"]) == ("urn:agbento:problem:unauthorized", "Unauthorized")
    assert "`Authorization: Bearer <key>`" in problem["detail"]
    assert SECRET.encode() not in body
    assert OLD[0].encode() not in body
    assert ("content-type", "application/problem+json") in answered
    assert [value for name, value in answered if name.lower() == "www-authenticate"] == list(CHALLENGES)


@pytest.mark.parametrize(
    ("headers", "closes"),
    [
        ([], False),
        ([(b"content-length", b"0")], False),
        ([(b"content-length", b"9")], True),
        ([(b"Content-Length", b"9")], True),
        ([(b"transfer-encoding", b"chunked")], True),
    ],
)
def test_the_connection_ends_where_a_body_stays_unread(headers: list[tuple[bytes, bytes]], closes: bool) -> None:
    answered = {name.lower(): value for name, value in ask(Inner(), headers, method="POST")[1]}
    assert answered.get("connection") == ("close" if closes else None)


@pytest.mark.parametrize("path", ["/livez", "/metrics"])
@pytest.mark.parametrize("headers", [[], [bearer(SECRET)]])
def test_open_paths_need_no_key(path: str, headers: list[tuple[bytes, bytes]]) -> None:
    assert ask(Inner(), headers, path=path)[0] == 200


@pytest.mark.parametrize(
    "path", ["", "/", "/livez/", "//livez", "/LIVEZ", "livez", "/livez/../model", "/livez ", "/%6civez"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "TRACE"])
def test_what_is_nearly_an_open_path_is_closed(path: str, method: str) -> None:
    inner = Inner()
    assert ask(inner, [], path=path, method=method, raw_path=b"/livez", root_path="/livez")[0] == 401
    assert inner.scopes == []


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
def test_what_is_no_request_passes(kind: str) -> None:
    inner = Inner()
    ask(inner, [], type=kind)
    assert [scope["type"] for scope in inner.scopes] == [kind]


def test_the_command_prints_a_key_and_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    made = set()
    for _ in range(3):
        assert main(["a.B_c-9"]) == 0
        key, line, rest = capsys.readouterr().out.split("\n")
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", key)
        assert rest == ""
        assert ApiKeys.parse(line, "here").name_of(f"Bearer {key}".encode()) == "a.B_c-9"
        made.add(key)
    assert len(made) == 3


@pytest.mark.parametrize("name", ["", "n" * 65, "two words", "ä", "a:b", "a\n", "#"])
def test_names_that_the_file_would_not_take(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main([name])
    assert raised.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "expected 1 to 64 of A-Z, a-z, 0-9" in err


def test_make_key_hands_the_name_on_as_it_is() -> None:
    command = ["make", "-s", "--old-file=.venv/.installed", f"BIN={Path(sys.executable).parent}", "key"]
    done = subprocess.run([*command, "NAME=alice"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    key, line = done.stdout.splitlines()
    assert ApiKeys.parse(line, "here").name_of(f"Bearer {key}".encode()) == "alice"
    for name in ("", "x; echo y", "$$(echo z)"):
        done = subprocess.run(
            [*command, f"NAME={name}"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stdout) == (2, "")
