"""Faults → ``application/problem+json`` answers (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from agbento.errors import RequestError

MEDIA_TYPE = "application/problem+json"
INTERNAL_DETAIL = "an unexpected error, written to the service's log; it is not the request's fault"


def problem(error: RequestError) -> Response:
    """Answer a caller's fault."""
    return _response(
        error.status, error.slug, error.title, error.detail, error.headers, [fault.to_json() for fault in error.faults]
    )


def status_problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Answer a fault that has no class here: one that BentoML or the server noticed."""
    title = HTTPStatus(status).phrase
    return _response(status, title.lower().replace(" ", "-"), title, detail, headers or {}, [])


def _response(
    status: int, slug: str, title: str, detail: str, headers: Mapping[str, str], faults: list[dict[str, Any]]
) -> Response:
    body: dict[str, Any] = {
        # A URN names the kind of problem and promises no page behind it.
        "type": f"urn:agbento:problem:{slug}",
        "title": title,
        "status": status,
        "detail": detail,
        "error": detail if len(detail) <= 200 else detail[:199] + "…",
    }
    if faults:
        body["faults"] = faults
    # A lone surrogate that came in as \\ud800 can only go out in the same way.
    return Response(json.dumps(body), status, dict(headers), MEDIA_TYPE)
