from __future__ import annotations

import pytest

from agbento.errors import MalformedBody
from agbento.formats.headings import check_names


@pytest.mark.parametrize("names", [["a"], ["x", "b"], ["", "a", ""], ["a", "A", "a "]])
def test_names_with_one_of_the_models(names: list[str]) -> None:
    check_names(names, {"a", "b"}, "line 1")


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["x"], "line 1 names none of the model's columns, expected such as 'a', 'b'; mend it"),
        (["A", " a", "a ", ""], "none"),
        (["a", "b", "a", "x", "x"], "line 1 has columns of the same name, expected each once: 'a', 'x'"),
    ],
)
def test_names_that_are_refused(names: list[str], told: str) -> None:
    with pytest.raises(MalformedBody) as raised:
        check_names(names, ["a", "b"], "line 1", "; mend it")
    assert told in raised.value.detail


def test_columns_without_a_name_are_one_too_many_where_the_model_has_one() -> None:
    check_names([""], [""], "line 1")
    with pytest.raises(MalformedBody, match="same name"):
        check_names(["", ""], [""], "line 1")


def test_long_and_many_names_make_a_short_message() -> None:
    with pytest.raises(MalformedBody) as raised:
        check_names(["x"], [f"{i}\n\ud800" + "y" * 10_000 for i in range(100)], "line 1")
    assert raised.value.detail.endswith("and 95 more")
    assert raised.value.detail.isprintable()
    assert len(raised.value.detail) < 500
