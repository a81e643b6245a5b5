"""The access log: one JSON object a line on stdout, without anything of what was sent or answered."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Literal

from agbento.watching.trace import Trace

Wanted = Literal["off", "errors", "all"]
_LONGEST_PATH = 200  # characters
# Asked every few seconds by machines; what they are told is in the metrics.
_PROBES = frozenset({"/livez", "/readyz", "/healthz", "/metrics"})


class AccessLog:
    """Writes requests to the model ``tag``: all, those without a good answer, or none."""

    def __init__(self, wanted: Wanted, tag: str, write: Callable[[str], object] | None = None) -> None:
        self.wanted, self._tag, self._write = wanted, tag, write or _to_stdout

    def logs(self, trace: Trace) -> bool:
        """Tell whether this request, as far as it is known, has a line."""
        if self.wanted == "off":
            return False
        failed = trace.status >= 400 or trace.status == 0
        return failed or (self.wanted == "all" and trace.path not in _PROBES)

    def write(self, trace: Trace, seconds: float) -> None:
        """Write the line of a request that has ended after so many seconds; its fields are in docs/requests.md."""
        began = datetime.fromtimestamp(time.time() - seconds, timezone.utc)
        line: dict[str, str | int | float] = {
            "time": began.isoformat(timespec="milliseconds"),
            "log": "access",
            "request_id": trace.id.decode("ascii"),
            "method": trace.method,
            "path": trace.path[:_LONGEST_PATH],
            "status": trace.status,
            "rows": trace.rows,
            "duration_ms": round(seconds * 1000, 3),
            "model": self._tag,
        }
        if trace.reason:
            line["reason"] = trace.reason
        self._write(json.dumps(line) + "\n")


def _to_stdout(line: str) -> None:
    # Who is answered must not suffer where nobody reads the log any more, or the disk is full.
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.write(line)
        sys.stdout.flush()
