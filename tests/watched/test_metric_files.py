from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from agbento.watching.metric_files import forget_dead_workers


def test_live_gauges_of_the_dead_go_and_all_else_stays(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    mine = [tmp_path / f"gauge_livesum_{os.getpid()}.db", tmp_path / f"counter_{ended.pid}.db"]
    dead = [tmp_path / f"gauge_livesum_{ended.pid}.db", tmp_path / f"gauge_all_{ended.pid}.db"]
    for file in (*mine, *dead):
        file.touch()
    forget_dead_workers(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(mine)
