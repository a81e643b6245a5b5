from __future__ import annotations

import io
import pickle
from typing import Any

import pytest

from tests.pickles.assembled import COMMAND, SYSTEM, begun, flaws, read, system, uses

torch = pytest.importorskip("torch")


class Runs:
    def __reduce__(self) -> tuple[Any, ...]:
        return eval, (f"__import__('os').system({COMMAND!r})",)


def saved(value: Any, *, legacy: bool) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=not legacy)
    return file.getvalue()


@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize("file", ["model.pt", "model.pkl", "model"])
def test_saved_tensors_are_read(legacy: bool, file: str) -> None:
    tensors = {"a": torch.arange(7.0), "b": torch.ones(3, 4, dtype=torch.int8)}
    reading = read(saved(tensors, legacy=legacy), file)
    assert reading.flaws == ()
    assert reading.devices == {"cpu"}
    assert ("torch._utils", "_rebuild_tensor_v2", "call") in uses(reading)
    hostile = read(saved([tensors, Runs()], legacy=legacy), file)
    assert ("builtins", "eval", "call") in uses(hostile)


@pytest.mark.parametrize("protocol", range(2, 6))
def test_pickled_tensors_are_read(protocol: int) -> None:
    reading = read(pickle.dumps([torch.arange(7.0), torch.nn.Linear(2, 3)], protocol))
    assert reading.flaws == ()
    assert reading.devices == {"cpu"}
    assert ("torch.storage", "_load_from_bytes", "call") in uses(reading)
    assert ("torch.nn.modules.linear", "Linear", "build") in uses(reading)


def test_whole_modules_are_read() -> None:
    for legacy in (True, False):
        reading = read(saved(torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU()), legacy=legacy), "model.pt")
        assert reading.flaws == ()
        assert ("torch.nn.modules.container", "Sequential", "new") in uses(reading)


def test_what_follows_the_tensors_of_an_old_file_is_read() -> None:
    data = saved([1], legacy=True)
    assert (*SYSTEM, "call") in uses(read(data + begun(2) + system() + b".", "model.pt"))
    assert flaws(read(data[:-5], "model.pt")) == ""
