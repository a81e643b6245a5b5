"""What an import tells of a predictor that whoever trained it may not know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agbento.schema import Schema
from agbento.text import shown

_NAMED = 10  # columns in a note


def notes(schema: Schema) -> Iterator[str]:
    """Give one line for each thing."""
    if schema.dropped:
        why = "constant, all different, or of a dtype that AutoGluon drops, such as pandas' nullable ones"
        yield f"columns of training that the predictor does not use ({why}): {_listed(schema.dropped)}"
    unknown = [feature.name for feature in schema.features if feature.two_valued and feature.two_valued.false is None]
    if unknown:
        yield f"columns of two values of which AutoGluon kept one, and takes all else for the other: {_listed(unknown)}"
    texts = [f.name for f in schema.features if f.type == "datetime" and not f.holds_timestamps]
    if texts:
        yield f"dates that were texts in training, read month first unless that cannot be: {_listed(texts)}"
    durations = [feature.name for feature in schema.features if feature.dtype.startswith("timedelta64")]
    if durations:
        yield f"durations, to be sent as whole numbers of nanoseconds: {_listed(durations)}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(shown(name, 60) for name in names[:_NAMED]) + more
