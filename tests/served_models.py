"""Fixtures of the predictors with odd columns: in process behind the real endpoints, and served over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from autogluon.tabular import TabularPredictor
from prometheus_client import CollectorRegistry
from starlette.responses import PlainTextResponse

from agbento.answering import Answering
from agbento.bodies import JSON, Limits
from agbento.compiler import compile_predictor
from agbento.describe import describe, originals
from agbento.metrics import ServiceMetrics
from agbento.openapi import document
from agbento.predictor import CompiledAdapter, StockPredictor
from agbento.rim import Rim
from agbento.values.policy import Policy
from agbento.watching.watch import Watch
from agbento.web import Endpoints
from tests.running import Running, imported

LIMITS = Limits(max_bytes=16 * 1024 * 1024, max_rows=100_000, seconds=60.0)


@dataclass(frozen=True)
class Asked:
    """An answer over ASGI."""

    status: int
    media_type: str
    body: bytes

    def json(self) -> Any:
        """The answer's JSON."""
        return json.loads(self.body)


class InProcess:
    """A predictor, compiled, behind the service's own ASGI middleware, and AutoGluon's own beside it."""

    def __init__(self, stock: StockPredictor, oracle: TabularPredictor, policy: Any = None) -> None:
        self.stock, self.oracle = stock, oracle
        self.schema = describe(stock.autogluon)
        self.policy = Policy.of(policy, self.schema)
        watch = Watch(ServiceMetrics(CollectorRegistry()), self.schema, self.policy)
        compiled = compile_predictor(stock.autogluon)
        assert compiled.native
        adapter = CompiledAdapter(compiled, originals(stock.autogluon))
        self.answering = Answering(self.schema, self.policy, adapter, watch, None, LIMITS.seconds)
        self.answering.warm()
        self.document = document(self.schema, self.policy)
        nothing = PlainTextResponse("", 404)
        self._app = Rim(Endpoints(nothing, lambda: self.answering, dict, LIMITS, max_requests=128))

    @classmethod
    def load(cls, folder: Path) -> InProcess:
        """Load the predictor twice: AutoGluon's own is in memory, as it is asked often, and else as it is."""
        oracle = TabularPredictor.load(str(folder), verbosity=0)
        oracle.persist()
        return cls(StockPredictor.load(folder), oracle)

    def ask(self, body: bytes, media_type: str = JSON, accept: str = JSON) -> Asked:
        """POST /predict."""
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(b"content-type", media_type.encode()), (b"accept", accept.encode())]
        scope = {"type": "http", "method": "POST", "path": "/predict", "raw_path": b"/predict", "headers": headers}
        asyncio.run(self._app(scope, receive, send))
        found = dict(sent[0]["headers"])
        content = b"".join(message.get("body", b"") for message in sent[1:])
        return Asked(sent[0]["status"], found[b"content-type"].decode(), content)

    def expected(self, frame: Any) -> list[dict[str, Any]]:
        """What AutoGluon's own predictor says of a frame, in the form of answers."""
        label, values = self.schema.label, self.oracle.predict(frame)
        if self.schema.problem_type == "quantile":
            return [{label: {str(level): float(row[level]) for level in row.index}} for _, row in values.iterrows()]
        if self.schema.problem_type == "regression":
            return [{label: float(value)} for value in values]
        probabilities = self.oracle.predict_proba(frame)
        return [
            {
                label: value.item() if hasattr(value, "item") else value,
                "probabilities": {str(name): float(share) for name, share in row.items()},
            }
            for value, (_, row) in zip(values, probabilities.iterrows(), strict=True)
        ]


class _Made(dict[str, Any]):
    """What is made when it is first asked for."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: str) -> Any:
        self[key] = self._make(key)
        return self[key]


@pytest.fixture(scope="session")
def odd_in_process(odd_predictors: Mapping[str, Path]) -> Iterator[Mapping[str, InProcess]]:
    """The odd predictor of each problem type in this process, loaded when it is first asked for."""
    made: dict[str, InProcess] = _Made(lambda kind: InProcess.load(odd_predictors[kind]))
    yield made
    for found in made.values():
        found.answering.close()


class OddHome:
    """A BENTOML_HOME with the odd predictors, each imported when it is first served."""

    def __init__(self, home: Path, predictors: Mapping[str, Path]) -> None:
        self._home = home
        self._tags: dict[str, str] = _Made(lambda kind: imported(predictors[kind], home, "--name", f"odd-{kind}"))

    def serve(self, kind: str, **settings: str) -> Running:
        """A service of the predictor of this problem type, with one worker; it starts when it is entered."""
        return Running(self._home, {"MODEL_TAG": self._tags[kind], "SERVICE_WORKERS": "1", **settings})


@pytest.fixture(scope="session")
def odd_home(tmp_path_factory: pytest.TempPathFactory, odd_predictors: Mapping[str, Path]) -> OddHome:
    """The odd predictors, imported into a store of their own."""
    return OddHome(tmp_path_factory.mktemp("odd-home"), odd_predictors)


@pytest.fixture(scope="session")
def odd_served(odd_home: OddHome) -> Iterator[Mapping[str, Running]]:
    """`bentoml serve` of the odd predictor of each problem type, started when it is first asked for."""
    with ExitStack() as stack:
        yield _Made(lambda kind: stack.enter_context(odd_home.serve(kind)))
