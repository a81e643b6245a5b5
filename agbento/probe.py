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

_SECONDS = 900


@dataclass(frozen=True)
class Probe:
    """What a predictor is; ``models`` are those that it keeps, ``used`` the folders of those that answer."""

    schema: Schema
    best_model: str
    models: tuple[str, ...]
    used: tuple[str, ...]


def probe(folder: Path, scratch: Path) -> Probe:
    """Open the predictor in ``folder`` and let it answer one row, in a child process with an emptied environment.

    What its reading has let pass lies beside ``folder`` (`agbento.permit`); the child can unpickle nothing else.

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
    models, used = tuple(found["models"]), tuple(found["used"])
    return Probe(Schema.from_json(found["schema"]), found["best_model"], models, used)


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
    return {
        "schema": schema.to_json(),
        "best_model": predictor.model_best,
        "models": sorted(predictor.model_names()),
        "used": _used(predictor),
    }


def _used(predictor: Any) -> list[str]:
    """Give the folders, relative to the predictor's, of the models that its best one asks, its own among them."""
    trainer = predictor._trainer
    names = trainer.get_minimum_model_set(predictor.model_best)
    folders = trainer.get_models_attribute_dict("path", models=names)
    # A text in some versions of AutoGluon, the parts of a path in others.
    parts = ([place] if isinstance(place, str) else place for place in folders.values())
    return sorted("/".join(["models", *part]) for part in parts)


def _main() -> None:
    from agbento.opening import guarded, prepare

    folder, report = map(Path, sys.argv[1:])
    prepare(folder.parent)
    with guarded(folder.parent):
        found = _open(folder)
    child.write_report(report, found)


if __name__ == "__main__":
    _main()
