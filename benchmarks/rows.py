"""What the service adds to its model: validation of one row, and 1,000 rows of JSON in one request.

``python -m benchmarks.rows`` prints a Markdown table; ``--write`` puts it into docs/benchmark-rows.md too. The service
and the model in this process take turns, so that what else the machine does hits both alike.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import requests

from agbento.describe import describe
from agbento.predictor import StockPredictor
from agbento.rows import RowReader
from benchmarks.http import machine
from benchmarks.servers import ROOT, Server, imported, servers
from sample.rows import rows
from sample.train import sample_predictor

MANY = 1000
BODIES = 200
PAGE = ROOT / "docs" / "benchmark-rows.md"
VALIDATION_LIMIT, MANY_LIMIT = 0.15, 2.0  # what is aimed at

Times = dict[str, list[float]]


def run(turns: int) -> Times:
    """Measure each thing once a turn, ``turns`` times; give the seconds of each."""
    predictor = sample_predictor(ROOT / ".cache" / "sample")
    with tempfile.TemporaryDirectory(prefix="agbento-bench-") as scratch:
        home = Path(scratch) / "bentoml"
        service = servers(predictor, imported(predictor, home), home)[0]
        with service.start(Path(scratch)), requests.Session() as session:
            session.trust_env = False
            return _take_turns(_things(service, session, predictor), turns)


def _things(service: Server, session: requests.Session, folder: Path) -> dict[str, Callable[[int], Any]]:
    stock = StockPredictor.load(folder, threads=2)
    reader = RowReader(describe(stock.autogluon))
    made: list[dict[str, Any]] = json.loads(rows(BODIES + MANY, seed=1).to_json(orient="records"))
    ones, many = made[:BODIES], made[BODIES:]
    one_bodies, many_body = [json.dumps(row).encode() for row in ones], json.dumps(many).encode()
    frame = pd.DataFrame(many)

    def post(body: bytes) -> None:
        headers = {"Content-Type": "application/json"}
        answer = session.post(f"http://127.0.0.1:{service.port}/predict", body, headers=headers, timeout=60)
        answer.raise_for_status()

    return {
        "one row over HTTP": lambda i: post(one_bodies[i % BODIES]),
        "its validation": lambda i: reader.batch([ones[i % BODIES]]),
        "1,000 rows over HTTP": lambda _: post(many_body),
        "predict of 1,000 rows": lambda _: stock.autogluon.predict(frame),
    }


def _take_turns(things: dict[str, Callable[[int], Any]], turns: int) -> Times:
    times: Times = {name: [] for name in things}
    for turn in range(-3, turns):  # the first three warm up
        for name, thing in things.items():
            began = time.perf_counter()
            thing(turn)
            if turn >= 0:
                times[name].append(time.perf_counter() - began)
    return times


def table(times: Times) -> str:
    """Write medians and ratios as Markdown."""
    one, validation, many, stock = (1000 * statistics.median(seconds) for seconds in times.values())
    share, ratio = validation / (one - validation), many / stock
    return "\n".join(
        (
            "| what | median ms | ratio | at most |",
            "|---|---:|---:|---:|",
            f"| one row over HTTP | {one:.2f} | | |",
            f"| its validation: JSON values → the model's frame | {validation:.3f} | {share:.0%} of the rest "
            f"| {VALIDATION_LIMIT:.0%} |",
            f"| 1,000 rows of JSON in one request | {many:.1f} | {ratio:.2f} x `predict` | {MANY_LIMIT:g} x |",
            f"| AutoGluon's `predict` of the same 1,000 rows, persisted | {stock:.1f} | 1 | |",
        )
    )


def _page(text: str, turns: int) -> str:
    return f"""# Validation, and many rows

Made by `make bench`; all of it in one run, on one machine, {turns} turns. The predictor is the sample's (two LightGBMs
and a CatBoost, weighted), the service has one worker, and `predict` runs in the benchmark's own process while the
service waits. Everything that a request needs is in the times over HTTP: client, HTTP, parsing, validation, prediction,
answer.

{text}
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rows", description="Measure validation and many rows.")
    parser.add_argument("--turns", type=int, default=150, help="how often each thing is measured (default 150)")
    parser.add_argument("--write", action="store_true", help="write docs/benchmark-rows.md too")
    chosen: Any = parser.parse_args(arguments)
    text = f"{table(run(chosen.turns))}\n\n{machine()}"
    print(text)
    if chosen.write:
        PAGE.write_text(_page(text, chosen.turns), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
