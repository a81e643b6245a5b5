"""Open a predictor once, in a process of its own, and write down what it is.

Native libraries can crash and foreign classes can print, change folders or start processes: none of that reaches the
importer, and its environment does not reach them. It is no guard against malice: the child is the same user.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agbento import child
from agbento.errors import ModelNotServable, PredictorNotLoadable
from agbento.schema import Schema
from agbento.text import exception_text
from agbento.versions import training_versions

_SECONDS = 900


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
    report = scratch / "report.json"
    ended = child.run("agbento.probe", [str(folder.resolve()), str(report)], scratch, _SECONDS)
    if ended.code is None:
        raise PredictorNotLoadable(f"the predictor did not load within {_SECONDS} s")
    if not report.exists():
        raise PredictorNotLoadable(f"the process that opened the predictor {ended.how}")
    found = json.loads(report.read_text("utf-8"))
    if "error" in found:
        raise PredictorNotLoadable(found["error"])
    return Probe(Schema.from_json(found.pop("schema")), models=tuple(found.pop("models")), **found)


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
        stock.predict(RowReader(schema).batch([row]))
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
    folder, report = map(Path, sys.argv[1:])
    found = _open(folder)
    draft = report.with_suffix(".draft")
    draft.write_text(json.dumps(found), "utf-8")
    draft.rename(report)  # a report that is there is whole


if __name__ == "__main__":
    _main()
