"""Ask a running service for a few predictions: ``python -m sample.ask -n 5`` prints one answer a line.

A service of the sample predictor is asked the original callers' request and then rows of `sample.rows`; any other
model is asked made-up rows that fit the features it names.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from agbento.examples import example_rows
from sample.client import URL, Client, NoAnswer

REQUEST: Final = Path(__file__).with_name("request.json")  # what the original service's callers send


def rows_for(model: dict[str, Any], seed: int = 0) -> Iterator[dict[str, Any]]:
    """Make rows without end for the model that ``GET /model`` describes as ``model``."""
    request = json.loads(REQUEST.read_text("utf-8"))
    if not {feature["name"] for feature in model["features"]} <= set(request):
        yield from example_rows(model["features"], seed)
    yield request
    while True:
        yield from _sample_rows(1000, seed)
        seed += 1


def answers(client: Client, n: int) -> Iterator[Any]:
    """Give the service's answers to ``n`` rows, one request each; raises `NoAnswer`."""
    for row in islice(rows_for(client.model()), n):
        yield client.predict(row)


def _sample_rows(n: int, seed: int) -> list[dict[str, Any]]:
    from sample.rows import rows  # pandas is loaded only where it is needed

    made: list[dict[str, Any]] = json.loads(rows(n, seed).to_json(orient="records", double_precision=15))
    return made


def count(text: str) -> int:
    """Read a whole number of at least 1; raises ValueError."""
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0, or 1 with one line on stderr where no service answers."""
    parser = argparse.ArgumentParser(prog="python -m sample.ask", description="Ask a running service for predictions.")
    parser.add_argument(
        "-n", "--rows", type=count, default=5, metavar="N", help="how many rows to ask about (default %(default)s)"
    )
    parser.add_argument("--url", default=URL, help="where the service is (default %(default)s)")
    chosen = parser.parse_args(arguments)
    try:
        for answer in answers(Client(chosen.url), chosen.rows):
            print(answer, flush=True)
    except NoAnswer as silence:
        print(silence, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
