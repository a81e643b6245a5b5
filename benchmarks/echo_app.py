"""The least that a Python HTTP server does for a row: read it, parse it, answer. The floor under every service here.

``uvicorn benchmarks.echo_app:app --loop uvloop --http httptools --no-access-log``
"""

from __future__ import annotations

import json
from typing import Any


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer any request with ``{"cost": …}``, a number of the row that came, or 0."""
    if scope["type"] != "http":
        return
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    row = json.loads(body) if body else {}
    answer = json.dumps({"cost": row.get("gross_weight", 0.0)}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
