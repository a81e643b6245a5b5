"""Open a predictor once, in a process of its own, and write down what it is.

Native libraries can crash and foreign classes can print, change folders or start processes: none of that reaches the
importer, and its environment does not reach them. It is no guard against malice: the child is the same user.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agbento.errors import ModelNotServable, PredictorNotLoadable
from agbento.parent import end_with_parent
from agbento.schema import Schema
from agbento.text import exception_text, one_line
from agbento.versions import training_versions

_SECONDS = 900
# All that the child is given of the environment: nothing of credentials, proxies or the user's settings.
_KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Probe:
    """What a predictor is; versions are those of its training, ``models`` those that it keeps."""

    schema: Schema
    autogluon_version: str
    python_version: str
    best_model: str
    models: tuple[str, ...]


def probe(folder: Path, scratch: Path) -> Probe:
    """Open the predictor in ``folder`` and let it answer one row, in a child process with an emptied environment.

    ``scratch`` is an empty folder, the child's HOME; what is left in it is the caller's to remove.

    Raises:
        PredictorNotLoadable: it does not load, or does not answer, in this environment.
    """
    report, log = scratch / "report.json", scratch / "log"
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environment |= {name: str(scratch) for name in ("HOME", "TMPDIR", "MPLCONFIGDIR")}
    environment |= {"PYTHONPATH": str(Path(__file__).resolve().parents[1]), "AWS_EC2_METADATA_DISABLED": "true"}
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "agbento.probe", str(folder.resolve()), str(report)],
            env=environment,
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=output,
            start_new_session=True,
        )
    try:
        child.wait(_SECONDS)
    except subprocess.TimeoutExpired:
        raise PredictorNotLoadable(f"the predictor did not load within {_SECONDS} s") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # and whatever it started
        child.wait()
    return _read(report, child.returncode, log)


def _read(report: Path, code: int, log: Path) -> Probe:
    if not report.exists():
        how = f"was ended by signal {-code}" if code < 0 else f"ended with {code}"
        raise PredictorNotLoadable(f"the process that opened the predictor {how}: {_last_line(log)}")
    found = json.loads(report.read_text("utf-8"))
    if "error" in found:
        raise PredictorNotLoadable(found["error"])
    return Probe(Schema.from_json(found.pop("schema")), models=tuple(found.pop("models")), **found)


def _last_line(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4096))
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
    return one_line(lines[-1], 300) if lines else "it said nothing"


def _open(folder: Path) -> dict[str, Any]:
    """Look at the predictor in ``folder``, in this process."""
    from agbento.describe import describe
    from agbento.examples import example_rows
    from agbento.predictor import StockPredictor
    from agbento.rows import RowReader

    try:
        stock = StockPredictor.load(folder)
        predictor = stock.autogluon
        schema = describe(predictor)
    except ModelNotServable as error:
        return {"error": f"the predictor does not load: {exception_text(error.__cause__ or error)}"}
    except PredictorNotLoadable as error:
        return {"error": str(error)}
    except Exception as error:  # noqa: BLE001 - a foreign object may raise anything when it is asked what it is
        return {"error": f"the predictor cannot be read: {exception_text(error)}"}
    row = next(example_rows(schema.to_json()["features"]))
    try:
        stock.predict(RowReader(schema).batch([row]).frame)
    except Exception as error:  # noqa: BLE001 - likewise
        return {"error": f"the predictor loads but does not answer: {exception_text(error)}"}
    trained = training_versions(folder)
    return {
        "schema": schema.to_json(),
        "autogluon_version": trained.autogluon,
        "python_version": trained.python,
        "best_model": predictor.model_best,
        "models": sorted(predictor.model_names()),
    }


def _main() -> None:
    end_with_parent(signal.SIGKILL)
    folder, report = map(Path, sys.argv[1:])
    found = _open(folder)
    draft = report.with_suffix(".draft")
    draft.write_text(json.dumps(found), "utf-8")
    draft.rename(report)  # a report that is there is whole


if __name__ == "__main__":
    _main()
