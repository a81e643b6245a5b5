"""The mark of another model: when it is there, as promtool evaluates its query."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.dashboards import FOLDER, filled, marks

# Minutes: `a` is away for ten, and back under another address; `b` begins between two moments of a long range.
SERVED = (("x", "a", "1x60 stale"), ("y", "a", "_x70 1x330"), ("z", "b", "_x205 1x195"))
SHORT = {"0m": "a", "60m": "", "65m": "", "71m": "", "72m": "", "204m": "", "205m": "b", "206m": "", "390m": ""}
LONG = {"195m": "", "210m": "b", "225m": "", "240m": ""}


@pytest.mark.prometheus
@pytest.mark.parametrize(("step", "marked"), [("1m", SHORT), ("15m", LONG)])
def test_a_mark_is_of_another_model_and_no_restart(tmp_path: Path, step: str, marked: dict[str, str]) -> None:
    assert shutil.which("promtool")
    ((_, query),) = (found for found in marks(FOLDER / "service.json") if found[0].endswith("Models"))
    labels = 'job="autogluon-bento", instance="%s", tag="m:%s", digest="%s"'
    series = [
        {"series": f"agbento_model_info{{{labels % (at, model, model)}}}", "values": values}
        for at, model, values in SERVED
    ]
    cases = [
        {
            "expr": filled(query, {"__interval": step}),
            "eval_time": at,
            "exp_samples": [{"labels": f'{{digest="{one}", tag="m:{one}"}}', "value": 1} for one in new],
        }
        for at, new in marked.items()
    ]
    test = {"interval": "1m", "input_series": series, "promql_expr_test": cases}
    file = tmp_path / "test.json"
    file.write_text(json.dumps({"evaluation_interval": "1m", "tests": [test]}), "utf-8")
    done = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
