#!/usr/bin/env python
"""Import an AutoGluon tabular predictor from S3 or a folder into BentoML's model store."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from tqdm import tqdm

_EPILOG = """\
Without SOURCE, AWS_BUCKET_NAME and EXPERIMENT_ID name the bucket and the folder in it. Credentials, region and
endpoint come the way boto3 finds them (AWS_PROFILE, AWS_ENDPOINT_URL_S3, roles); they are never given here.
BENTOML_HOME is where the store lies. The last line on stdout is the model's tag.
Exit: 0 done, 1 failed, 2 wrong usage."""


class TerminalProgress:
    """Messages on stderr, and a bar where that is a terminal."""

    def __init__(self) -> None:
        self._bar: tqdm[NoReturn] | None = None

    def say(self, text: str) -> None:
        """Tell one line."""
        _say(text)

    def begin(self, size: int) -> None:
        """Show the bar for ``size`` bytes."""
        if sys.stderr is not None and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=size, unit="B", unit_scale=True, file=sys.stderr, leave=False)

    def advance(self, size: int) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.update(size)

    def end(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def main(arguments: list[str] | None = None) -> int:
    """Import as the command line says; give the exit code. Every failure is one line on stderr."""
    from agbento.errors import ImportFailed

    try:
        signal.signal(signal.SIGTERM, _interrupt)
        options = _parser().parse_args(arguments)
        return _tell(_import(options.source, options.name, options.rows))
    except ImportFailed as error:
        _say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        _ignore_signals()
        _say("interrupted; the store is as it was")
        return 1
    except Exception as error:  # noqa: BLE001 - what nobody foresaw is one line too
        _say(f"unexpected {type(error).__name__}: {' '.join(str(error).split())[:300]}; please report it")
        return 1


def _tell(tag: str) -> int:
    """Print the tag; where nobody reads it any more the model is in the store all the same."""
    try:
        print(tag, flush=True)
    except OSError as error:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - else Python tries again at its end
        _say(f"imported as {tag}, but stdout cannot be written: {error.strerror}")
        return 1
    return 0


def _import(source: str | None, name: str | None, rows: Path | None) -> str:
    # Late: --help and a wrong command line answer at once.
    from agbento.errors import UsageError
    from agbento.importer import import_predictor
    from agbento.settings import ImportSettings
    from agbento.source import open_source

    if rows is not None and not rows.is_file():
        raise UsageError(f"--rows {rows}: no such file; expected rows as CSV or Parquet")
    origin = open_source(source, ImportSettings.read())
    model = import_predictor(origin, name, TerminalProgress(), commit=_ignore_signals, rows=rows)
    return str(model.tag)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="import_model.py",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "source",
        metavar="SOURCE",
        nargs="?",
        help="s3://bucket/prefix or a folder: the predictor's, or any one above it",
    )
    parser.add_argument("--name", help="the model's name in the store (default: that of the predictor's folder)")
    parser.add_argument(
        "--rows",
        type=Path,
        metavar="FILE",
        help="rows, CSV or Parquet, with which the compiled predictor is proven too, beside made-up ones",
    )
    return parser


def _ignore_signals() -> None:
    # The store is about to change, or the process to end: either takes no time and is not to be cut in two.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    if sys.stderr is not None:  # it may have been closed before the start
        with contextlib.suppress(OSError):
            print(f"import_model: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
