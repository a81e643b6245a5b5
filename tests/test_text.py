from __future__ import annotations

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agbento.text import lacks_columns, one_line, os_fault, shown, size_text


@given(st.text())
def test_whatever_comes_is_one_bounded_printable_line(text: str) -> None:
    for line, limit in ((one_line(text), 400), (shown(text), 200)):
        assert line.isprintable()
        assert len(line) <= limit


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_300, "1.3 kB"), (2_500_000_000, "2.5 GB"), (10**16, "10000.0 TB")],
)
def test_size_text(size: int, text: str) -> None:
    assert size_text(size) == text


def test_of_many_columns_the_first_are_named() -> None:
    assert lacks_columns(["a b", "c"]) == "lacks columns of the predictor: 'a b', 'c'"
    assert lacks_columns(list("abcdefghijkl")).endswith("'i', 'j' and 2 more")


def test_os_fault() -> None:
    assert os_fault(OSError(errno.ENOSPC, "No space left on device", "x")) == "No space left on device"
    assert os_fault(OSError("odd")) == "OSError"
