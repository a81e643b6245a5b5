"""Gauges that are set when a worker starts: what it serves, and what it may use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agbento import machine
from agbento.digest import short
from agbento.metrics import ServiceMetrics, as_label
from agbento.served import ServedModel

_LONGEST_WHY = 200  # characters


def set_model(metrics: ServiceMetrics, model: ServedModel, compiled: Mapping[str, Any], seconds: float) -> None:
    """Tell which model this worker serves; ``compiled`` is what `GET /model` says of that, ``seconds`` loading took."""
    why = str(compiled.get("why", ""))
    known = model.metadata
    labels = {
        "tag": model.tag,
        "digest": short(str(model.digest or "")),
        "label": str(known.get("label", "")),
        "problem_type": str(known.get("problem_type", "")),
        "autogluon_version": str(known.get("autogluon_version", "")),
        "served": "stock" if why else "compiled",
        "why": why if len(why) <= _LONGEST_WHY else f"{why[: _LONGEST_WHY - 1]}…",
    }
    metrics.model_info.labels(**{name: as_label(text) for name, text in labels.items()}).set(1)
    metrics.compiled.set(not why)
    metrics.load_seconds.set(seconds)
    if (created := _timestamp(model.provenance.get("logged_at") or known.get("imported_at"))) is not None:
        metrics.model_created.set(created)


def set_worker(metrics: ServiceMetrics, workers: int, max_requests: int) -> None:
    """Tell that this worker is ready, one of ``workers``, and takes ``max_requests`` at a time."""
    metrics.workers_wanted.set(workers)
    metrics.requests_limit.set(max_requests)
    metrics.memory_limit.set(machine.memory_bytes())
    metrics.cores.set(machine.cores())
    metrics.worker_starts.inc()
    metrics.workers.set(1)


def _timestamp(text: Any) -> float | None:
    """Read a time in ISO 8601, as an import writes it; None where it is none."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return None
