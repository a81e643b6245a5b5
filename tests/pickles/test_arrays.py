from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from agbento.pickles.arrays import Items, items_of, settle
from agbento.pickles.values import Dict, Global, Object
from tests.pickles.assembled import SYSTEM, flaws, hostile, read, system, uses

ARRAYS: list[Any] = [
    np.arange(7.0),
    np.zeros((0, 3), "i2"),
    np.asfortranarray(np.ones((3, 4), "f4")),
    np.array(3),
    np.array(["a", "bcd"]),
    np.array([b"a", b"bcd"]),
    np.array(["2020-01-01"], "M8[ns]"),
    np.array([True, False]),
    np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]),
    np.array([1, 2], ">i4"),
    np.frombuffer(hostile(0) + hostile(2), "u1"),
]
OBJECTS: list[Any] = [np.array(["a", None, {"b": 1}], object), np.array([(1, "x")], [("a", "i4"), ("b", "O")])]


class Runs:
    def __reduce__(self) -> tuple[Any, ...]:
        return eval, ("open('canary', 'w')",)


def dumped(value: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    joblib.dump(value, file, **options)
    return file.getvalue()


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_are_passed_over(protocol: int) -> None:
    for value in [*ARRAYS, *OBJECTS, ARRAYS + OBJECTS + ARRAYS]:
        reading = read(dumped([value, Runs()], protocol=protocol), "m.joblib")
        assert reading.flaws == ()
        assert ("builtins", "eval", "call") in uses(reading)


@pytest.mark.parametrize("compress", ["zlib", "gzip", "bz2", "xz", "lzma"])
def test_compressed_files_are_read(compress: str) -> None:
    for file in ("model.joblib", "model.pkl", "model"):
        for value in ([ARRAYS, Runs()], {"a": np.array([Runs()], object)}):
            reading = read(dumped(value, compress=(compress, 3)), file)
            assert ("builtins", "eval", "call") in uses(reading)
            assert reading.flaws == ()


def test_what_is_in_an_array_of_objects_is_read() -> None:
    assert ("builtins", "eval", "call") in uses(read(dumped([1, np.array([Runs(), 1], object), 2])))


def wrapped(array: np.ndarray[Any, Any]) -> bytes:
    """Give a file with an array in protocol 2, and without alignment, as joblib wrote it before 1.2."""
    written = dumped(array, protocol=2)
    key = b"numpy_array_alignment_bytes"
    at = written.index(key)
    begin, value = at - 5, written.index(b"K\x10", at)
    return written[:begin] + written[value + 2 : written.index(b"ub", value) + 2] + array.tobytes() + b"."


def test_an_array_is_read_as_opcodes_too() -> None:
    """A reader that is not joblib's runs what joblib passes over."""
    for payload in (hostile(0), b"0" + hostile(2), system(2)):
        reading = read(wrapped(np.frombuffer(payload, "u1")))
        assert (*SYSTEM, "call") in uses(reading)
        assert reading.flaws == ()
    assert read(wrapped(np.arange(9.0))).flaws == ()


def test_arrays_whose_place_is_not_certain_are_flaws() -> None:
    good = dumped([np.arange(3.0), 1])
    assert read(good).flaws == ()
    frame = good.index(b"\x95") + 1
    size = int.from_bytes(good[frame : frame + 8], "little")
    longer = good[:frame] + (size + 4).to_bytes(8, "little") + good[frame + 8 :]
    assert "goes on behind" in flaws(read(longer))
    assert "not certain" in flaws(read(good.replace(b"\x8c\x02f8", b"\x8c\x02x8")))
    assert "not certain" in flaws(read(good.replace(b"\x8c\x05shape", b"\x8c\x05shapf")))
    assert "not certain" in flaws(read(good.replace(b"K\x03\x85", b"J\xff\xff\xff\xff\x85", 1)))
    assert "truncated or broken" in flaws(read(good.replace(b"K\x03\x85", b"K\xff\x85", 1)))
    assert "an array in another file" in flaws(read(b"\x80\x02cjoblib.numpy_pickle_compat\nNDArrayWrapper\n)\x81}b."))
    called = b"\x80\x02cjoblib.numpy_pickle\nNumpyArrayWrapper\n(NNNNtR}b."
    assert "not certain" in flaws(read(called))


DTYPES = [np.dtype(code) for code in ("f8", "i1", "U7", "S3", "V5", "O", "M8[ns]", "c16", ">i4", "?")]
DTYPES += [np.dtype([("a", "i4"), ("b", "O")]), np.dtype([("a", "i4"), ("b", "f8")]), np.dtype([("a", "U3", (2,))])]


def followed(value: Any) -> Any:
    """Give what stands for a dtype, or for what is in its state."""
    if isinstance(value, np.dtype):
        reduced: Any = value.__reduce__()
        made = Object(Global("numpy", "dtype"), called=True, args=reduced[1], built=True)
        assert settle(made, followed(reduced[2]))
        return made
    if isinstance(value, dict):
        return Dict([part for item in value.items() for part in followed(item)])
    return tuple(map(followed, value)) if isinstance(value, tuple) else value


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_dtypes_have_their_size(dtype: np.dtype[Any]) -> None:
    assert items_of(followed(dtype)) == Items(dtype.itemsize, dtype.hasobject)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_states_that_numpy_does_not_write_are_none(dtype: np.dtype[Any]) -> None:
    """NumPy itself is not asked: it crashes on some of these states."""
    reduced: Any = dtype.__reduce__()
    good: Any = followed(reduced[2])
    number, objects = followed(np.dtype("i4")), followed(np.dtype("O"))
    bad = [None, (), good[:-1], (*good, 1), (9, *good[1:])]
    bad += [(*good[:7], good[7] ^ bits, *good[8:]) for bits in (1, 2, 3)]
    bad += [(*good[:5], good[5] + 50, *good[6:]), (*good[:2], (number, (999,)), *good[3:])]
    bad += [(*good[:3], ("a",), Dict(["a", field]), *good[5:]) for field in ((objects, 99), (objects, -1), (1, 0), 1)]
    bad += [(*good[:3], ("a",), Dict(["b", (number, 0)]), *good[5:]), (*good[:3], (1,), Dict([1, 2]), *good[5:])]
    for state in bad:
        made = Object(Global("numpy", "dtype"), called=True, args=reduced[1])
        assert not settle(made, state)
        assert items_of(made) is None


def test_a_dtype_that_numpy_does_not_write_is_a_flaw() -> None:
    good = pickle.dumps(np.arange(3), 2)
    assert read(good).flaws == ()
    state = good.rindex(b"K\x00tq")
    assert "does not write" in flaws(read(good[: state + 1] + b"\x3f" + good[state + 2 :]))


def test_the_sample_of_joblib_is_a_file(tmp_path: Path) -> None:
    joblib.dump(ARRAYS, tmp_path / "a.joblib")
    assert read((tmp_path / "a.joblib").read_bytes(), "a.joblib").flaws == ()
