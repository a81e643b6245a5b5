"""Calls that wait for one thread, and are answered together when it is free."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from agbento.errors import Overloaded

Item = TypeVar("Item")
Answer = TypeVar("Answer")
# Answers items, in order; what is wrong with one of them stands in its place. What it raises, all of them are told.
Work = Callable[[Sequence[Item]], Sequence[Answer | Exception]]


class _Call(Generic[Item]):
    """An item that waits, its size, and who is to be told."""

    __slots__ = ("future", "item", "loop", "size")

    def __init__(self, item: Item, size: int) -> None:
        self.item, self.size = item, size
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()

    @property
    def is_dropped(self) -> bool:
        """Whether nobody waits for it any more. Any thread may ask."""
        return self.future.done() or self.loop.is_closed()


class Batcher(Generic[Item, Answer]):
    """Lets one thread work on items: at once where it is idle, else on all that waited as soon as it is free.

    Each batch begins with what has waited longest, so nothing waits for ever. Items are taken together up to a size
    of ``most`` in all; a larger one is worked on by itself. Calls may come from any event loop.
    """

    def __init__(self, work: Work[Item, Answer], most: int, thread_name: str = "batcher") -> None:
        self._work, self._most = work, most
        self._thread = ThreadPoolExecutor(1, thread_name)
        self._lock = threading.Lock()
        self._waiting: deque[_Call[Item]] = deque()
        self._is_working = False

    async def answer(self, item: Item, size: int, seconds: float) -> Answer:
        """Have ``item`` worked on.

        A call that is given up, by time or by cancelling, before its batch begins is not worked on.

        Raises:
            Exception: whatever the work gave in the item's place, or raised.
            TimeoutError: there is no answer within ``seconds``.
            Overloaded: the batcher is closed.
        """
        call = _Call(item, size)
        with self._lock:
            if not self._is_working:
                try:
                    self._thread.submit(self._drain)
                except RuntimeError:
                    raise Overloaded("the service is about to end", headers={"Retry-After": "1"}) from None
                self._is_working = True
            self._waiting.append(call)
        try:
            answer: Answer = await asyncio.wait_for(call.future, seconds)
        except asyncio.TimeoutError:
            raise TimeoutError from None  # one and the same only since Python 3.11
        finally:
            if call.future.cancelled():
                self._forget(call)
        return answer

    def close(self) -> None:
        """Take no more calls once those that wait are answered, and let the thread end then."""
        self._thread.shutdown(wait=False)

    def _forget(self, call: _Call[Item]) -> None:
        # What was given up is no longer held, however long the batch takes that is worked on now.
        with self._lock, contextlib.suppress(ValueError):
            self._waiting.remove(call)

    def _drain(self) -> None:
        while calls := self._next():
            try:
                answers = self._work([call.item for call in calls])
            except BaseException as error:  # noqa: BLE001 - whoever waits is to know; a panic of Rust is no Exception
                answers = [error if isinstance(error, Exception) else RuntimeError(repr(error))] * len(calls)
            _tell(calls, answers)

    def _next(self) -> list[_Call[Item]]:
        """Take the calls of the next batch from those that wait; none: the thread's work is done."""
        with self._lock:
            waiting = [call for call in self._waiting if not call.is_dropped]
            taken, size = waiting[:1], waiting[0].size if waiting else 0
            left: list[_Call[Item]] = []
            for call in waiting[1:]:
                if size + call.size <= self._most:
                    taken.append(call)
                    size += call.size
                else:
                    left.append(call)
            self._waiting = deque(left)
            self._is_working = bool(taken)
            return taken


def _tell(calls: Sequence[_Call[Any]], answers: Sequence[Any]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for call, answer in zip(calls, answers, strict=True):
        by_loop.setdefault(call.loop, []).append((call.future, answer))
    for loop, told in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(_settle, told)


def _settle(told: Sequence[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, answer in told:
        if future.done():
            continue
        if isinstance(answer, StopIteration):
            future.set_exception(RuntimeError(repr(answer)))  # no future takes it as it is
        elif isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
