"""Compile a predictor, prove it, and tell what came of it: ``python -m agbento.compiler PREDICTOR_FOLDER``.

Exit codes: 0 the compiled predictor answers as AutoGluon, 1 it does not or cannot be compiled, 2 the command line is
wrong.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agbento.text import exception_text

if TYPE_CHECKING:
    from agbento.compiler.compiled import CompiledPredictor


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit code, which for a wrong command line is SystemExit's."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if not (asked.predictor / "predictor.pkl").is_file():
        parser.error(f"{asked.predictor}: no predictor; expected a folder with a predictor.pkl")
    if asked.out is not None and asked.out.exists():
        parser.error(f"{asked.out}: there already; expected a name that is free")
    if asked.rows is not None and not asked.rows.is_file():
        parser.error(f"{asked.rows}: no such file")
    from agbento.compiler.proof.stock import quiet

    try:
        with quiet():
            return _run(asked, parser)
    except BrokenPipeError:  # whoever read it has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _failed(f"{error.filename or 'the output'}: {error.strerror}")


def _run(asked: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    from autogluon.tabular import TabularPredictor

    from agbento.compiler.compiled import compile_predictor
    from agbento.compiler.rows_file import read_rows
    from agbento.compiler.verify import verify

    try:
        predictor = TabularPredictor.load(str(asked.predictor), verbosity=0)
        compiled = compile_predictor(predictor)
    except Exception as error:  # noqa: BLE001 - of a foreign predictor anything may come
        return _failed(f"cannot be compiled: {exception_text(error)}")
    try:
        real = None if asked.rows is None else read_rows(asked.rows, compiled.columns)
    except ValueError as error:
        parser.error(f"{asked.rows}: {error}")
    _print(_plan(compiled) if asked.plan else compiled.report())
    if asked.verify:
        proof = verify(predictor, compiled, real=real)
        _print(f"\n{proof}")
        if not proof.equal:
            return 1
    if asked.out is not None:
        compiled.save(asked.out)
        _print(f"\nsaved in {asked.out}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m agbento.compiler", description="Compile an AutoGluon predictor.")
    parser.add_argument("predictor", type=Path, metavar="PREDICTOR_FOLDER", help="a trained TabularPredictor")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="a new folder for the artefact")
    parser.add_argument("--rows", type=Path, metavar="FILE", help="rows of your own to try too: CSV or Parquet")
    parser.add_argument("--no-verify", dest="verify", action="store_false", help="compile only, prove nothing")
    parser.add_argument("--plan", action="store_true", help="print the plan instead of the report")
    return parser


def _plan(compiled: CompiledPredictor) -> str:
    from agbento.compiler.plan.plan import to_json

    return to_json(compiled.plan).decode()


def _failed(why: str) -> int:
    print(why, file=sys.stderr)  # noqa: T201 a command line prints
    return 1


def _print(text: Any) -> None:
    print(text, flush=True)  # noqa: T201 a command line prints


if __name__ == "__main__":
    sys.exit(main())
