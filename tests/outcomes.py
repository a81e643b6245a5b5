"""What a reader of values makes of one: for the tests of all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from agbento.values.reasons import Off, Reason

# Python's json reads 1e400 as an infinity.
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
ANY_JSON = st.recursive(
    SCALARS | st.integers(-(10**320), 10**320) | st.text("0123456789+-.eE:TZ/ ", max_size=20),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
NESTED: tuple[Any, ...] = ([], {}, [1], {"a": [None]})


def outcome(read: Callable[[Any], Any], value: Any) -> tuple[Reason | None, Any]:
    """Give why a value is off (None: it is not), and what is held."""
    try:
        return None, read(value)
    except Off as off:
        return off.reason, off.held


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are equal and of one type; not a number is the same as itself."""
    return type(one) is type(other) and bool(one == other or (one != one and other != other))
