"""JSON bodies (RFC 8259) → rows."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import Any, NoReturn

from agbento.errors import BodyTooLarge, MalformedBody
from agbento.text import shown

MEDIA_TYPE = "application/json"


def parse(body: bytes, max_rows: int) -> tuple[list[Any], bool]:
    """Give the rows of a JSON text, and whether it is an array of them (else: one object).

    The elements of an array are given as they are: whether each is an object is the row reader's question.

    Raises:
        MalformedBody: no JSON in UTF-8, an object that has a name twice, neither an object nor an array, or no rows.
        BodyTooLarge: more than ``max_rows`` rows.
    """
    value = _value(body)
    if isinstance(value, dict):
        return [value], False
    if not isinstance(value, list):
        raise MalformedBody(f"the body is a JSON {_kind(value)}, expected an object (one row) or an array of objects")
    if not value:
        raise MalformedBody("the body is an empty array, expected at least one row")
    if len(value) > max_rows:
        raise BodyTooLarge(f"the body has {len(value)} rows, expected at most {max_rows}")
    return value, True


def _value(body: bytes) -> Any:
    try:
        text = body.decode("utf-8")
        if not text or text.isspace():
            raise MalformedBody("the body is empty, expected a JSON object or array")
        if text.startswith("\ufeff"):
            raise MalformedBody("the body is not JSON: it begins with a BOM (byte order mark), expected none")
        return _decoded(text)
    except UnicodeDecodeError as error:
        raise MalformedBody(f"the body is not UTF-8: {error.reason} at byte {error.start}") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise MalformedBody(f"the body is not JSON: {error.msg} at {where}") from None
    except RecursionError:
        raise MalformedBody("the body is nested too deeply") from None


def _decoded(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError:
        raise
    except ValueError:  # a whole number of more digits than Python converts
        return _CUTTING_DECODER.decode(text)


def _cut_whole_number(digits: str) -> int:
    # What is left of it is out of any column's range, as all of it would be: the row reader says where it stands.
    return int(digits[: sys.get_int_max_str_digits()])


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Python keeps the last of two values and says nothing; the first may be the one that was meant.
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    name = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
    raise MalformedBody(f"the body has an object with '{shown(name, 60)}' twice, expected each name once")


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedBody(f"the body is not JSON: {name} is no JSON number; send null where there is no value")


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    return {str: "string", bool: "boolean"}.get(type(value), "number")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant)
_CUTTING_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_refuse_constant, parse_int=_cut_whole_number
)
