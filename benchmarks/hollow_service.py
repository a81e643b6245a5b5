"""A BentoML service that imports what the product's workers import, holds no model, and answers as the bare echo does.

``HOLLOW_MODULES`` names a file with the modules to import, one a line; ``HOLLOW_WORKERS`` says how many workers.
"""

from __future__ import annotations

import importlib
import os
import warnings
from pathlib import Path
from typing import Any, cast

import bentoml

from benchmarks.echo_app import app as echo


class Echo:
    """Answers ``/predict`` inside BentoML's middlewares, as the product does; all else is BentoML's."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        asked = scope["type"] == "http" and scope["path"] == "/predict"
        await (echo if asked else self.app)(scope, receive, send)


@bentoml.service(name="hollow", workers=int(os.environ.get("HOLLOW_WORKERS", "1")))
class Hollow:
    """The modules of another service, and nothing else."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in Path(os.environ["HOLLOW_MODULES"]).read_text("utf-8").splitlines():
                try:
                    importlib.import_module(name)
                except Exception as error:  # noqa: BLE001 - made at run time by another module, or for another system
                    print(f"{name}: {error}")

    @bentoml.api  # type: ignore[untyped-decorator]
    def ready(self) -> str:
        """Say something: BentoML needs an endpoint."""
        return ""


cast(Any, Hollow).add_asgi_middleware(Echo)
