"""What must be reached, and whether it was: ratios of figures of one run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.results import Calls, Http, Many, Memory, Results, Start, Watching
from benchmarks.servers import ECHO, FLASK, LITSERVE, SERVICE

BUSY = 32  # connections


@dataclass(frozen=True)
class Target:
    """A ratio, and what it must be at least, or at most."""

    title: str
    value: float
    limit: float
    aim: float | None = None
    at_most: bool = False
    unit: str = " x"

    @property
    def reached(self) -> bool:
        """Whether the limit is kept; not where nothing was measured."""
        return self.value <= self.limit if self.at_most else self.value >= self.limit

    def cells(self) -> tuple[str, str, str, str]:
        """Give the table's cells: title, value, limit, whether it is kept."""
        value = "not measured" if math.isnan(self.value) else self._show(self.value)
        aim = f" (aim {self._show(self.aim)})" if self.aim is not None else ""
        verdict = "yes" if self.reached else "no"
        return self.title, value, f"{'≤' if self.at_most else '≥'} {self._show(self.limit)}{aim}", verdict

    def _show(self, number: float) -> str:
        if self.unit == "%":
            return f"{100 * number:.1f}%"
        return f"{number:,.0f}{self.unit}" if number >= 1000 else f"{number:.3g}{self.unit}"


def targets(found: Results) -> list[Target]:
    """Give all targets, with what was measured."""
    made: list[Target] = []
    made += _calls(found.calls) if found.calls else ()
    made += _http(found.http) if found.http else ()
    made += _memory(found.memory) if found.memory else ()
    made += _start(found.start) if found.start else ()
    made += _many(found.many) if found.many else ()
    made += _watching(found.watching) if found.watching else ()
    return made


def _calls(calls: Calls) -> Iterator[Target]:
    for rows, model, limit, aim in (
        *((1, "medium", 100, 200), (1, "stack", 300, 800)),
        *((1000, "medium", 2, None), (1000, "stack", 5, None)),
    ):
        ratio = _ratio(calls.p50(model, rows, False), calls.p50(model, rows, True))
        what = "one row" if rows == 1 else f"{rows:,} rows"
        yield Target(f"{what} in process, {model}: faster than `predict`, persisted", ratio, limit, aim)


def _http(http: Http) -> Iterator[Target]:
    for model, limit, aim in (("medium", 40, 70), ("stack", 1000, 2000)):
        ratio = _ratio(_rate(http, model, SERVICE), _rate(http, model, FLASK))
        yield Target(f"`/predict`, {model}, {BUSY} connections: requests/s of the original's design", ratio, limit, aim)
    ratio = _ratio(_rate(http, "medium", SERVICE), _rate(http, "medium", ECHO))
    yield Target(f"`/predict`, medium, {BUSY} connections: requests/s of a bare uvicorn echo", ratio, 0.20, 0.35)
    alone = http.cell("medium", SERVICE, 1)
    spread = _ratio(alone.p99, alone.p50) if alone else math.nan
    yield Target("`/predict`, medium, 1 connection: p99 ÷ p50", spread, 3, at_most=True, unit="")
    ratio = _ratio(_rate(http, "mixed", SERVICE), _rate(http, "mixed", LITSERVE))
    yield Target(f"`/predict`, one model not native, {BUSY} connections: requests/s of LitServe", ratio, 1.0)


def _memory(memory: Memory) -> Iterator[Target]:
    share = _ratio(memory.second, memory.arrays)
    yield Target("memory that a second worker adds, stack: share of the arrays", share, 0.10, at_most=True, unit="%")


def _start(start: Start) -> Iterator[Target]:
    ratio = _ratio(_median(start.stock), _median(start.compiled))
    yield Target("artefact to first answer, stack: faster than load and `persist()`", ratio, 5)


def _many(many: Many) -> Iterator[Target]:
    share = _ratio(many.validation, many.one - many.validation)
    yield Target("validation of one row: share of the rest of its request", share, 0.15, at_most=True, unit="%")
    ratio = _ratio(many.many, many.stock)
    yield Target("1,000 rows of JSON in one request: times a `predict` of them", ratio, 2, at_most=True)


def _watching(watching: Watching) -> Iterator[Target]:
    share = _ratio(watching.cpu - watching.cpu_unwatched, watching.cpu_unwatched)
    yield Target("all counting beyond BentoML's, of one row: share of the rest", share, 0.10, at_most=True, unit="%")


def _rate(http: Http, model: str, server: str) -> float:
    cell = http.cell(model, server, BUSY)
    return cell.rate if cell else math.nan


def _ratio(a: float, b: float) -> float:
    return a / b if b else math.nan


def _median(values: tuple[float, ...]) -> float:
    return sorted(values)[len(values) // 2]
