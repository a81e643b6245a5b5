"""Apps, scopes and callers for tests of ASGI middlewares."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send


class Inner:
    """An app that answers what it is told to, and remembers the path that it saw."""

    def __init__(self, response: Response) -> None:
        self.response, self.path = response, ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.path = scope["path"]
        await self.response(scope, receive, send)


def predict_scope(path: str = "/predict") -> dict[str, Any]:
    """The scope of a request to /predict."""
    return {"type": "http", "method": "POST", "path": path, "headers": []}
