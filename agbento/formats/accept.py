"""The form of the answer that a caller asks for: the Accept header of RFC 9110, section 12.5.1."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from agbento.errors import NotAcceptable

AnswerType = Literal["application/json", "text/csv"]
JSON: AnswerType = "application/json"
CSV: AnswerType = "text/csv"

# What an answer is, with the parameters that a range may name; the first of equals is preferred.
_FORMS: dict[AnswerType, frozenset[tuple[str, str]]] = {
    JSON: frozenset({("charset", "utf-8")}),
    CSV: frozenset({("charset", "utf-8"), ("header", "present")}),
}
_QUOTED = r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)'  # one that is never closed goes on to the end
_ELEMENTS = re.compile(rf'(?:[^,"]|{_QUOTED})+', re.DOTALL)
_PARTS = re.compile(rf'(?:[^;"]|{_QUOTED})+', re.DOTALL)
_WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_TYPE = re.compile(rf"{_WORD}/{_WORD}")
_PARAMETER = re.compile(rf'({_WORD})=(?:({_WORD})|"((?:[^"\\]|\\.)*)")', re.DOTALL)
# ".2" is no weight, but the default header of old Java clients has it.
_WEIGHT = re.compile(r"0?\.\d{1,3}|0\.?|1(\.0{0,3})?", re.ASCII)


class _Range(NamedTuple):
    type: str
    parameters: frozenset[tuple[str, str]]
    weight: float


def preferred(accept: str | None) -> AnswerType:
    """Give the media type that an Accept header prefers, of JSON and CSV: JSON where it does not care.

    ``accept`` is the header's value, several headers joined by ", ". The most specific range that fits a type has
    the say over it. A range that cannot be read is as if it were not there.

    Raises:
        NotAcceptable: the header can be read and wants neither.
    """
    ranges = [found for element in _ELEMENTS.findall(accept or "") if (found := _range(element))]
    if not ranges:
        return JSON
    weights = {form: _weight(form, ranges) for form in _FORMS}
    best = max(weights, key=lambda form: weights[form])
    if not weights[best]:
        raise NotAcceptable(f"the answer is wanted as {(accept or '')[:200]!r}, expected {' or '.join(_FORMS)}")
    return best


def _weight(form: AnswerType, ranges: list[_Range]) -> float:
    specificity = {"*/*": 0, f"{form.split('/')[0]}/*": 1, form: 2}
    fitting = [
        (specificity[found.type], bool(found.parameters), found.weight)
        for found in ranges
        if found.type in specificity and found.parameters <= _FORMS[form]
    ]
    return max(fitting)[2] if fitting else 0.0


def _range(text: str) -> _Range | None:
    if text.lstrip(" \t")[:1] in ("", ";"):
        return None
    media_type, *parts = (part.strip(" \t") for part in _PARTS.findall(text))
    media_type = "*/*" if media_type == "*" else media_type.lower()
    if not _TYPE.fullmatch(media_type) or (media_type.startswith("*/") and media_type != "*/*"):
        return None
    parameters: set[tuple[str, str]] = set()
    for part in filter(None, parts):
        if not (found := _PARAMETER.fullmatch(part)):
            return None
        name, value = found[1].lower(), found[2] or found[3] or ""
        if name == "q":  # what follows it are extensions of RFC 7231, which nobody defined
            return _Range(media_type, frozenset(parameters), float(value)) if _WEIGHT.fullmatch(value) else None
        parameters.add((name, re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL).lower()))
    return _Range(media_type, frozenset(parameters), 1.0)
