"""Requests that come at the same time: answered together, each as if it were alone."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from agbento.answering import Answering
from agbento.errors import InvalidRows, RequestTimedOut
from agbento.metrics import ServiceMetrics
from agbento.predictor import Predictions
from agbento.rows import Batch
from agbento.schema import Feature, Schema
from agbento.values.policy import Policy
from agbento.watching.trace import Trace
from agbento.watching.watch import Watch

SCHEMA = Schema(
    "y", "regression", (Feature("a", "int", "int64"), Feature("b", "float", "float64"), Feature("c", "text", "object"))
)
SECONDS = 20.0
BATCH_ROWS = 16
BAD = -1  # a value of "a" that the model cannot stand


class Formula:
    """A predictor that is a formula of a row; it answers when its gate is open, and cannot stand ``BAD``."""

    def __init__(self, fast_rows: int = 0) -> None:
        self.fast_rows = fast_rows
        self.calls: list[list[int]] = []
        self.threads: set[threading.Thread] = set()
        self.gate = threading.Event()

    def warm(self, one: Batch, some: Batch) -> None:
        pass

    def predict(self, batch: Batch) -> Predictions:
        frame = batch.frame()
        self.calls.append(frame["a"].tolist())
        self.threads.add(threading.current_thread())
        assert self.gate.wait(SECONDS)
        if (frame["a"] == BAD).any():
            raise ArithmeticError(BAD)
        return Predictions((frame["a"] * 2 + frame["b"] + frame["c"].str.len()).to_numpy(np.float64))


def row(a: int) -> dict[str, Any]:
    return {"a": a, "b": a / 4, "c": "x" * (a % 7)}


def rows(first: int, count: int) -> list[dict[str, Any]]:
    return [row(a) for a in range(first, first + count)]


def expected(sent: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"y": 2 * one["a"] + one["b"] + len(one["c"])} for one in sent]


class Asked:
    """A model that answers, and what was asked of it."""

    def __init__(self, fast_rows: int = 0, is_open: bool = False) -> None:
        self.model = Formula(fast_rows)
        if is_open:
            self.model.gate.set()
        self.registry = CollectorRegistry()
        policy = Policy.default(SCHEMA)
        watch = Watch(ServiceMetrics(self.registry), SCHEMA, policy)
        self.answering = Answering(SCHEMA, policy, self.model, watch, None, SECONDS, BATCH_ROWS)

    def counted(self, name: str, **labels: str) -> float | None:
        self.answering.watch.flush()
        return self.registry.get_sample_value(name, labels)

    async def busy(self) -> asyncio.Task[Any]:
        """Let the model have something to do until its gate opens."""
        task = asyncio.ensure_future(self.answering.answer([row(0)]))
        await until(lambda: self.model.calls == [[0]])
        return task


@contextmanager
def asked(fast_rows: int = 0, is_open: bool = False) -> Iterator[Asked]:
    made = Asked(fast_rows, is_open)
    try:
        yield made
    finally:
        made.model.gate.set()
        made.answering.close()


async def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.001)


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.integers(1, 2 * BATCH_ROWS), min_size=1, max_size=20),
    st.sets(st.integers(0, 19), max_size=3),
    st.sets(st.integers(0, 19), max_size=3),
)
def test_each_is_answered_as_if_it_were_alone(sizes: list[int], failing: set[int], invalid: set[int]) -> None:
    sent = [rows(100 * i, size) for i, size in enumerate(sizes, 1)]
    for i in failing & set(range(len(sent))):
        sent[i][-1] = {**row(BAD), "b": 0.5}
    for i in (invalid - failing) & set(range(len(sent))):
        sent[i][0] = row(3) | {"b": "no number"}

    async def ask() -> list[Any]:
        first = await made.busy()
        tasks = [asyncio.ensure_future(made.answering.answer(one)) for one in sent]
        await asyncio.sleep(0)
        made.model.gate.set()
        await first
        return await asyncio.gather(*tasks, return_exceptions=True)

    with asked() as made:
        found = asyncio.run(ask())
    for i, answers in enumerate(found):
        if i in failing:
            assert isinstance(answers, ArithmeticError)
        elif i in invalid:
            assert isinstance(answers, InvalidRows)
            assert [(fault.row, fault.column) for fault in answers.faults] == [(0, "b")]
        else:
            assert answers == expected(sent[i])
    assert all(len(call) <= BATCH_ROWS or len(call) in sizes for call in made.model.calls)


def test_those_that_wait_are_one_call_of_the_model() -> None:
    async def ask() -> None:
        first = await made.busy()
        tasks = [asyncio.ensure_future(made.answering.answer([row(a)])) for a in range(1, BATCH_ROWS + 5)]
        await asyncio.sleep(0)
        made.model.gate.set()
        await first
        assert await asyncio.gather(*tasks) == [expected([row(a)]) for a in range(1, BATCH_ROWS + 5)]

    with asked() as made:
        asyncio.run(ask())
        assert made.model.calls == [
            [0],
            list(range(1, BATCH_ROWS + 1)),
            list(range(BATCH_ROWS + 1, BATCH_ROWS + 5)),
        ]
        assert made.counted("agbento_inference_duration_seconds_count") == 3


def test_what_is_told_of_a_row_goes_to_its_own_request() -> None:
    async def ask() -> list[Any]:
        first = await made.busy()
        sent = [[row(1)], [row(2), row(3) | {"a": None}], [row(4) | {"a": None}]]
        tasks = [asyncio.ensure_future(made.answering.answer(one)) for one in sent]
        await asyncio.sleep(0)
        made.model.gate.set()
        await first
        return await asyncio.gather(*tasks)

    with asked() as made:
        found = asyncio.run(ask())
        assert made.counted("agbento_values_off_total", feature="a", reason="null", action="warn") == 2
    told = [[[(w["row"], w["column"]) for w in answer.get("warnings", ())] for answer in one] for one in found]
    assert told == [[[]], [[], [(1, "a")]], [[(0, "a")]]]


def test_the_one_at_fault_has_its_error_and_the_others_have_their_answers() -> None:
    async def ask() -> list[Any]:
        first = await made.busy()
        tasks = [asyncio.ensure_future(made.answering.answer([row(a)])) for a in (1, BAD, 2, BAD, 3)]
        await asyncio.sleep(0)
        made.model.gate.set()
        await first
        return await asyncio.gather(*tasks, return_exceptions=True)

    with asked() as made:
        found = asyncio.run(ask())
    assert [found[i] for i in (0, 2, 4)] == [expected([row(a)]) for a in (1, 2, 3)]
    assert all(isinstance(found[i], ArithmeticError) for i in (1, 3))
    assert made.model.calls == [[0], [1, BAD, 2, BAD, 3], [1], [BAD], [2], [BAD], [3]]


def test_time_is_over_for_those_who_have_none_left() -> None:
    async def ask() -> list[Any]:
        first = await made.busy()
        late = asyncio.ensure_future(made.answering.answer([row(1)], 0.01))
        left = asyncio.ensure_future(made.answering.answer([row(2)]))
        stays = asyncio.ensure_future(made.answering.answer([row(3)]))
        with pytest.raises(RequestTimedOut, match=f"within {SECONDS:g} s"):
            await late
        left.cancel()
        await asyncio.sleep(0)
        made.model.gate.set()
        await first
        return await stays

    with asked() as made:
        assert asyncio.run(ask()) == expected([row(3)])
    assert made.model.calls == [[0], [3]]


def test_few_rows_of_a_fast_model_are_answered_in_the_loop_while_its_thread_works() -> None:
    with asked(fast_rows=2, is_open=True) as made:
        assert made.answering.at_once(rows(1, 2), Trace()) == expected(rows(1, 2))
        assert made.answering.at_once(rows(1, 3), Trace()) is None
        assert made.model.threads == {threading.current_thread()}
        assert asyncio.run(made.answering.answer(rows(1, 3))) == expected(rows(1, 3))
        assert len(made.model.threads) == 2
        with pytest.raises(InvalidRows):
            made.answering.at_once([{}], Trace())
        with pytest.raises(ArithmeticError):
            made.answering.at_once([row(BAD)], Trace())
    with asked() as made:
        assert made.answering.at_once([row(1)], Trace()) is None


def test_at_once_and_by_the_thread_are_the_same() -> None:
    with asked(fast_rows=1, is_open=True) as fast, asked(is_open=True) as slow:
        requests: list[list[Any]] = [
            [row(5)],
            [row(5) | {"a": None, "more": 1}],
            [row(5) | {"a": "x", "c": 1}],
            [{}],
            [1],
        ]
        for sent in requests:
            at_once = outcome(partial(fast.answering.at_once, sent, Trace()))
            assert at_once == outcome(partial(asyncio.run, slow.answering.answer(sent)))
        assert [sample for metric in fast.registry.collect() for sample in counts(metric)] == [
            sample for metric in slow.registry.collect() for sample in counts(metric)
        ]


def counts(metric: Any) -> list[Any]:
    return [(s.name, s.labels, s.value) for s in metric.samples if s.name.endswith(("_total", "_count"))]


def outcome(answer: Callable[[], Any]) -> Any:
    try:
        return answer()
    except InvalidRows as error:
        return error.faults


def test_nobody_is_lost_where_the_service_ends() -> None:
    async def ask() -> list[Any]:
        tasks = [await made.busy()]
        tasks += [asyncio.ensure_future(made.answering.answer(rows(10 * a, a))) for a in range(1, 40)]
        await asyncio.sleep(0)
        made.answering.close()
        made.model.gate.set()
        return await asyncio.gather(*tasks)

    with asked() as made:
        found = asyncio.run(ask())
    assert found == [expected([row(0)]), *(expected(rows(10 * a, a)) for a in range(1, 40))]


def test_64_threads_and_as_many_tasks() -> None:
    async def ask(first: int) -> None:
        tasks = [made.answering.answer(rows(first + i, 1 + i % 5)) for i in range(64)]
        assert await asyncio.gather(*tasks) == [expected(rows(first + i, 1 + i % 5)) for i in range(64)]

    def one(first: int) -> None:
        assert made.answering.at_once([row(first)], Trace()) == expected([row(first)])
        asyncio.run(ask(first))

    with asked(fast_rows=1, is_open=True) as made, ThreadPoolExecutor(64) as threads:
        list(threads.map(one, range(0, 64_000, 1000)))
