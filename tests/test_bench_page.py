"""What the benchmark makes of its figures: targets, page and picture."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import page, plot, results
from benchmarks.results import Call, Calls, Cell, Http, Many, Memory, Results, Start, Watching
from benchmarks.servers import ECHO, FLASK, LITSERVE, SERVICE
from benchmarks.targets import Target, targets
from tests.running import ROOT

positive = st.floats(0.001, 1e6)


def cell(model: str, server: str, connections: int, rate: float) -> Cell:
    return Cell(model, server, server.upper(), connections, int(rate), 1.0, rate, 1.0, 2.5, 0, 0.25)


def some_results(rates: Iterator[float] | None = None) -> Results:
    rates = rates or itertools.cycle((100.0, 90.0, 80.0, 7.0))
    calls = [
        Call(model, compiled, rows, 10, next(rates), 9.0)
        for model in ("medium", "stack")
        for rows in (1, 1000)
        for compiled in (True, False)
    ]
    rivals = {"medium": (FLASK, ECHO), "stack": (FLASK,), "mixed": (LITSERVE,)}
    cells = [
        cell(model, server, n, next(rates))
        for model, others in rivals.items()
        for n in (1, 32)
        for server in (SERVICE, *others)
    ]
    return Results(
        Calls(tuple(calls), {"medium": True, "stack": True}),
        Http(tuple(cells), "wrk", {"medium": True, "stack": True, "mixed": False}),
        Memory((200 * 2**20, 201 * 2**20), (190 * 2**20, 191 * 2**20), 140 * 2**20, 3000, ()),
        Start((0.1, 0.2, 0.3), (1.0, 2.0, 3.0)),
        Many(1.0, 0.01, 20.0, 30.0, 5),
        Watching(105.0, 100.0, 0.21, 0.2, 5),
        {"calls": "2026-01-01 00:00 UTC"},
    )


@given(st.data())
def test_a_target_is_the_ratio_of_the_two_figures_and_told_honestly(data: st.DataObject) -> None:
    found = some_results(iter(lambda: data.draw(positive), None))
    assert found.calls
    assert found.http
    service, flask = (found.http.cell("stack", key, 32) for key in (SERVICE, FLASK))
    assert service
    assert flask
    by_title = {target.title: target for target in targets(found)}
    stack = next(t for title, t in by_title.items() if "stack, 32 connections" in title)
    assert stack.value == service.rate / flask.rate
    assert stack.reached == (service.rate >= stack.limit * flask.rate) or stack.value == pytest.approx(stack.limit)
    row = next(t for title, t in by_title.items() if "one row in process, medium" in title)
    assert row.value == found.calls.p50("medium", 1, False) / found.calls.p50("medium", 1, True)


@given(positive, positive)
def test_at_most_is_the_opposite_of_at_least(value: float, limit: float) -> None:
    least, most = (Target("", value, limit, at_most=at_most) for at_most in (False, True))
    assert least.reached or most.reached
    assert (least.reached and most.reached) == (value == limit)


def test_what_was_not_measured_is_not_reached() -> None:
    found = some_results()
    assert found.http
    without = Http(tuple(c for c in found.http.cells if c.server != FLASK), "wrk", {})
    lost = [target for target in targets(Results(http=without)) if "original" in target.title]
    assert len(lost) == 2
    for target in lost:
        assert not target.reached
        assert target.cells()[1] == "not measured"


def test_every_target_and_every_figure_is_on_the_page() -> None:
    found = some_results()
    text = page.page(found, "picture.svg")
    tables = [line for line in text.splitlines() if line.startswith("| ")]
    assert found.calls
    assert found.http
    assert all(any(target.title in line for line in tables) for target in targets(found))
    assert "](picture.svg)" in text
    assert len(page.http_table(found.http).splitlines()) == 2 + len(found.http.cells)
    assert "mixed with AutoGluon's own predictor, not compiled" in text
    columns = {line.count("|") for line in page.http_table(found.http).splitlines()}
    assert len(columns) == 1


def test_the_page_of_a_part_is_without_the_others() -> None:
    text = page.page(Results(start=Start((0.1,), (1.0,))), "picture.svg")
    assert "## Start" in text
    assert "## Memory" not in text


def test_results_are_read_as_they_were_kept(tmp_path: Path) -> None:
    found = some_results()
    for part in results.TYPES:
        results.save(part, getattr(found, part), tmp_path)
    again = results.load(tmp_path)
    assert set(again.taken) == set(results.TYPES)
    assert all(getattr(again, part) == getattr(found, part) for part in results.TYPES)
    assert results.load(tmp_path / "nothing") == Results()


def test_the_picture_is_small_and_the_same_for_the_same_results(tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        plot.draw(some_results(), tmp_path / name)
    first, second = ((tmp_path / name).read_text("utf-8") for name in ("one.svg", "two.svg"))
    assert first == second
    assert len(first) < 60_000
    words = set(re.findall(r">([^<>]+)</text>", first))
    assert {"LITSERVE", "medium, compiled"} <= words


def test_the_page_in_docs_is_one_that_this_writes() -> None:
    """Its heads and targets are those of today; the figures are of the machine that measured."""
    text = (ROOT / "docs" / "benchmark.md").read_text("utf-8")
    for target in targets(some_results()):
        assert target.title in text
    assert (ROOT / "docs" / "benchmark.svg").exists()
