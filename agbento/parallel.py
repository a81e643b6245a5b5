"""The same work on many items, on threads that never keep the process from ending."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

_PATIENCE = 2.0  # seconds for the other threads to notice that one has failed


def each(work: Callable[[T], None], items: Iterable[T], threads: int, stop: threading.Event) -> None:
    """Call ``work`` on every item, ``threads`` at a time, and raise the first error once the others have stopped.

    ``stop`` is set at the end, however it comes; ``work`` should look at it now and then. The threads are daemons
    (an executor's are joined at exit): one that waits for a dead peer delays neither Ctrl-C nor an error.
    """
    todo: queue.SimpleQueue[T] = queue.SimpleQueue()
    for item in items:
        todo.put(item)
    faults: list[BaseException] = []
    workers = [threading.Thread(target=_run, args=(work, todo, faults, stop), daemon=True) for _ in range(threads)]
    try:
        for worker in workers:
            worker.start()
        while any(worker.is_alive() for worker in workers) and not faults:
            for worker in workers:
                worker.join(0.05)
    finally:
        stop.set()
        last = time.monotonic() + _PATIENCE
        for worker in workers:
            worker.join(max(0.0, last - time.monotonic()))
    if faults:
        raise faults[0]


def _run(
    work: Callable[[T], None], todo: queue.SimpleQueue[T], faults: list[BaseException], stop: threading.Event
) -> None:
    while not stop.is_set():
        try:
            item = todo.get_nowait()
        except queue.Empty:
            return
        try:
            work(item)
        except BaseException as error:  # noqa: BLE001 - raised again by each()
            faults.append(error)
            stop.set()
