"""Answers → CSV (RFC 4180): a header, and a line for each answer."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from agbento.formats.accept import CSV
from agbento.schema import RESERVED, Scalar

# RFC 4180's own parameter, and the charset of all that the service writes.
CONTENT_TYPE = f"{CSV}; charset=utf-8; header=present"


def write_csv(answers: Sequence[Mapping[str, Any]]) -> str:
    """Write answers, one at least and all of one model, as their JSON objects have them.

    The columns are the label and ``probabilities.<class>`` for each class; ``<label>.<level>`` for each quantile
    level; last, where any answer has warnings, ``warnings``: their JSON array, empty where there are none.
    Numbers, true and false are written as JSON writes them; null is an empty field. This is data for programs: a class
    that begins with ``=``, ``+``, ``-`` or ``@``, which a spreadsheet would take for a formula, is left as it is.
    A text may hold lone surrogates, which UTF-8 cannot encode.

    Raises:
        ValueError: there is no answer, or a number is not finite.
    """
    if not answers:
        raise ValueError("no answers: expected one at least")
    label = next(key for key in answers[0] if key not in RESERVED)
    levels = list(answers[0][label]) if isinstance(answers[0][label], Mapping) else []
    classes = list(answers[0].get("probabilities", ()))
    has_warnings = any(answer.get("warnings") for answer in answers)
    header = [f"{label}.{level}" for level in levels] or [label]
    header += [f"probabilities.{name}" for name in classes] + ["warnings"] * has_warnings
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    for answer in answers:
        value = answer[label]
        cells = [_cell(value[level]) for level in levels] or [_cell(value)]
        if classes:
            probabilities = answer["probabilities"]
            cells += [_cell(probabilities[name]) for name in classes]
        if has_warnings:
            warnings = answer.get("warnings")
            cells.append(_JSON.encode(warnings) if warnings else "")
        writer.writerow(cells)
    return text.getvalue()


def _cell(value: Scalar | None) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if type(value) is float and math.isfinite(value):
        return repr(value)  # as JSON's encoder has it, many times faster
    return _JSON.encode(value)


_JSON = json.JSONEncoder(allow_nan=False)
