"""Whole numbers beyond 2**53: float32 by way of float64 is float32 at once."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agbento.compiler.native.rounding import double_of, doubles_of

# Near the midpoints of two float32, where rounding twice goes wrong.
NEAR = st.tuples(
    st.integers(2**23, 2**24 - 1), st.integers(30, 39), st.integers(-300, 300), st.sampled_from([1, -1])
).map(lambda drawn: drawn[3] * min((2 * drawn[0] + 1) * 2 ** (drawn[1] - 1) + drawn[2], 2**63 - 1))
INTS = NEAR | st.integers(-(2**63), 2**63 - 1)


@given(st.lists(INTS, min_size=1))
def test_float32_is_as_if_rounded_once(numbers: list[int]) -> None:
    given_ints = np.array(numbers, np.int64)
    expected = given_ints.astype(np.float32)
    found = doubles_of(given_ints)
    assert found.astype(np.float32).tobytes() == expected.tobytes()
    assert [double_of(number) for number in numbers] == found.tolist()
    assert np.all(np.abs(found - given_ints.astype(np.float64)) <= np.spacing(np.abs(found)))
