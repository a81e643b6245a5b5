from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agbento.pickles.limits import Limits
from tests.pickles.assembled import SYSTEM, flaws, hostile, read, uses

CALLED = (*SYSTEM, "call")


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("file", ["model.pkl", "model.pt", "text"])
def test_members_are_read(method: int, file: str) -> None:
    reading = read(zipped({"a/version": b"3\n", "a/data.pkl": hostile(2), "a/b.txt": b"abc\n"}, method), file)
    assert CALLED in uses(reading)
    assert {use.where.file for use in reading.uses} == {f"{file}!a/data.pkl"}
    assert (reading.flaws, reading.pickles) == ((), 1)


def test_archives_in_archives_are_read() -> None:
    data = zipped({"x": zipped({"y": zipped({"z": hostile(0)})})})
    assert CALLED in uses(read(data, "a"))


def test_an_archive_behind_a_pickle_is_read_with_it() -> None:
    reading = read(b"\x80\x02cposix\nsystem\n." + zipped({"data.pkl": hostile(2)}))
    assert {("posix", "system", "refer"), CALLED} <= uses(reading)
    assert "behind other content" in flaws(reading)
    assert CALLED in uses(read(hostile(2) + zipped({"a": b""}), "model.pt"))


def test_an_archive_whose_directory_is_elsewhere_is_a_flaw() -> None:
    good = zipped({"a": b"N."})
    end = good.rindex(b"PK\x05\x06")
    (start,) = struct.unpack_from("<L", good, end + 16)
    assert "behind other content" in flaws(read(b"x" * 9 + good, "a"))
    moved = good[: end + 16] + struct.pack("<L", start + 5) + good[end + 20 :]
    assert flaws(read(moved, "a"))
    assert "two ends" in flaws(read(good + good, "a"))


def test_broken_archives_are_flaws() -> None:
    good = zipped({"a.pkl": hostile(2) + bytes(99)}, zipfile.ZIP_STORED)
    assert "cut off" in flaws(read(good[:-22], "a"))
    assert "cannot be read" in flaws(read(good.replace(b"PK\x01\x02", b"PK\x01\x03"), "a"))
    encrypted = bytearray(good)
    at = good.index(b"PK\x01\x02")
    encrypted[at + 8] |= 1
    encrypted[6] |= 1
    assert "cannot be unpacked" in flaws(read(bytes(encrypted), "a"))
    assert "cannot be unpacked: Bad CRC" in flaws(read(good.replace(bytes(99), bytes(98) + b"\x01"), "a"))
    renamed = good.replace(b"a.pkl", b"b.pkl", 1)
    assert "cannot be unpacked" in flaws(read(renamed, "a"))


def test_bombs_are_flaws() -> None:
    bomb = zipped({"a": bytes(3_000_000), "b": bytes(3_000_000)})
    assert "bytes unpacked" in flaws(read(bomb, "a", Limits(decompressed=4_000_000)))
    assert "times its size" in flaws(read(bomb, "a", Limits(ratio=100, ratio_from=4_000_000)))
    assert read(bomb, "a").flaws == ()
    packed = zlib.compress(bytes(3_000_000))
    assert "bytes unpacked" in flaws(read(packed, "a", Limits(decompressed=1_000_000)))
    deep = hostile(2)
    for _ in range(9):
        deep = zipped({"a": deep})
    assert "more than 8 deep" in flaws(read(deep, "a"))


def test_programs_of_torch_and_tars_are_flaws() -> None:
    assert "TorchScript" in flaws(read(zipped({"a/constants.pkl": b"\x80\x02)."}), "a.pt"))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:") as archive:
        archive.addfile(tarfile.TarInfo("pickle"))
    assert "a tar archive" in flaws(read(buffer.getvalue(), "a.pt"))


ARCHIVE = zipped({"a/data.pkl": hostile(2), "b": b"abc"})


@given(st.integers(0, len(ARCHIVE) - 1), st.binary(min_size=1, max_size=8))
@example(0, b"")
def test_mutated_archives_are_read(at: int, data: bytes) -> None:
    read(ARCHIVE[:at] + data + ARCHIVE[at + len(data) :], "a.pt")
    read(ARCHIVE[:at] + data + ARCHIVE[at:], "a")
