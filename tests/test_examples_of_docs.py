"""The examples of the README and of docs/requests.md do what they say."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.running import REQUEST, ROOT, Running, environment

pytestmark = pytest.mark.slow
_BLOCK = re.compile(r"^```(?P<language>bash|python)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = [
    pytest.param(match["language"], match["code"], id=f"{page}-{i}")
    for page in ("README.md", "docs/requests.md")
    for i, match in enumerate(_BLOCK.finditer((ROOT / page).read_text("utf-8")))
]


@pytest.fixture(scope="module")
def costs(sample_predictor: Path) -> dict[str, list[float]]:
    """What AutoGluon's own predictor says of the rows that the examples send."""
    from autogluon.tabular import TabularPredictor

    oracle = TabularPredictor.load(str(sample_predictor), verbosity=0)
    files = {"request.json": pd.DataFrame([REQUEST]), "rows.csv": pd.read_csv(ROOT / "sample" / "rows.csv")}
    return {name: [float(cost) for cost in oracle.predict(frame)] for name, frame in files.items()}


def numbers(printed: str) -> list[float]:
    """The costs of an answer: JSON, Python's printing of it, CSV or a DataFrame's."""
    try:
        answer: Any = json.loads(printed.replace("'", '"'))
    except ValueError:
        if "," not in printed:
            return [float(line.split()[-1]) for line in printed.splitlines()[1:]]
        return [float(row["cost"]) for row in csv.DictReader(io.StringIO(printed))]
    return [one["cost"] for one in (answer if isinstance(answer, list) else [answer])]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 7


@pytest.mark.parametrize(("language", "code"), EXAMPLES)
def test_example(language: str, code: str, served: Running, costs: dict[str, list[float]], bentoml_home: Path) -> None:
    command = ["bash", "-c"] if language == "bash" else [sys.executable, "-c"]
    moved = code.replace("localhost:9696", f"127.0.0.1:{served.port}")
    done = subprocess.run(
        [*command, moved], cwd=ROOT, env=environment(bentoml_home), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    (expected,) = [cost for name, cost in costs.items() if name in code]
    assert numbers(done.stdout) == pytest.approx(expected, abs=1e-4)
