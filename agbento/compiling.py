"""Compile a predictor while it is imported, in a process of its own, and keep what was found.

A stored model has ``compiled.json`` (the record) and, where the compiled predictor was proven equal to AutoGluon's,
``compiled/`` (its artefact). Nothing that goes wrong here fails an import: AutoGluon's own predictor serves then, and
the record says why.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from agbento import child
from agbento.compiler import ArtefactError, artefact
from agbento.compiler.artefact import compiler_version
from agbento.compiler.plan.values import decode, encode
from agbento.errors import UsageError
from agbento.text import exception_text, one_line, shown

COMPILED, RECORD = "compiled", "compiled.json"
_SECONDS = 3600  # the largest stacks take some minutes
_PROOF_ROWS = 8000  # drawn for it, as DataFrames; some thousand more in the other ways
_PROOF_SECONDS = 30.0  # then what is left is left out, but for the first rows of each way; the proof tells how many


@dataclass(frozen=True)
class Record:
    """What came of compiling: ``compiled`` or ``why`` not; ``native`` tells whether nothing runs through AutoGluon.

    ``proof`` and ``report`` are those of the compiler, as JSON; ``digest`` is the predictor's, ``compiler`` the
    compiler's version. ``originals`` are, by column, pairs of a text and the training value that it stands for, where
    JSON cannot hold that.
    """

    compiled: bool
    why: str
    compiler: str
    digest: str
    native: bool = False
    seconds: float = 0.0
    proof: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)
    originals: dict[str, Any] = field(default_factory=dict)

    def restored(self) -> dict[str, dict[Any, Any]]:
        """Give the originals: by column, text → training value."""
        return {name: dict(map(decode, pairs)) for name, pairs in self.originals.items()}

    def save(self, folder: Path) -> None:
        """Write it into a stored model's folder."""
        (folder / RECORD).write_text(json.dumps(asdict(self), indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Record | None:
        """Read it; None where there is none that can be read."""
        try:
            return cls(**json.loads((folder / RECORD).read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def lines(self) -> list[str]:
        """Say it on a terminal."""
        if not self.compiled:
            return [f"not compiled: {self.why}; AutoGluon's own predictor will serve"]
        proved = self.proof.get("summary", "")
        return [f"compiled in {self.seconds:g} s: {self.report.get('summary', '')}", f"proven: {proved}"]


def compile_into(folder: Path, predictor: Path, digest: str, scratch: Path, rows: Path | None = None) -> Record:
    """Compile ``predictor`` into ``folder`` and write the record there, in a child process.

    ``scratch`` is an empty folder, the child's HOME; what is left in it is the caller's to remove. What the predictor's
    reading has let pass lies beside it (`agbento.permit`); the child can unpickle nothing else. ``rows`` is a file
    of rows, CSV or Parquet, with which it is proven too.

    Raises:
        UsageError: ``rows`` cannot be read, or lacks columns.
    """
    report = scratch / "report.json"
    arguments = [str(predictor.resolve()), str((folder / COMPILED).resolve()), digest, str(report)]
    arguments += [str(rows.resolve())] if rows is not None else []
    ended = child.run("agbento.compiling", arguments, scratch, _SECONDS)
    if report.exists():
        found = json.loads(report.read_text("utf-8"))
    else:
        found = {"compiled": False, "why": f"the process that compiled it {ended.how}"}
    if "rows" in found:
        raise UsageError(f"--rows {shown(str(rows))}: {found['rows']}")
    record = Record(compiler=compiler_version(), digest=digest, **found)
    record.save(folder)
    return record


def is_compiled(stored: Path, digest: str) -> bool:
    """Tell whether a stored model has a compiled predictor of this predictor and version, whole."""
    record = Record.load(stored)
    if record is None or not record.compiled or record.digest != digest:
        return False
    try:
        artefact.check(stored / COMPILED, digest)
    except ArtefactError:
        return False
    return True


def _compile(predictor: Path, target: Path, digest: str, rows: Path | None) -> dict[str, Any]:
    """Compile, prove, and save what was proven, in this process."""
    from agbento.compiler import CompilerError, compile_predictor
    from agbento.compiler.rows_file import read_rows
    from agbento.compiler.verify import verify
    from agbento.describe import originals
    from agbento.opening import guarded, load_any_version, prepare

    began = time.monotonic()
    try:
        prepare(predictor.parent)
        with guarded(predictor.parent):
            opened = load_any_version(predictor)
            opened.persist(max_memory=None)
        compiled = compile_predictor(opened)
        try:
            real = None if rows is None else read_rows(rows, compiled.columns)
        except ValueError as error:
            return {"rows": str(error)}
        compiled.source = digest
        proof = verify(opened, compiled, real=real, rows=_PROOF_ROWS, seconds=_PROOF_SECONDS, digest=digest)
        told = compiled.report()
        held = {name: [encode(pair) for pair in pairs.items()] for name, pairs in originals(opened).items()}
    except CompilerError as error:
        return {"compiled": False, "why": one_line(str(error), 300)}
    except Exception as error:  # noqa: BLE001 - whatever it is, AutoGluon's own predictor serves
        return {"compiled": False, "why": f"it cannot be compiled: {exception_text(error)}"}
    found = {
        "native": compiled.native,
        "seconds": round(time.monotonic() - began - proof.seconds, 1),
        "proof": proof.to_json() | {"summary": proof.verdict},
        "report": told.to_json() | {"summary": told.summary},
        "originals": held,
    }
    if not proof.equal:
        return {"compiled": False, "why": f"it is {proof.verdict}", **found}
    try:
        compiled.save(target)
    except Exception as error:  # noqa: BLE001 - a model that is not native saves itself, in whatever way
        return {"compiled": False, "why": f"it cannot be saved: {exception_text(error)}", **found}
    return {"compiled": True, "why": "", **found}


def _main() -> None:
    predictor, target, digest, report, *rows = sys.argv[1:]
    found = _compile(Path(predictor), Path(target), digest, Path(rows[0]) if rows else None)
    child.write_report(Path(report), found)


if __name__ == "__main__":
    _main()
