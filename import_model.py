#!/usr/bin/env python
"""Import an AutoGluon tabular predictor from S3 or a folder into BentoML's model store."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from tqdm import tqdm

    from agbento.errors import EnvironmentDiffers

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
    from agbento.errors import EnvironmentDiffers, ImportFailed

    try:
        signal.signal(signal.SIGTERM, _interrupt)
        given = list(sys.argv[1:] if arguments is None else arguments)
        options = _parser().parse_args(given)
        try:
            return _tell(_import(options))
        except EnvironmentDiffers as error:
            return _mended(error, given, options)
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


def _import(options: argparse.Namespace) -> str:
    # Late: --help and a wrong command line answer at once.
    from agbento.code import Code
    from agbento.errors import UsageError
    from agbento.importer import Wishes, import_predictor
    from agbento.reference.file import check_named
    from agbento.settings import ImportSettings, LockSettings
    from agbento.source import open_source

    if options.rows is not None and not options.rows.is_file():
        raise UsageError(f"--rows {options.rows}: no such file; expected rows as CSV or Parquet")
    settings = ImportSettings.read()
    if options.reference is not None:
        check_named(options.reference, settings.import_max_bytes)
    wishes = Wishes(
        rows=options.rows,
        reference=options.reference,
        trusted=frozenset(options.trust),
        code=None if options.code is None else Code(options.code),
        sha256=options.sha256,
        allow_version_skew=options.allow_version_skew,
        cuda=options.cuda,
        torch_index=LockSettings.read().torch_index,
        max_files=settings.import_max_files,
        max_bytes=settings.import_max_bytes,
    )
    origin = open_source(options.source, settings)
    model = import_predictor(origin, options.name, TerminalProgress(), _ignore_signals, wishes)
    return str(model.tag)


def _mended(error: EnvironmentDiffers, given: list[str], options: argparse.Namespace) -> int:
    """Import again in an environment of the predictor's own, if that was asked for; else tell the command."""
    if options.own_environment:
        _import_there(error, given, options)
    command = shlex.join([sys.executable, sys.argv[0], "--own-environment", *given])
    _say(f"{error}; to import it in an environment of its own, made for it: {command}")
    return 1


def _import_there(error: EnvironmentDiffers, given: list[str], options: argparse.Namespace) -> NoReturn:
    from agbento.own_environment import python_of, run_in
    from agbento.requirements import opening_lock
    from agbento.settings import LockSettings

    index = LockSettings.read().torch_index
    _say(f"{error}; making an environment for it, or taking the one that was made: some minutes the first time")
    locked = opening_lock(error.environment, index, options.cuda)
    for what in locked.relaxed:
        _say(f"that environment has {what} of the training, which cannot be had beside the service")
    python = python_of(locked.text, error.environment.python_minor, index)
    kept = [argument for argument in given if argument != "--own-environment"]
    run_in(python, [str(Path(__file__).resolve()), *kept])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="import_model.py",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
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
    watching = parser.add_argument_group("watching")
    watching.add_argument(
        "--reference",
        metavar="FILE",
        help="rows as callers send them, CSV or Parquet, a path or s3://bucket/key: what drift is measured against "
        "(default: the training data, where the predictor still has it)",
    )
    trust = parser.add_argument_group("trust")
    trust.add_argument("--sha256", metavar="DIGEST", type=_digest, help="refuse a predictor that has another digest")
    trust.add_argument(
        "--trust",
        metavar="NAME",
        action="append",
        default=[],
        help="module.name that the pickles may hold although no list has it; may be given several times",
    )
    trust.add_argument(
        "--code", metavar="DIR", type=Path, help="folder of modules that the predictor needs: kept with it"
    )
    environment = parser.add_argument_group("environment")
    environment.add_argument(
        "--own-environment",
        action="store_true",
        help="where other versions run here than it was trained with: make an environment for it and import there",
    )
    environment.add_argument(
        "--allow-version-skew", action="store_true", help="import where other versions run than it was trained with"
    )
    environment.add_argument("--cuda", action="store_true", help="let its image have CUDA; without: CPU builds alone")
    return parser


def _digest(text: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise argparse.ArgumentTypeError(f"{text[:80]!r}: expected 64 hex digits, as an import prints them")
    return text.lower()


def _ignore_signals() -> None:
    # The store is about to change, or the process to end: either takes no time and is not to be cut in two.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    if sys.stderr is not None:  # it may have been closed before the start
        with contextlib.suppress(OSError):
            print(f"import_model: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
