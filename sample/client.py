"""A small client of a running service: what it serves, and its answers. Every call has a time-out."""

from __future__ import annotations

import os
from typing import Any, Final

import requests

URL: Final = "http://127.0.0.1:9696"
CONNECT_SECONDS: Final = 3.0
READ_SECONDS: Final = 30.0


class NoAnswer(Exception):
    """Nothing answered, or not as a service of this project does; the text is one line."""


def key_header() -> dict[str, str]:
    """Give the header that holds the key of ``API_KEY``, where the environment has one."""
    key = os.environ.get("API_KEY")
    return {"Authorization": f"Bearer {key}"} if key else {}


class Client:
    """Talks to the service at ``url``, such as ``http://127.0.0.1:9696``; with a key where ``API_KEY`` has one."""

    def __init__(self, url: str = URL, read_seconds: float = READ_SECONDS) -> None:
        self.url = url.rstrip("/")
        self._timeout = (CONNECT_SECONDS, read_seconds)
        self._session = requests.Session()
        # a proxy of the environment is no way to a service on loopback
        self._session.trust_env = False
        self._session.headers.update(key_header())

    def model(self) -> dict[str, Any]:
        """Give what ``GET /model`` says; raises `NoAnswer`."""
        found = self._json("GET", "/model")
        if not isinstance(found, dict) or not isinstance(found.get("features"), list) or "label" not in found:
            raise NoAnswer(f"{self.url}/model describes no model: is another program on that port?")
        return found

    def predict(self, rows: dict[str, Any] | list[dict[str, Any]]) -> Any:
        """Give the answer for one row (an object) or several (an array); raises `NoAnswer`, also for a non-2xx."""
        return self._json("POST", "/predict", rows)

    def ready(self) -> bool:
        """Tell whether ``GET /readyz`` answers 200."""
        try:
            return self._session.get(self.url + "/readyz", timeout=self._timeout).status_code == 200
        except requests.RequestException:
            return False

    def _json(self, method: str, path: str, body: Any = None) -> Any:
        where = f"{method} {self.url}{path}"
        try:
            response = self._session.request(method, self.url + path, json=body, timeout=self._timeout)
            if not response.ok:
                raise NoAnswer(f"{where} answered {response.status_code}: {_first_line(response.text)}")
            return response.json()
        except requests.JSONDecodeError:
            raise NoAnswer(f"{where} answered no JSON: is another program on that port?") from None
        except requests.RequestException as error:
            raise NoAnswer(f"no service answers {where} ({_why(error)}): start one with `make serve`") from None


def _first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "")[:300]


def _why(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "time-out"
    return "connection refused" if "refused" in str(error) else type(error).__name__
