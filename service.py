"""The Bento service: transport only. `bentoml serve` starts it; the model is answered in `agbento`."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any, Union, cast

import bentoml
from _bentoml_sdk import Service
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from agbento import machine, supervisor
from agbento.answering import Answering
from agbento.bodies import Limits
from agbento.errors import AgbentoError
from agbento.image import image
from agbento.keys import KeyGuard, service_keys
from agbento.metrics import DURATION_BUCKETS
from agbento.rim import Rim
from agbento.served import ServedModel, served_model, without_telemetry
from agbento.settings import ServiceSettings
from agbento.watching.access_log import AccessLog
from agbento.watching.gauges import set_model, set_worker
from agbento.watching.traffic import Traffic
from agbento.web import Endpoints

ROOT = Path(__file__).resolve().parent
PORT = 9696

GRACE_SECONDS = 5.0  # beyond the time that the last request may take

supervisor.follow_supervisor()
try:
    SETTINGS = ServiceSettings.read()
    MODEL: ServedModel = served_model(ROOT, SETTINGS.model_tag, use_compiled=SETTINGS.use_compiled)
    IMAGE = image(MODEL.folder, MODEL.labels)
    KEYS = service_keys(SETTINGS.api_keys_file)
except AgbentoError as error:
    supervisor.cannot_start(error)
WORKERS, WHY = machine.worker_count(SETTINGS.service_workers, MODEL.size_bytes)
THREADS = machine.threads_per_worker(WORKERS)
without_telemetry()


class Loaded:
    """What this process has loaded; empty in the supervising process."""

    answering: Answering


def described(answering: Answering) -> dict[str, Any]:
    """Give what ``GET /model`` answers."""
    return MODEL.described(answering.schema, answering.policy, answering.compiled)


class PredictionService(Service):
    """BentoML's service, with our rim around its app and without the middlewares that cost and give nothing."""

    def to_asgi(self, is_main: bool = True) -> ASGIApp:
        """Give the app of one worker."""
        app = super().to_asgi(is_main=is_main)
        # uvicorn makes each line of its access log, and then finds that BentoML has turned that off.
        logging.getLogger("uvicorn.access").propagate = False
        # TimeoutMiddleware keeps a timer for every request for its whole time; ours has one that is cancelled.
        # OpenTelemetryMiddleware opens three spans a request, and nothing collects them.
        dropped = {"TimeoutMiddleware", "OpenTelemetryMiddleware"}
        kept = [m for m in app.user_middleware if m.cls.__name__ not in dropped]
        app.user_middleware = [
            Middleware(cast(Any, Traffic), bentoml=m.cls, **m.kwargs)
            if m.cls.__name__ == "RunnerTrafficMetricsMiddleware"
            else m
            for m in kept
        ]
        log = AccessLog(SETTINGS.access_log, MODEL.tag)
        return Rim(app, lambda trace: Loaded.answering.watch.ended(trace), log, lambda: Loaded.answering.watch.start())


@bentoml.service(
    name="autogluon_bento",
    workers=WORKERS,
    http={"port": PORT},
    metrics={"duration": {"buckets": list(DURATION_BUCKETS)}},
    logging={"access": {"enabled": False}},
    image=IMAGE,
    labels=MODEL.labels,
    service_class=PredictionService,
)
class AutogluonBento:
    """Predictions of an AutoGluon tabular predictor."""

    model = bentoml.models.BentoModel(MODEL.tag)

    def __init__(self) -> None:
        began = time.perf_counter()
        try:
            Loaded.answering = answering = Answering.load(
                Path(self.model.path),
                threads=THREADS,
                decimals=SETTINGS.prediction_decimals,
                seconds=SETTINGS.request_seconds,
                policy_file=SETTINGS.policy_file,
                batch_rows=SETTINGS.max_batch_rows,
                use_compiled=SETTINGS.use_compiled,
                digest=MODEL.digest,
            )
        except AgbentoError as error:
            supervisor.cannot_start(error)
        set_model(answering.watch.metrics, MODEL, answering.compiled, time.perf_counter() - began)
        set_worker(answering.watch.metrics, WORKERS, SETTINGS.max_requests)

    @bentoml.on_deployment
    @staticmethod
    def supervise() -> None:
        """In the supervising process, before any worker starts: fix model, keys and threads for all of them."""
        try:
            MODEL.check_environment(SETTINGS.allow_version_skew)
        except AgbentoError as error:
            supervisor.cannot_start(error)
        print(f"serving {MODEL.tag}; workers: {WORKERS} ({WHY}); model threads of each: {THREADS}", flush=True)  # noqa: T201
        environment = {"MODEL_TAG": MODEL.tag, **machine.thread_environment(THREADS)}
        if KEYS is not None:
            print(f"API keys are needed; known: {', '.join(KEYS.names)}", flush=True)  # noqa: T201
            environment |= KEYS.environment()
        supervisor.supervise(environment, SETTINGS.request_seconds + GRACE_SECONDS)

    @bentoml.on_shutdown
    def close(self) -> None:
        """End the model's thread, and write what was counted."""
        Loaded.answering.close()

    @bentoml.api
    async def predict(self, rows: Union[dict[str, Any], list[dict[str, Any]]], /) -> Any:  # noqa: UP007
        """Predict one row (an object) or several (an array). Over HTTP, `agbento.web.Endpoints` answers."""
        if isinstance(rows, dict):
            return (await Loaded.answering.answer([rows]))[0]
        return await Loaded.answering.answer(rows)


if KEYS is not None:
    # The first that is added is outermost; BentoML's own, its metrics among them, lie around it.
    OPEN_PATHS = {"/livez", "/readyz"} | (set() if SETTINGS.metrics_require_key else {"/metrics"})
    cast(Any, AutogluonBento).add_asgi_middleware(KeyGuard, keys=KEYS, open_paths=OPEN_PATHS)
cast(Any, AutogluonBento).add_asgi_middleware(
    Endpoints,
    answering=lambda: Loaded.answering,
    model=lambda: described(Loaded.answering),
    limits=Limits(SETTINGS.max_body_bytes, SETTINGS.max_rows, SETTINGS.request_seconds),
    max_requests=SETTINGS.max_requests,
    keys=KEYS is not None,
)
