from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agbento.formats.answer_csv import write_csv
from agbento.formats.csv_rows import parse

WARNING = {"row": 0, "column": "a", "reason": "null", "expected": "x, y", "received": '"é"', "taken_as": "\ud800"}


def lines(text: str) -> list[list[str]]:
    """The cells, by the csv module."""
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def test_regression() -> None:
    assert write_csv([{"cost": 1.5}, {"cost": None}, {"cost": 1e-07}]) == 'cost\r\n1.5\r\n""\r\n1e-07\r\n'


def test_classes() -> None:
    answers = [
        {"grade": "B", "probabilities": {"A": 0.1, "B,": 0.9}},
        {"grade": "=A1", "probabilities": {"A": None, "B,": 1.0}},
    ]
    text = 'grade,probabilities.A,"probabilities.B,"\r\nB,0.1,0.9\r\n=A1,,1.0\r\n'
    assert write_csv(answers) == text
    # The names, not their order, say which is which.
    answers[1] = {"probabilities": {"B,": 1.0, "A": None}, "grade": "=A1"}
    assert write_csv(answers) == text


@pytest.mark.parametrize(("label", "text"), [(True, "true"), (False, "false"), (3, "3"), (10**30, "1" + "0" * 30)])
def test_classes_that_are_no_texts(label: object, text: str) -> None:
    assert write_csv([{"y": label, "probabilities": {str(label): 1.0}}]).split("\r\n")[1] == f"{text},1.0"


def test_quantiles() -> None:
    answers: list[dict[str, Any]] = [{"days": {"0.1": 2.5, "0.9": 4.0}}, {"days": {"0.9": 1e22, "0.1": None}}]
    assert write_csv(answers) == "days.0.1,days.0.9\r\n2.5,4.0\r\n,1e+22\r\n"


def test_warnings_are_a_last_column_where_there_are_any() -> None:
    answers: list[dict[str, Any]] = [{"warnings": [WARNING], "cost": 1.5}, {"cost": 2.5}, {"cost": 0.5, "warnings": []}]
    table = lines(write_csv(answers))
    assert table[0] == ["cost", "warnings"]
    assert json.loads(table[1][1]) == [WARNING]
    assert table[1][1].isascii()
    assert table[2:] == [["2.5", ""], ["0.5", ""]]
    assert write_csv(answers[1:]) == "cost\r\n2.5\r\n0.5\r\n"
    assert lines(write_csv([{"cost": 1.5}, {"cost": 1.5, "warnings": [WARNING]}]))[0] == ["cost", "warnings"]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_not_written(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_csv([{"cost": number}])


def test_no_answers_have_no_columns() -> None:
    with pytest.raises(ValueError, match="one at least"):
        write_csv([])


def test_lone_surrogates_are_kept() -> None:
    assert write_csv([{"\ud800": "\udfff"}]) == "\ud800\r\n\udfff\r\n"


NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
LABELS = st.text().filter(lambda name: name not in ("probabilities", "warnings"))


@given(LABELS, st.lists(NUMBERS | st.booleans() | st.none(), min_size=1))
def test_a_number_is_the_text_that_json_has(label: str, values: list[Any]) -> None:
    table = lines(write_csv([{label: value} for value in values]))
    assert table == [[label]] + [["" if value is None else json.dumps(value)] for value in values]


@given(st.text(min_size=1), st.lists(st.text(), min_size=1), st.lists(st.text(), min_size=1, unique=True))
def test_texts_come_back(label: str, values: list[str], classes: list[str]) -> None:
    label = f"label {label}"
    table = lines(write_csv([{label: value, "probabilities": dict.fromkeys(classes, 0.5)} for value in values]))
    assert table[0] == [label, *(f"probabilities.{name}" for name in classes)]
    assert table[1:] == [[value] + ["0.5"] * len(classes) for value in values]


@given(st.lists(NUMBERS | st.none(), min_size=1, max_size=20))
def test_an_answer_is_a_body_that_can_be_read(values: list[Any]) -> None:
    rows = parse(write_csv([{"cost": value} for value in values]).encode(), 20, 1 << 20, ["cost"])
    assert [row["cost"] for row in rows] == ["" if value is None else json.dumps(value) for value in values]
