"""Both of the standard library's unpicklers, in C and in Python, import nothing of any stream that is not listed."""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agbento.pickles.names import resolved
from tests.pickles.assembled import hostile, read
from tests.pickles.test_reader import OPCODES


class Anything:
    """What stands for all that is imported: it is made, called, filled and built in any way, and does nothing."""

    def __new__(cls, *args: Any, **named: Any) -> Anything:
        return super().__new__(cls)

    def __init__(self, *args: Any, **named: Any) -> None: ...

    def __call__(self, *args: Any, **named: Any) -> Anything:
        return self

    def __setstate__(self, state: Any) -> None: ...

    def __setitem__(self, key: Any, value: Any) -> None: ...

    def append(self, value: Any) -> None: ...

    extend = add = append


def recorded(kind: type[Any], data: bytes) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()

    class Recording(kind):
        def find_class(self, module: str, name: str) -> Any:
            found.add((module, name))
            return Anything

        def persistent_load(self, identity: Any) -> Any:
            return Anything()

    try:
        Recording(io.BytesIO(data)).load()
    except Exception:  # noqa: BLE001 - whatever an unpickler raises
        return found
    return found


GENUINE = [pickle.dumps({"a": [np.arange(3.0), (1, "x", b"y" * 300)], "b": {1, 2}}, protocol) for protocol in range(6)]
GENUINE += [hostile(protocol) for protocol in range(6)]
KINDS = [pickle.Unpickler, vars(pickle)["_Unpickler"]]


def check(data: bytes) -> None:
    reading = read(data)
    listed = {(use.module, use.name) for use in reading.uses}
    for kind in KINDS:
        for module, name in recorded(kind, data) - {("builtins", "getattr"), ("__builtin__", "getattr")}:
            assert {(module, name), resolved(module, name, 0)} & listed or reading.flaws


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # codecs' escapes
@settings(max_examples=300, deadline=None)
@given(st.sampled_from(GENUINE), st.data())
def test_mutated_pickles_import_what_is_listed(data: bytes, drawn: st.DataObject) -> None:
    for _ in range(drawn.draw(st.integers(1, 3))):
        at = drawn.draw(st.integers(0, len(data) - 1))
        data = data[:at] + drawn.draw(st.binary(max_size=3)) + data[at + drawn.draw(st.integers(0, 3)) :]
        data = data or b"N"
    check(data)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(OPCODES), max_size=40))
def test_any_opcodes_import_what_is_listed(opcodes: list[bytes]) -> None:
    check(b"".join(opcodes) + b".")


@pytest.mark.parametrize(
    "data", [rb"c\0os" + b"\nsystem\n.", rb"cnumpy\x2ecore" + b"\nload\n.", rb"(ios" + b"\n" + rb"s\x79stem" + b"\n."]
)
def test_escapes_in_a_line_are_part_of_the_name(data: bytes) -> None:
    check(data)
