from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from agbento.metrics import DURATION_BUCKETS, ServiceMetrics, forget_dead_workers


def test_buckets_go_from_a_tenth_of_a_millisecond_to_ten_seconds() -> None:
    assert (DURATION_BUCKETS[0], DURATION_BUCKETS[-1]) == (0.0001, 10.0)
    assert list(DURATION_BUCKETS) == sorted(set(DURATION_BUCKETS))


def test_inference_time_is_a_histogram_in_seconds() -> None:
    registry = CollectorRegistry()
    ServiceMetrics(registry).inference_seconds.observe(0.0002)
    text = generate_latest(registry).decode()
    assert 'agbento_inference_duration_seconds_bucket{le="0.00025"} 1.0' in text
    assert 'agbento_inference_duration_seconds_bucket{le="0.0001"} 0.0' in text


def test_live_gauges_of_the_dead_go_and_all_else_stays(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    mine = [tmp_path / f"gauge_livesum_{os.getpid()}.db", tmp_path / f"counter_{ended.pid}.db"]
    dead = [tmp_path / f"gauge_livesum_{ended.pid}.db", tmp_path / f"gauge_liveall_{ended.pid}.db"]
    for file in (*mine, *dead):
        file.touch()
    forget_dead_workers(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(mine)
