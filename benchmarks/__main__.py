"""``python -m benchmarks [PART …] [--quick] [--model NAME]``: measure, and write docs/benchmark.md with its picture.

Without a part: all of them, each in a process of its own, then the page. A part alone prints its figures and keeps them
in build/bench; ``page`` writes the page of what is kept there.
"""

from __future__ import annotations

import argparse
import importlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any, Final

from benchmarks import models, page, plot, results
from benchmarks.options import Options
from benchmarks.progress import say
from sample.child import ChildFailed

PARTS: Final[dict[str, tuple[str, Callable[[Any], str]]]] = {
    "calls": ("benchmarks.calls", page.calls_table),
    "start": ("benchmarks.start", page.start_table),
    "http": ("benchmarks.http", page.http_table),
    "memory": ("benchmarks.memory", page.memory_table),
    "many": ("benchmarks.rows", page.many_table),
    "watching": ("benchmarks.watching", page.watching_table),
}


def measure(part: str, options: Options, kept: Path) -> None:
    """Measure one part, print its table, and keep its figures."""
    module, table = PARTS[part]
    found = importlib.import_module(module).measure(options)
    results.save(part, found, kept)
    print(f"{table(found)}\n", flush=True)


def measure_all(quick: bool, kept: Path) -> None:
    """Make the predictors, then measure every part in a process of its own. Raises CalledProcessError."""
    shutil.rmtree(kept, ignore_errors=True)
    for recipe in models.RECIPES.values():
        models.imported(recipe)
    for part in PARTS:
        command = [sys.executable, "-m", "benchmarks", part, "--kept", str(kept), *(["--quick"] if quick else [])]
        subprocess.run(command, cwd=results.ROOT, check=True)


def write(kept: Path, docs: Path) -> None:
    """Write page and picture of what is kept."""
    found = results.load(kept)
    plot.draw(found, docs / "benchmark.svg")
    (docs / "benchmark.md").write_text(page.page(found, "benchmark.svg"), "utf-8")
    say(f"written: {docs / 'benchmark.md'}, {docs / 'benchmark.svg'}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the compiler and the service.")
    named = ", ".join([*PARTS, "page"])
    # Not by `choices`: with them Python 3.11 refuses that there is none.
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{named} (default: all)")
    parser.add_argument("--quick", action="store_true", help="a short look; nothing to publish")
    parser.add_argument(
        "--model", action="append", default=[], choices=[*models.RECIPES], help="of a part: measure this predictor"
    )
    parser.add_argument("--kept", type=Path, default=results.FOLDER, help="where figures lie (default build/bench)")
    parser.add_argument("--docs", type=Path, default=results.ROOT / "docs", help="where the page goes (default docs)")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line: 0, 1 where something does not start or is not equal, 130 when interrupted."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if unknown := [part for part in chosen.parts if part not in (*PARTS, "page")]:
        parser.error(f"no such part: {', '.join(unknown)}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the servers end as on Ctrl-C
    try:
        for part in chosen.parts:
            if part != "page":
                recipes = tuple(models.RECIPES[name] for name in chosen.model)
                measure(part, Options(chosen.quick, recipes), chosen.kept)
        if not chosen.parts:
            measure_all(chosen.quick, chosen.kept)
        if not chosen.parts or "page" in chosen.parts:
            write(chosen.kept, chosen.docs)
    except KeyboardInterrupt:
        return 130
    except (ChildFailed, CalledProcessError, OSError, ValueError) as failed:
        say(str(failed))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
