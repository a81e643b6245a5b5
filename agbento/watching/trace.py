"""One request on its way: what each room adds to it, to be counted and logged when it ends."""

from __future__ import annotations

import re
import uuid

from agbento.errors import RequestError

TRACE = "agbento.trace"  # in an ASGI scope
_ID = re.compile(rb"[\x21-\x7e]{1,128}")
LEFT = "client_left"
INTERNAL = "internal"
_REASONS = {kind.status: kind.slug.replace("-", "_") for kind in RequestError.__subclasses__()} | {500: INTERNAL}
# Those that /predict can have.
REASONS = (*(reason for status, reason in _REASONS.items() if status != 404), LEFT)
# status, rows, bytes of the body and of the answer; seconds of parse, validate, predict, encode
Noted = tuple[int, int, int, int, float, float, float, float]


class Trace:
    """What is known of one request. Times are seconds; those of stages it has not been through are 0.

    ``status`` is 0 as long as nothing was answered, ``rows`` is 0 where none were read.
    """

    __slots__ = (
        *("method", "path", "status", "rows", "body_bytes", "response_bytes", "asked"),
        *("parse", "validate", "wait", "predict", "encode", "_id"),
    )

    def __init__(self, method: str = "", path: str = "", sent_id: bytes | None = None) -> None:
        self.method, self.path = method, path
        self.status = self.rows = self.body_bytes = self.response_bytes = 0
        self.asked = self.parse = self.validate = self.wait = self.predict = self.encode = 0.0
        self._id = sent_id if sent_id is not None and _ID.fullmatch(sent_id) else b""

    def noted(self) -> Noted:
        """Give what is counted of it, once it has ended."""
        return (
            *(self.status, self.rows, self.body_bytes, self.response_bytes),
            *(self.parse, self.validate, self.predict, self.encode),
        )

    @property
    def has_id(self) -> bool:
        """Whether the caller sent an id, or somebody has asked for one."""
        return bool(self._id)

    @property
    def id(self) -> bytes:
        """The caller's ``X-Request-ID`` where it is 1 to 128 printable characters of ASCII, else one made here."""
        if not self._id:
            self._id = uuid.uuid4().hex.encode()
        return self._id

    @property
    def reason(self) -> str:
        """See `reason_of`."""
        return reason_of(self.status)


def reason_of(status: int) -> str:
    """Say why there is no good answer, the problem's slug or LEFT; empty where there is one."""
    if status == 0:
        return LEFT
    return "" if status < 400 else _REASONS.get(status, INTERNAL)
