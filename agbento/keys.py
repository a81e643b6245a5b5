"""API keys: who may ask the service. ``python -m agbento.keys NAME`` makes one.

The service knows keys by their SHA-256 alone. A line of the file that API_KEYS_FILE names is
``<name> sha256:<64 hex digits>``, a ``#`` comment, or blank. Lines may share a name, so that a caller's old key and new
key both work for a while.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from agbento.errors import SettingsError, Unauthorized
from agbento.problems import problem
from agbento.text import os_fault, shown

NAME_STATE = "api_key_name"  # scope["state"][NAME_STATE]: the name of the key that a request came with
# Each request is compared with every key; and all of them fit one environment variable, which Linux bounds at 128 KiB.
MAX_KEYS = 500
CHALLENGES = tuple(f'{scheme} realm="autogluon-bento"' for scheme in ("Bearer", "Basic"))

_NAME = r"[A-Za-z0-9._-]{1,64}"
_LINE = re.compile(rf"({_NAME})[ \t]+sha256:([0-9A-Fa-f]{{64}})")
_EXPECTED = "`<name> sha256:<64 hex digits>`, as `make key NAME=…` prints it"
# What `secrets.token_urlsafe(32)` makes, alone or within a line.
_PLAIN_KEY = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")
_HANDED_ON = "AGBENTO_API_KEYS"  # the keys, as a file's text; set for the workers, and read nowhere else
_HOW = "send the header `Authorization: Bearer <key>`, or `Authorization: Basic` with the key as the password"


class ApiKeys:
    """The keys that are valid: one or more names, each with the SHA-256 of a key."""

    def __init__(self, entries: Sequence[tuple[str, bytes]]) -> None:
        self._entries = tuple(entries)

    @classmethod
    def load(cls, file: Path) -> ApiKeys:
        """Read a file of keys.

        Raises:
            SettingsError: it cannot be read, holds no key or too many, or has a line that is wrong. The line is named
                by its number and never shown: it may be a key that was put there by mistake.
        """
        where = f"API_KEYS_FILE={shown(str(file))}"
        try:
            return cls.parse(file.read_bytes().decode("utf-8-sig"), where)
        except OSError as error:
            if _PLAIN_KEY.fullmatch(str(file)):
                where = "API_KEYS_FILE (not shown: it looks like a key itself)"
            raise SettingsError(f"{where}: {os_fault(error)}; expected a file with lines {_EXPECTED}") from None
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise SettingsError(f"{where}, line {line}: not UTF-8; expected {_EXPECTED}") from None

    @classmethod
    def parse(cls, text: str, where: str) -> ApiKeys:
        """Read a file's text; ``where`` begins the message of a SettingsError, see ``load``."""
        entries: list[tuple[str, bytes]] = []
        lines: dict[bytes, int] = {}
        for number, raw in enumerate(text.split("\n"), 1):
            line = raw.strip()
            if not line or line.startswith("#"):
                continue
            if (found := _LINE.fullmatch(line)) is None:
                plain = "; it looks like a key itself: make another, this one can be read here"
                raise SettingsError(
                    f"{where}, line {number}: expected {_EXPECTED}{plain if _PLAIN_KEY.search(line) else ''}"
                )
            digest = bytes.fromhex(found[2])
            if (first := lines.setdefault(digest, number)) != number:
                raise SettingsError(f"{where}, line {number}: the same key as in line {first}, expected each once")
            entries.append((found[1], digest))
        if not 1 <= len(entries) <= MAX_KEYS:
            raise SettingsError(f"{where}: {len(entries)} keys, expected 1 to {MAX_KEYS} lines {_EXPECTED}")
        return cls(entries)

    @property
    def names(self) -> list[str]:
        """Whose keys these are, each once, sorted."""
        return sorted({name for name, _ in self._entries})

    def name_of(self, authorization: bytes) -> str | None:
        """Give the name of the key in the value of an ``Authorization`` header; None where there is no valid one."""
        if (key := _key(authorization)) is None:
            return None
        # No salt, no slow hash: a key is 256 random bits (`new_key`), which nobody guesses from its hash.
        digest, name = hashlib.sha256(key).digest(), None
        # Every entry is looked at: the time that this takes does not tell which one was right, or whether any was.
        for known, expected in self._entries:
            if hmac.compare_digest(digest, expected):
                name = known
        return name

    def environment(self) -> dict[str, str]:
        """Give what hands the keys on to the workers, whatever becomes of the file meanwhile."""
        return {_HANDED_ON: "".join(f"{name} sha256:{digest.hex()}\n" for name, digest in self._entries)}


def service_keys(file: Path | None) -> ApiKeys | None:
    """Give the keys of the service: in a worker those that its supervisor has read, else those of ``file``.

    Returns None where there is no ``file``: everything is open. Raises SettingsError, see ``ApiKeys.load``.
    """
    if file is None:
        return None
    if (handed_on := os.environ.get(_HANDED_ON)) is not None:
        return ApiKeys.parse(handed_on, _HANDED_ON)
    return ApiKeys.load(file)


def _key(authorization: bytes) -> bytes | None:
    """Read the key of a Bearer token (RFC 6750) or the password of Basic credentials (RFC 7617); None: neither."""
    scheme, _, rest = authorization.strip().partition(b" ")
    rest = rest.strip()
    if scheme.lower() == b"bearer":
        return rest or None
    if scheme.lower() != b"basic":
        return None
    try:
        return base64.b64decode(rest, validate=True).partition(b":")[2] or None
    except binascii.Error:
        return None


class KeyGuard:
    """ASGI middleware that answers 401 to a request without a valid key, before anything else looks at it.

    It stands inside BentoML's metrics, which count each 401 by its path, and outside all that answers. Paths in
    ``open_paths``, exactly as ``scope["path"]`` has them, need no key. The name of the key that came is put into
    ``scope["state"]["api_key_name"]``.
    """

    def __init__(self, app: ASGIApp, keys: ApiKeys, open_paths: Collection[str]) -> None:
        self._app, self._keys, self._open_paths = app, keys, frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what has a key or needs none, and answer the rest."""
        if scope["type"] != "http" or scope["path"] in self._open_paths:
            await self._app(scope, receive, send)
            return
        sent = [value for name, value in scope["headers"] if name.lower() == b"authorization"]
        # Several such headers are none: another program on the way may have looked at another of them.
        name = self._keys.name_of(sent[0]) if len(sent) == 1 else None
        if name is None:
            await _refuse(scope, receive, send, bool(sent))
            return
        scope.setdefault("state", {})[NAME_STATE] = name
        await self._app(scope, receive, send)


async def _refuse(scope: Scope, receive: Receive, send: Send, has_header: bool) -> None:
    what = "the Authorization header holds no valid API key" if has_header else "this needs an API key"
    # What there is of a body stays unread: the connection ends with the answer.
    headers = {"Connection": "close"} if _has_body(scope) else {}
    response = problem(Unauthorized(f"{what}; {_HOW}", headers=headers))
    for challenge in CHALLENGES:
        # A field for each: Chromium reads a field as one challenge, and would not ask for a password.
        response.headers.append("WWW-Authenticate", challenge)
    await response(scope, receive, send)


def _has_body(scope: Scope) -> bool:
    headers = {name.lower(): value for name, value in scope["headers"]}
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"


def new_key(name: str) -> tuple[str, str]:
    """Make a key; returns it, and the line that a file of keys knows it by. ``name`` is one that the file takes."""
    key = secrets.token_urlsafe(32)
    return key, f"{name} sha256:{hashlib.sha256(key.encode('ascii')).hexdigest()}"


def _name(text: str) -> str:
    if re.fullmatch(_NAME, text) is None:
        raise argparse.ArgumentTypeError(f"{shown(text)!r}: expected 1 to 64 of A-Z, a-z, 0-9, `.`, `_` and `-`")
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a new key for the caller that the command line names, and below it the line for the file."""
    parser = argparse.ArgumentParser(
        prog="python -m agbento.keys",
        description="Print a new key, which is kept nowhere, and below it its line for the file of API_KEYS_FILE.",
    )
    parser.add_argument("name", type=_name, metavar="NAME", help="whose key it is")
    sys.stdout.write("\n".join(new_key(parser.parse_args(arguments).name)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
