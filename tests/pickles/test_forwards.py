"""Functions that call what they are given: `agbento.pickles.forwards`."""

from __future__ import annotations

import functools
import pickle
from collections import OrderedDict, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from agbento.pickles.folder import read_folder
from agbento.pickles.forwards import FORWARDS

SYSTEM = b"cposix\nsystem\n"
RANGE = b"cbuiltins\nrange\n"


def read(folder: Path, data: bytes) -> tuple[set[tuple[str, str, str]], list[str]]:
    (folder / "x.pkl").write_bytes(data)
    reading = read_folder(folder)
    return {(use.module, use.name, use.way) for use in reading.uses}, [flaw.what for flaw in reading.flaws]


def given(module: str, name: str, *args: bytes) -> bytes:
    return b"\x80\x03c" + f"{module}\n{name}\n".encode() + b"(" + b"".join(args) + b"tR."


@pytest.mark.parametrize(("module", "name"), sorted(FORWARDS))
def test_what_is_given_is_called(module: str, name: str, tmp_path: Path) -> None:
    which, way = FORWARDS[module, name]
    uses, flaws = read(tmp_path, given(module, name, *[b"N"] * which, SYSTEM, b"N"))
    assert ("posix", "system", way) in uses
    assert not flaws


@pytest.mark.parametrize(("module", "name"), sorted(FORWARDS))
def test_what_is_given_must_have_a_name(module: str, name: str, tmp_path: Path) -> None:
    which, _ = FORWARDS[module, name]
    made = RANGE + b"(K\x05tR"
    assert read(tmp_path, given(module, name, *[b"N"] * which, made))[1] == [f"{name} is given what is no name"]
    assert read(tmp_path, b"\x80\x03c" + f"{module}\n{name}\n".encode() + b"]R.")[1]


@pytest.mark.parametrize(("module", "name"), sorted(FORWARDS))
@pytest.mark.parametrize("passed", [*sorted(FORWARDS), ("copyreg", "_reconstructor"), ("copyreg", "__newobj__")])
def test_what_calls_in_turn_is_not_given(module: str, name: str, passed: tuple[str, str], tmp_path: Path) -> None:
    """Else what is only referred to would be called by what is given, with arguments that nobody looks at."""
    which, _ = FORWARDS[module, name]
    given_name = b"c" + "{}\n{}\n".format(*passed).encode()
    flaws = read(tmp_path, given(module, name, *[b"N"] * which, given_name, b"N"))[1]
    assert flaws == [f"{name} is given {passed[1]}, which calls or makes what it is given"]


@pytest.mark.parametrize("name", ["__generator_ctor", "__randomstate_ctor"])
def test_a_generator_is_made_of_an_object(name: str, tmp_path: Path) -> None:
    uses, flaws = read(tmp_path, given("numpy.random._pickle", name, SYSTEM))
    assert ("posix", "system", "call") in uses
    assert not flaws
    assert read(tmp_path, given("numpy.random._pickle", name, b"]"))[1]


def test_the_state_of_a_partial_is_what_it_calls(tmp_path: Path) -> None:
    head = b"\x80\x03cfunctools\npartial\n" + RANGE + b"\x85R"
    uses, flaws = read(tmp_path, head + b"(" + SYSTEM + b")}Ntb.")
    assert ("posix", "system", "call") in uses
    assert not flaws
    assert read(tmp_path, head + b"}b.")[1]
    assert read(tmp_path, head + b"(" + RANGE + b"K\x05\x85R)}Ntb.")[1]


@pytest.mark.parametrize("protocol", range(6))
def test_genuine_ones_have_no_flaws(protocol: int, tmp_path: Path) -> None:
    values: list[Any] = [
        functools.partial(np.clip, a_min=0),
        defaultdict(list, {"a": [1]}),
        defaultdict(OrderedDict),
        defaultdict(None),
        np.random.default_rng(0),
        np.random.RandomState(0),
        pd.DataFrame({"a": pd.Categorical(["x"]), "b": pd.to_datetime(["2024-01-01"])}),
        pd.interval_range(0, 3),
    ]
    uses, flaws = read(tmp_path, pickle.dumps(values, protocol=protocol))
    assert not flaws
    assert {("numpy", "clip", "call"), ("builtins", "list", "call"), ("collections", "OrderedDict", "call")} <= uses
