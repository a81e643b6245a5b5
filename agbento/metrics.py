"""Every metric that is ours, and what makes BentoML's right with several workers.

Values live in files of the folder PROMETHEUS_MULTIPROC_DIR, one set a process; a scrape of any worker adds them up.
"""

from __future__ import annotations

import collections
import contextlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

import psutil
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from agbento.errors import Fault
from agbento.values.reasons import Counts

# Seconds, 0.1 ms to 10 s: a compiled model answers in the first buckets, a large ensemble in the last.
DURATION_BUCKETS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
    *(0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)

_LIVE_FILE = re.compile(r"gauge_live\w*_(?P<pid>\d+)\.db")


class ServiceMetrics:
    """The service's own metrics; one instance a process."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.inference_seconds = Histogram(
            "agbento_inference_duration_seconds",
            "Time that the model took for one call of predict, its rows together",
            buckets=DURATION_BUCKETS,
            registry=registry,
        )
        self.workers = Gauge(
            "agbento_workers",
            "Worker processes that are ready to answer",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self.compiled = Gauge(
            "agbento_compiled",
            "1 where the compiled predictor serves in every worker, 0 where AutoGluon's own does",
            multiprocess_mode="livemin",
            registry=registry,
        )
        # Its labels are of the schema: columns that a caller made up are counted under an empty name.
        self.values_off = Counter(
            "agbento_values_off_total",
            "Values of requests that were off, by feature, reason, and what the policy did: reject, warn or accept",
            ("feature", "reason", "action"),
            registry=registry,
        )
        self._off: dict[tuple[str, str, str], Counter] = {}

    def count_off(self, counts: Counts) -> None:
        """Count what was off with rows that are answered."""
        for labels, count in counts.items():
            # Looked up once: prometheus_client takes longer to find a counter than to count.
            counter = self._off.get(labels) or self._off.setdefault(
                labels, self.values_off.labels(*map(_as_label, labels))
            )
            counter.inc(count)

    def count_faults(self, faults: Sequence[Fault]) -> None:
        """Count what was off with rows that are rejected, as far as the faults are listed."""
        for (column, reason), count in collections.Counter((fault.column, fault.reason) for fault in faults).items():
            feature = "" if column is None or reason == "unused_column" else column
            self.values_off.labels(_as_label(feature), reason, "reject").inc(count)


def _as_label(text: str) -> str:
    """Give text that UTF-8 can encode: a column's name may hold a lone surrogate."""
    return text.encode("utf-8", "replace").decode()


def forget_dead_workers(folder: Path) -> None:
    """Remove the live gauges of processes that are gone: what a killed worker had in flight, it has no more.

    Counters and histograms stay, so that sums go on. prometheus_client leaves this to the server; BentoML's does not.
    """
    for file in folder.glob("gauge_live*.db"):
        match = _LIVE_FILE.fullmatch(file.name)
        if match and not _is_running(int(match["pid"])):
            with contextlib.suppress(FileNotFoundError):  # another worker was scraped at the same time
                file.unlink()


def multiprocess_folder() -> Path | None:
    """Give the folder of the metric files, or None where the process keeps its metrics to itself."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(folder) if folder else None


def _is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
