from __future__ import annotations

import pytest

from agbento import machine


def test_workers_are_as_many_as_asked_for() -> None:
    assert machine.worker_count(7, 10**15) == (7, "SERVICE_WORKERS")


def test_workers_are_as_many_as_cores_where_memory_allows() -> None:
    count, why = machine.worker_count(None, 0)
    assert count == machine.cores()
    assert why == f"{count} cores"


def test_at_least_one_worker_where_the_model_hardly_fits() -> None:
    count, why = machine.worker_count(None, machine.memory_bytes())
    assert count == 1
    assert "memory for 0" in why


@pytest.mark.parametrize("workers", [1, 2, 1000])
def test_threads_use_the_cores_and_no_more(workers: int) -> None:
    threads = machine.threads_per_worker(workers)
    assert threads >= 1
    assert threads * workers <= max(machine.cores(), workers)


def test_threads_that_the_user_set_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    environment = machine.thread_environment(1)
    assert "OMP_NUM_THREADS" not in environment
    assert environment["OPENBLAS_NUM_THREADS"] == "1"
