"""Make the drift reference of a model while it is imported, in a process of its own.

Nothing that goes wrong here fails an import, unless the file of rows that was given is at fault: there is no reference
then, and it says why.
"""

from __future__ import annotations

import json
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agbento import child
from agbento.drift import Reference
from agbento.errors import UsageError
from agbento.schema import Schema
from agbento.text import exception_text, one_line, shown

if TYPE_CHECKING:
    from agbento.predictor import Predictor

_SECONDS = 900
_MADE_UP = 500  # rows that tell what numbers a model answers where there are no real ones
_READ = "read"  # a file that is there once the rows were read
_TRAINING = "the training data"
_HOW = "give rows as callers send them: --reference FILE"


def reference_into(
    folder: Path, schema: Path, scratch: Path, file: Path | None = None, name: str | None = None
) -> Reference:
    """Make the reference of the model whose draft is in ``folder``, and write it there, in a child process.

    ``schema`` is the model's schema.json. ``scratch`` is an empty folder, the child's HOME; what is left in it is the
    caller's to remove. What the predictor's reading has let pass lies in ``folder`` (`agbento.permit`); the child can
    unpickle nothing else. ``file`` holds rows, CSV or Parquet, ``name`` is what whoever imports calls it; None: the
    training data, where the predictor still has it.

    Raises:
        UsageError: no reference can be made of ``file``.
    """
    report = scratch / "report.json"
    arguments = [str(folder.resolve()), str(schema.resolve()), str(report)]
    if file is not None:
        # A path of the machine that imports is nothing that the model has to say.
        called = name if name is not None and name.startswith("s3://") else Path(name or file).name
        arguments += [str(file.absolute()), shown(called)]
    ended = child.run("agbento.reference.child", arguments, scratch, _SECONDS)
    why = f"the process that was to make it {ended.how}"
    found = json.loads(report.read_text("utf-8")) if report.exists() else {"error": why}
    if file is not None and not report.exists() and not (scratch / _READ).exists():
        found = {"fault": f"it could not be read: the process that read it {ended.how}"}
    if "fault" in found:
        raise UsageError(f"--reference {shown(name or str(file))}: {found['fault']}")
    made = none(found["error"]) if "error" in found else Reference.from_json(found)
    made.save(folder)
    return made


def none(why: str) -> Reference:
    """Give the reference of a model that has none."""
    return Reference(f"none: {one_line(why, 300)}")


def lines(made: Reference) -> list[str]:
    """Say on a terminal where the reference is from."""
    if not made.features:
        return [f"no drift reference ({made.source.removeprefix('none: ')}): to have drift watched, {_HOW}"]
    said = f"drift reference: {made.source}, {made.rows} rows; {len(made.features)} features and the prediction watched"
    return [said, *made.notes]


def _of_file(folder: Path, schema: Schema, file: Path, name: str, mark: Path) -> dict[str, Any]:
    from agbento.reference.making import reference
    from agbento.reference.rows import GivenRows, ReferenceFault, read

    try:
        batch = read(file, schema)
    except ReferenceFault as fault:
        return {"fault": one_line(str(fault))}
    mark.touch()
    given = GivenRows(batch, _opened(folder, schema))
    return reference(f"rows of {name}", schema, batch, given.answers, {}).to_json()


def _of_training(folder: Path, schema: Schema) -> dict[str, Any]:
    from agbento.opening import guarded, load_any_version, prepare
    from agbento.reference.making import reference
    from agbento.reference.training_data import TrainingData

    prepare(folder)
    with guarded(folder):
        predictor = load_any_version(folder / "predictor")
        predictor.persist(max_memory=None)
        data = TrainingData(predictor)
    batch, why = data.batch(schema.features)
    return reference(_TRAINING, schema, batch, data.answers, why).to_json()


def _of_nothing(folder: Path, schema: Schema) -> dict[str, Any]:
    """Give what is known of the answers all the same, for the histogram of them."""
    from agbento.examples import example_rows
    from agbento.reference.making import target_of
    from agbento.rows import RowReader

    made = none("the predictor does not have its training data any more")
    if schema.classes:
        return made.to_json()
    rows = list(islice(example_rows(schema.to_json()["features"]), _MADE_UP))
    answers = _opened(folder, schema).predict(RowReader(schema).batch(rows))
    target = target_of(schema, answers, f"its answers to {_MADE_UP} made-up rows")
    return Reference(made.source, **target).to_json()


def _opened(folder: Path, schema: Schema) -> Predictor:
    from agbento.examples import example_rows
    from agbento.opened import open_predictor
    from agbento.rows import RowReader

    predictor = open_predictor(folder, 1).predictor
    rows, reader = example_rows(schema.to_json()["features"]), RowReader(schema)
    predictor.warm(reader.batch([next(rows)]), reader.batch(list(islice(rows, 16))))
    return predictor


def _main() -> None:
    from agbento.reference.training_data import is_kept

    folder, schema_file, report, *given = sys.argv[1:]
    stored, written = Path(folder), Path(report)
    try:
        schema = Schema.load(Path(schema_file))
        if given:
            found = _of_file(stored, schema, Path(given[0]), given[1], written.with_name(_READ))
        elif is_kept(stored / "predictor"):
            found = _of_training(stored, schema)
        else:
            found = _of_nothing(stored, schema)
    except Exception as error:  # noqa: BLE001 - whatever it is, the model serves without a reference
        found = {"error": exception_text(error)}
    child.write_report(written, found)


if __name__ == "__main__":
    _main()
