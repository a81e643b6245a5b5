"""Calls wait for one thread and are answered together: each by its own answer, none lost, none twice."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agbento.batching import Batcher
from agbento.errors import Overloaded

MOST = 8
SECONDS = 20.0
Item = tuple[int, int]  # which one, and its size


class Squares:
    """Work that notes each batch, and begins none before its gate is open."""

    def __init__(self) -> None:
        self.batches: list[list[Item]] = []
        self.gate = threading.Event()
        self.begun = threading.Event()

    def __call__(self, items: Sequence[Item]) -> list[int | Exception]:
        self.batches.append(list(items))
        self.begun.set()
        assert self.gate.wait(SECONDS)
        if any(number == 1313 for number, _ in items):
            raise ArithmeticError(f"{len(items)} items")
        if any(number == 1414 for number, _ in items):
            raise StopIteration
        return [ValueError(number) if number < 0 else number**2 for number, _ in items]

    @property
    def worked_on(self) -> list[int]:
        return [number for batch in self.batches for number, _ in batch]


@contextmanager
def squaring(is_open: bool = False) -> Iterator[tuple[Squares, Batcher[Item, int]]]:
    work = Squares()
    if is_open:
        work.gate.set()
    batcher: Batcher[Item, int] = Batcher(work, MOST)
    try:
        yield work, batcher
    finally:
        work.gate.set()
        batcher.close()


async def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.001)


async def asked(batcher: Batcher[Item, int], number: int, size: int = 1) -> asyncio.Task[int]:
    """A task whose call waits, or is worked on."""
    task = asyncio.ensure_future(batcher.answer((number, size), size, SECONDS))
    await asyncio.sleep(0)
    return task


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 2 * MOST), min_size=1, max_size=40))
def test_each_gets_its_own_answer_whatever_waits_beside_it(sizes: list[int]) -> None:
    async def ask() -> list[int]:
        tasks = [await asked(batcher, 100, 1)]
        await until(work.begun.is_set)
        tasks += [await asked(batcher, number, size) for number, size in enumerate(sizes)]
        work.gate.set()
        return await asyncio.gather(*tasks)

    with squaring() as (work, batcher):
        assert asyncio.run(ask()) == [100**2, *(number**2 for number in range(len(sizes)))]
    assert work.batches[0] == [(100, 1)]
    assert sorted(work.worked_on[1:]) == list(range(len(sizes)))
    waiting = list(enumerate(sizes))
    for batch in work.batches[1:]:
        assert batch[0] == waiting[0]  # what has waited longest is not passed over
        assert batch == sorted(batch)
        assert len(batch) == 1 or sum(size for _, size in batch) <= MOST
        waiting = [item for item in waiting if item not in batch]
        # No room is left for one that still waits.
        assert all(size + sum(s for _, s in batch) > MOST for _, size in waiting)


def test_an_idle_batcher_waits_for_nobody() -> None:
    async def ask() -> float:
        began = time.monotonic()
        for number in range(100):
            assert await batcher.answer((number, 1), 1, SECONDS) == number**2
        return time.monotonic() - began

    with squaring(is_open=True) as (work, batcher):
        assert asyncio.run(ask()) < 20
    assert len(work.batches) == 100


def test_who_gives_up_before_the_batch_begins_is_not_worked_on() -> None:
    async def ask() -> None:
        first = await asked(batcher, 1)
        await until(work.begun.is_set)
        left, stays = await asked(batcher, 2), await asked(batcher, 3)
        with pytest.raises(TimeoutError):
            await batcher.answer((4, 1), 1, 0.01)
        left.cancel()
        with pytest.raises(asyncio.CancelledError):
            await left
        work.gate.set()
        assert (await first, await stays) == (1, 9)

    with squaring() as (work, batcher):
        asyncio.run(ask())
    assert work.batches == [[(1, 1)], [(3, 1)]]


def test_what_is_given_up_is_not_held_while_another_is_worked_on() -> None:
    async def ask() -> None:
        first = await asked(batcher, 1)
        await until(work.begun.is_set)
        left = [await asked(batcher, number) for number in range(2, 50)]
        for task in left:
            task.cancel()
        with pytest.raises(TimeoutError):
            await batcher.answer((50, 1), 1, 0.01)
        await asyncio.gather(*left, return_exceptions=True)
        assert not batcher._waiting
        work.gate.set()
        assert await first == 1

    with squaring() as (work, batcher):
        asyncio.run(ask())


def test_who_gives_up_later_loses_an_answer_and_nobody_else_does() -> None:
    async def ask() -> None:
        first = await asked(batcher, 1)
        await until(work.begun.is_set)
        work.begun.clear()
        late, stays = await asked(batcher, 2), await asked(batcher, 3)
        with pytest.raises(TimeoutError):
            await batcher.answer((4, 1), 1, 0.01)
        work.gate.set()
        await asyncio.gather(first, late, stays)  # else the gate could close before them
        work.gate.clear()
        work.begun.clear()
        again, other = await asked(batcher, 5), await asked(batcher, 6)
        await until(lambda: 5 in work.worked_on)
        again.cancel()
        work.gate.set()
        assert (await late, await stays, await other) == (4, 9, 36)

    with squaring() as (work, batcher):
        asyncio.run(ask())
    assert work.worked_on == [1, 2, 3, 5, 6]


def test_a_fault_is_told_to_those_whom_it_concerns() -> None:
    async def ask() -> list[int | BaseException]:
        tasks = [await asked(batcher, number) for number in (7, -7, 8)]
        return await asyncio.gather(*tasks, return_exceptions=True)

    with squaring(is_open=True) as (_, batcher):
        good, bad, other = asyncio.run(ask())
        assert (good, other) == (49, 64)
        assert isinstance(bad, ValueError)
        with pytest.raises(ArithmeticError):
            asyncio.run(batcher.answer((1313, 1), 1, SECONDS))
        with pytest.raises(RuntimeError, match="StopIteration"):  # which no future takes
            asyncio.run(batcher.answer((1414, 1), 1, SECONDS))
        assert asyncio.run(batcher.answer((9, 1), 1, SECONDS)) == 81


def test_those_that_wait_when_it_is_closed_are_answered_and_no_others() -> None:
    async def ask() -> None:
        tasks = [await asked(batcher, number) for number in range(20)]
        batcher.close()
        work.gate.set()
        assert await asyncio.gather(*tasks) == [number**2 for number in range(20)]
        await until(lambda: not any(thread.name.startswith("batcher") for thread in threading.enumerate()))
        with pytest.raises(Overloaded):
            await batcher.answer((1, 1), 1, SECONDS)

    with squaring() as (work, batcher):
        asyncio.run(ask())


def test_a_loop_that_ends_takes_nobody_along() -> None:
    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await batcher.answer((2, 1), 1, 0.01)

    with squaring() as (work, batcher):
        asyncio.run(give_up())
        work.gate.set()
        assert asyncio.run(batcher.answer((3, 1), 1, SECONDS)) == 9


def test_64_loops_at_once() -> None:
    async def ask(first: int) -> list[int]:
        return await asyncio.gather(*(batcher.answer((first + i, 1 + i), 1 + i, SECONDS) for i in range(20)))

    with squaring(is_open=True) as (work, batcher), ThreadPoolExecutor(64) as threads:
        found = list(threads.map(lambda first: asyncio.run(ask(first)), range(0, 64 * 20, 20)))
    assert found == [[number**2 for number in range(first, first + 20)] for first in range(0, 64 * 20, 20)]
    assert sorted(work.worked_on) == list(range(64 * 20))
