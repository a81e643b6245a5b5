from __future__ import annotations

import threading
import time

import pytest

from agbento.parallel import each


def test_everything_is_done_and_several_at_a_time() -> None:
    done: set[int] = set()
    meeting = threading.Barrier(4)

    def work(item: int) -> None:
        if item < 4:
            meeting.wait(60)  # passes only when four threads are here at once
        done.add(item)

    each(work, range(100), 4, threading.Event())
    assert done == set(range(100))


def test_nothing_to_do() -> None:
    each(lambda _: pytest.fail("called"), [], 4, threading.Event())


def test_the_first_error_is_raised_and_the_rest_is_left() -> None:
    done: list[int] = []

    def work(item: int) -> None:
        if item == 3:
            raise ValueError("three")
        done.append(item)
        time.sleep(0.001)

    with pytest.raises(ValueError, match="three"):
        each(work, range(10_000), 2, threading.Event())
    assert len(done) < 9_000


def test_a_thread_that_waits_does_not_delay_an_error() -> None:
    stop, release = threading.Event(), threading.Event()

    def work(item: int) -> None:
        if item == 0:
            release.wait(60)
        else:
            raise ValueError

    began = time.monotonic()
    with pytest.raises(ValueError):
        each(work, range(2), 2, stop)
    release.set()
    assert time.monotonic() - began < 40
    assert stop.is_set()
