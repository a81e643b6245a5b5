"""What the standard library's unpickler imports of pickles that do no harm is among what is read."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import fractions
import io
import pickle
import pickletools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pickles.assembled import read


@dataclass
class Plain:
    value: Any


class Slotted:
    __slots__ = ("other", "value")

    def __init__(self, value: Any) -> None:
        self.value = value


class Stateful:
    def __init__(self, value: Any) -> None:
        self.value = value

    def __getstate__(self) -> tuple[Any]:
        return (self.value,)

    def __setstate__(self, state: tuple[Any]) -> None:
        (self.value,) = state


class Colour(enum.Enum):
    RED = 1


class Outer:
    class Inner:
        def __init__(self, value: Any = None) -> None:
            self.value = value

        def method(self) -> None: ...


class Keyed:
    def __new__(cls, *, value: Any = None) -> Keyed:
        return super().__new__(cls)

    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, Any]]:
        return (), {"value": 1}


class Recording(pickle._Unpickler):
    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.found: set[tuple[str, str]] = set()

    def find_class(self, module: str, name: str) -> Any:
        import _compat_pickle

        found = super().find_class(module, name)
        if vars(self)["proto"] < 3:
            module, name = _compat_pickle.NAME_MAPPING.get(
                (module, name), (_compat_pickle.IMPORT_MAPPING.get(module, module), name)
            )
        if found is not getattr:
            self.found.add((module, name))
        return found


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.decimals(allow_nan=False),
    st.fractions(),
    st.dates(),
    st.datetimes(),
    st.timedeltas(),
    st.complex_numbers(),
    st.sampled_from([Colour.RED, Plain, len, dict, collections.OrderedDict, fractions.Fraction, decimal.Decimal]),
    st.sampled_from([datetime.timezone.utc, range(3), slice(1, 2), Path("a"), Ellipsis, NotImplemented, type(None)]),
    st.binary().map(bytearray),
)
HASHABLE = st.one_of(st.text(), st.integers(), st.dates())
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.sets(HASHABLE),
        st.frozensets(HASHABLE),
        st.dictionaries(HASHABLE, inner),
        st.dictionaries(HASHABLE, inner).map(collections.OrderedDict),
        st.dictionaries(HASHABLE, inner).map(lambda items: collections.defaultdict(list, items)),
        st.lists(inner).map(collections.deque),
        inner.map(Plain),
        inner.map(Slotted),
        inner.map(Stateful),
        inner.map(lambda value: [value, value]),
    ),
    max_leaves=12,
)


def check(data: bytes) -> None:
    unpickler = Recording(io.BytesIO(data))
    unpickler.load()
    reading = read(data)
    assert reading.flaws == ()
    assert reading.pickles >= 1
    assert unpickler.found <= {(use.module, use.name) for use in reading.uses}


@settings(max_examples=80, deadline=None)
@given(VALUES, st.sampled_from([0, 1, 2, 3, 4, 5]))
def test_every_import_is_listed(value: Any, protocol: int) -> None:
    try:
        data = pickle.dumps(value, protocol)
    except pickle.PicklingError:
        return
    except TypeError:  # slots, before protocol 2
        return
    check(data)
    check(pickletools.optimize(data))


def test_arguments_by_name_are_a_call_of_a_partial_before_protocol_4() -> None:
    for protocol in (2, 3):
        assert [flaw.what[:20] for flaw in read(pickle.dumps(Keyed(), protocol)).flaws] == ["calls what is no nam"]
    for protocol in (4, 5):
        check(pickle.dumps(Keyed(), protocol))


def test_nested_names_and_bound_methods_are_listed() -> None:
    for protocol in range(6):
        if protocol >= 4:
            check(pickle.dumps([Outer.Inner, Outer.Inner(1)], protocol))
            check(pickle.dumps(Outer.Inner(1).method, protocol))
        check(pickle.dumps([list.append, [1].append], protocol))
    reading = read(pickle.dumps([list.append, Outer.Inner], 3))
    assert (__name__, "Outer.Inner", "refer") in {(use.module, use.name, use.way) for use in reading.uses}
