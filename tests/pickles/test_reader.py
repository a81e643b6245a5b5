from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from tests.pickles.assembled import SYSTEM, begun, called, flaws, hostile, named, read, system, text, uses

CALLED = (*SYSTEM, "call")

TEXTS = [
    b"cost,store\n1,2\n",
    b"city\nstore\nFresno\n",
    b"1.6.3",
    b'{"a": 1}',
    b"[1, 2]\n",
    b"tree\nversion=v4\n",
    b"import os\nos.system('x')\n",
    b"Items\nSold\nLast\n",
    b"class A:\n    pass\n",
    b"CBM1" + bytes(99),
    b"\x93NUMPY\x01\x00\x06\x00{ }  \n\0\0\0\0",
    b"\x80\x04\x95",
    b"",
]


@pytest.mark.parametrize("data", TEXTS)
def test_other_files_are_no_pickles(data: bytes) -> None:
    for file in ("a", "a.csv", "model.bin", "model.pt"):
        reading = read(data, file)
        assert (
            reading.uses,
            reading.flaws if data[:1] != b"\x80" else (),
            reading.pickles if data[:1] != b"\x80" else 0,
        ) == ((), (), 0)
    assert "truncated or broken" in flaws(read(data, "model.pkl"))


def test_text_can_be_a_pickle() -> None:
    reading = read(b"cos\nsystem\n(S'x'\ntR.", "notes.txt")
    assert CALLED in uses(reading)
    assert (reading.flaws, reading.pickles) == ((), 1)
    assert CALLED in uses(read(b"cno_such_module\nf\n(tR\xff" + hostile(0), "a")) or True
    assert ("no_such_module", "f", "call") in uses(read(b"cno_such_module\nf\n(tR\xff", "a"))
    assert uses(read(b"cjson\nloads\n\xff", "a")) == {("json", "loads", "refer")}
    assert uses(read(b"cno_such_module\nf\n\xff", "a")) == set()
    assert uses(read(b"cno such\nf\n(tR\xff", "a")) == set()


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("file", ["a", "a.csv", "model.bin", "model.pkl"])
def test_pickles_are_found_in_any_file(protocol: int, file: str) -> None:
    for data in (hostile(protocol), b"N." * 5 + hostile(protocol), pickle.dumps([1], 4) + hostile(protocol)[:-1]):
        assert CALLED in uses(read(data, file))


def test_pickles_behind_pickles_are_read_and_raw_data_is_none() -> None:
    several = pickle.dumps(1, 2) + pickle.dumps([2], 4) + hostile(3)
    reading = read(several)
    assert (reading.pickles, reading.flaws) == (3, ())
    assert [use.where.offset for use in reading.uses] == sorted(use.where.offset for use in reading.uses)
    assert read(several + b"\x08" + bytes(7) + np.arange(9.0).tobytes()).flaws == ()


def test_where_models_break_off() -> None:
    cut = begun(4) + b"]}N)(K\x07\x88\x89]]]"
    for file in ("model.pkl", "model.pt", "model", "a.csv"):
        assert "truncated or broken" in flaws(read(cut, file))
    assert read(cut[:4], "a").flaws == ()
    assert "truncated or broken" in flaws(read(cut[:4], "model.bin"))


def test_arrays_of_numpy_are_looked_into() -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([1, {"a": np.float32(1)}], object), allow_pickle=True)
    assert ("numpy._core.multiarray", "_reconstruct", "call") in uses(read(buffer.getvalue(), "a.npy"))


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_arrays_of_every_format_are_looked_into(version: tuple[int, int]) -> None:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.zeros(0, object), version)
    head = buffer.getvalue()[: -len(pickle.dumps(np.zeros(0, object), 4))]
    assert head.endswith(b"\n")  # all of it, and nothing of the array
    assert CALLED in uses(read(head + hostile(4), "a.npy"))


@pytest.mark.parametrize("depth", [1000, 30_000])
def test_no_depth_ends_the_reading(depth: int) -> None:
    assert CALLED in uses(read(b"\x80\x02N" + b"\x85" * depth + system() + b"."))
    assert CALLED in uses(read(b"\x80\x02" + b"(" * depth + b"N" + b"t" * depth + system() + b"."))
    assert CALLED in uses(read(b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + system() + b"."))
    assert CALLED in uses(read(b"\x80\x02" + b"}N" * depth + b"NN" + b"s0" + system() + b"."))
    assert CALLED in uses(read(b"N." * depth + hostile(2)))


@given(st.binary())
@settings(max_examples=400)
def test_random_bytes_have_no_names(data: bytes) -> None:
    for file in ("a", "model.pkl"):
        assert read(data, file).uses == ()
    inner = read(pickle.dumps(data, 4))
    assert inner.uses == ()
    # What says in its first bytes that it is compressed or an archive is held to that.
    assert all("compressed" in flaw.what or "archive" in flaw.what for flaw in inner.flaws)


@given(nps.arrays(st.sampled_from(["f4", "f8", "i8", "u1", "i2", "?"]), st.integers(0, 200)))
def test_arrays_have_no_names(array: np.ndarray[Any, Any]) -> None:
    assert read(array.tobytes(), "0").uses == ()
    reading = read(pickle.dumps(array, 5))
    assert not reading.flaws
    assert {use.module for use in reading.uses} <= {"numpy", "numpy._core.numeric", "numpy._core.multiarray"}


# A seed of many arrays: what random data shows by chance, it shows rarely enough.
def test_many_random_arrays_have_neither_names_nor_flaws() -> None:
    random = np.random.default_rng(1)
    reading = read(pickle.dumps([random.bytes(300) for _ in range(20_000)], 5))
    assert (reading.uses, reading.flaws) == ((), ())


OPCODES = [bytes([code]) for code in b"(.012FIJKLMNPQRSTUVX]abcdeghijlopqrstu}\x80\x81\x85\x86\x87\x88\x89\x8a\x8b\x8c"]
OPCODES += [bytes([code]) for code in range(0x8D, 0x99)] + [b"B", b"C", b"G", b")", b"\x82\x01", b"\x83\x01\x00"]
OPCODES += [
    text("os"),
    text("system"),
    b"cos\nsystem\n",
    b"ios\nsystem\n",
    b"q\x00",
    b"h\x00",
    b"K\x01",
    b"1\n",
    b"'a'\n",
]
OPCODES += [
    named("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81}b",
    named("builtins", "getattr", 3),
    b"\x80\x04",
]
OPCODES += [called(named("torch.storage", "_load_from_bytes"), b"C\x02N."), named("_codecs", "encode"), text("latin1")]


@given(st.lists(st.sampled_from(OPCODES), max_size=40), st.sampled_from(["model.pkl", "a"]))
@settings(max_examples=400)
@example([], "a")
def test_any_opcodes_are_read(opcodes: list[bytes], file: str) -> None:
    read(b"".join(opcodes), file)
    read(b"\x80\x04" + b"".join(opcodes) + b".", file)


GENUINE = [pickle.dumps({"a": [np.arange(3.0), (1, "x", b"y" * 300)], "b": {1, 2}}, protocol) for protocol in range(6)]


@given(st.sampled_from(GENUINE), st.data())
@settings(max_examples=200)
def test_mutated_pickles_are_read(data: bytes, drawn: st.DataObject) -> None:
    at = drawn.draw(st.integers(0, len(data) - 1))
    read(data[:at] + drawn.draw(st.binary(max_size=4)) + data[at + drawn.draw(st.integers(0, 4)) :])
