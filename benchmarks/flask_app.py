"""The design that this project replaces, written anew: Flask, AutoGluon's own predictor, one row a request.

``gunicorn -w 2 "benchmarks.flask_app:create_app('/path/of/predictor')"``. The metrics are two by hand, as such services
have them: each of gunicorn's processes counts for itself.
"""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
from autogluon.tabular import TabularPredictor
from flask import Flask, Response, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest


def create_app(folder: str, persist: bool = False) -> Flask:
    """Make the app for the predictor in ``folder``; ``persist`` keeps its models in memory between requests."""
    predictor = TabularPredictor.load(folder)
    if persist:
        predictor.persist()
    app = Flask(__name__)
    registry = CollectorRegistry()
    requests = Counter("requests", "Requests answered", registry=registry)
    seconds = Histogram("inference_seconds", "Time in the predictor", registry=registry)

    @app.post("/predict")
    def predict() -> Any:
        frame = pd.DataFrame([request.get_json()])
        started = time.perf_counter()
        value = predictor.predict(frame).iloc[0]
        seconds.observe(time.perf_counter() - started)
        requests.inc()
        return jsonify({predictor.label: round(float(value), 2)})

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    @app.get("/readyz")
    def ready() -> str:
        return ""

    return app
