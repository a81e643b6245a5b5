"""A small HTTP server with the contract of `POST /predict` and `GET /model`, and faults on demand.

`python tests/stub_service.py PORT [FAULT]` serves until it is ended. FAULT, where given, spoils one answer in ten:
`status`, `nan`, `missing` (no label), `short` (a row too few), `text` (no JSON). It knows nothing of `sample` or
`agbento`: what it takes for a good answer is written here once more.
"""

from __future__ import annotations

import itertools
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL: dict[str, Any] = {
    "tag": "stub:1",
    "label": "price",
    "problem_type": "regression",
    "features": [
        {"name": "size", "type": "float", "required": True, "range": [1.0, 10.0]},
        {"name": "count", "type": "int", "required": True},
        {"name": "city", "type": "category", "required": True, "categories": ["Oslo", "Porto"]},
    ],
}
NAMES = {feature["name"] for feature in MODEL["features"]}
COUNTER = itertools.count(1)
SEEN: set[str] = set()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: two would wait for each other's acknowledgement
    fault = ""

    def do_GET(self) -> None:
        known = {"/model": MODEL, "/readyz": {}, "/seen": {"distinct": len(SEEN)}}
        self._answer(known.get(self.path, {}), 200 if self.path in known else 404)

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        SEEN.add(text)
        body = json.loads(text)
        rows = body if isinstance(body, list) else [body]
        if self.path != "/predict" or any(set(row) != NAMES for row in rows):
            self._answer({"detail": "not these rows"}, 422)
            return
        answers: list[Any] = [{"price": row["size"] * 2.0} for row in rows]
        spoilt = self.fault if next(COUNTER) % 10 == 0 else ""
        if spoilt == "nan":
            answers[-1] = {"price": float("nan")}
        elif spoilt == "missing":
            answers[-1] = {"cost": 1.0}
        elif spoilt == "short" and isinstance(body, list):
            answers.pop()
        self._answer(answers if isinstance(body, list) else answers[0], 500 if spoilt == "status" else 200, spoilt)

    def _answer(self, body: Any, status: int, spoilt: str = "") -> None:
        content = b"<p>hello" if spoilt == "text" else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


if __name__ == "__main__":
    Handler.fault = sys.argv[2] if len(sys.argv) > 2 else ""
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
