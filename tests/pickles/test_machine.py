from __future__ import annotations

import collections
import copyreg
import pickle
import pickletools
import struct
from typing import Any

import pytest

from agbento.pickles.machine import HANDLERS
from tests.pickles.assembled import (
    COMMAND,
    PROTOCOLS,
    SYSTEM,
    begun,
    called,
    data,
    flaws,
    hostile,
    named,
    read,
    text,
    uses,
)

CALLED = (*SYSTEM, "call")


class Runs:
    def __init__(self, callee: Any, *args: Any) -> None:
        self.reduced = callee, args

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.reduced


def test_opcodes_without_a_handler_push_constants() -> None:
    without = {opcode.name for opcode in pickletools.opcodes} - set(HANDLERS)
    constants = "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT NONE NEWTRUE NEWFALSE SHORT_BINUNICODE"
    assert without == set(constants.split())


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("module", "name"),
    [
        SYSTEM,
        ("posix", "system"),
        ("builtins", "eval"),
        ("builtins", "exec"),
        ("operator", "attrgetter"),
        ("operator", "methodcaller"),
        ("functools", "partial"),
        ("numpy", "load"),
        ("pandas", "read_pickle"),
        ("pandas", "eval"),
        ("torch", "load"),
        ("subprocess", "Popen"),
    ],
)
def test_calls_are_found(protocol: int, module: str, name: str) -> None:
    reading = read(begun(protocol) + called(named(module, name, protocol), text(COMMAND, protocol)) + b".")
    assert uses(reading) == {(module, name, "refer"), (module, name, "call")}
    assert (reading.flaws, reading.pickles) == ((), 1)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_genuine_pickles_of_calls_are_read(protocol: int) -> None:
    payload = pickle.dumps([1, {"a": Runs(eval, f"__import__('os').system('{COMMAND}')")}], protocol)
    assert ("builtins", "eval", "call") in uses(read(payload))


@pytest.mark.parametrize(
    ("old", "new"), [("__builtin__", "builtins"), ("copy_reg", "copyreg"), ("commands", "subprocess")]
)
@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_names_of_python_2_are_renamed(protocol: int, old: str, new: str) -> None:
    assert (new, "input" if old == "commands" else "eval", "refer") in uses(
        read(begun(protocol) + f"c{old}\n{'input' if old == 'commands' else 'eval'}\n.".encode())
    )
    assert ("builtins", "range", "refer") in uses(read(begun(protocol) + b"c__builtin__\nxrange\n."))
    assert (old, "eval", "refer") in uses(read(begun(3) + f"c{old}\neval\n.".encode()))


def test_a_protocol_that_is_raised_on_the_way_holds_from_there() -> None:
    reading = read(b"\x80\x02c__builtin__\neval\n\x80\x03c__builtin__\nexec\n.")
    assert uses(reading) == {("builtins", "eval", "refer"), ("__builtin__", "exec", "refer")}


def test_dotted_names_stay_as_they_are() -> None:
    reading = read(begun(4) + called(named("autogluon.core.metrics", "np.load", 4), text("x")) + b".")
    assert ("autogluon.core.metrics", "np.load", "call") in uses(reading)


TEXT_OS, TEXT_SYSTEM = text("os"), text("system")

MOVED = {
    "from the memo": TEXT_OS + b"q\x00" + TEXT_SYSTEM + b"q\x0100h\x00h\x01\x93",
    "a slot that is set again": text("io") + b"q\x00" + TEXT_OS + b"q\x000" + TEXT_SYSTEM + b"q\x0100h\x00h\x01\x93",
    "MEMOIZE counts slots": TEXT_OS + b"\x94" + TEXT_SYSTEM + b"\x940" + b"0" + b"h\x00h\x01\x93",
    "by text": TEXT_OS + b"p5\n" + TEXT_SYSTEM + b"p6\n00g5\ng6\n\x93",
    "duplicated": TEXT_OS + b"q\x00" + b"2" + b"0" + TEXT_SYSTEM + b"2" + b"0\x93",
    "behind marks": b"(N(N11" + b"(" + b"0" + TEXT_OS + TEXT_SYSTEM + b"\x93",
    "old text": b"U\x02osU\x06system\x93",
    "quoted text": b"S'\\x6fs'\nS'system'\n\x93",
    "escaped text": b"V\\u006fs\nVsystem\n\x93",
    "the name from the memo": b"cos\nsystem\nq\x070h\x07",
    "a long slot": b"cos\nsystem\nr\x01\x02\x03\x040j\x01\x02\x03\x04",
}


@pytest.mark.parametrize("callee", MOVED.values(), ids=list(MOVED))
def test_names_are_followed(callee: bytes) -> None:
    assert CALLED in uses(read(begun(4) + called(callee, text(COMMAND)) + b"."))


@pytest.mark.parametrize(
    "computed", [called(named("builtins", "str"), text("os")), b"K\x01", b"]", b"U\x01\xff", data(b"os")]
)
def test_computed_names_are_flaws(computed: bytes) -> None:
    assert "computed at run time" in flaws(read(begun(4) + computed + TEXT_SYSTEM + b"\x93."))
    assert "computed at run time" in flaws(read(begun(4) + TEXT_OS + computed + b"\x93."))


def test_instances_are_calls() -> None:
    command = text(COMMAND)
    assert CALLED in uses(read(b"(" + command + b"ios\nsystem\n."))
    assert CALLED in uses(read(b"(cos\nsystem\n" + command + b"o."))
    assert "calls what is no name" in flaws(read(b"\x80\x02(o."))


def test_objects_are_made() -> None:
    assert (*SYSTEM, "new") in uses(read(b"\x80\x02cos\nsystem\n)\x81."))
    assert (*SYSTEM, "new") in uses(read(b"\x80\x04cos\nsystem\n)}\x92."))
    for made in (b"K\x01)\x81.", b"K\x01)}\x92.", called(named("a", "b")) + b")\x81."):
        assert "makes an object of what is no name" in flaws(read(b"\x80\x04" + made))


@pytest.mark.parametrize("callee", [b"K\x01", called(named("functools", "partial"), named(*SYSTEM)), b"(K\x01t"])
def test_calls_of_what_is_no_name_are_flaws(callee: bytes) -> None:
    assert "calls what is no name" in flaws(read(begun(2) + called(callee, text(COMMAND)) + b"."))


def test_states_are_set_on_objects_of_names_only() -> None:
    made = named("collections", "OrderedDict") + b")\x81"
    assert ("collections", "OrderedDict", "build") in uses(read(begun(2) + made + b"}b."))
    slots = b"N}" + text("__setstate__") + named(*SYSTEM) + b"s\x86b"
    for target in (named("collections", "OrderedDict"), b"]", b"}", b"K\x01", text("a"), b"NQ"):
        assert "sets the state of what is no object" in flaws(read(begun(2) + target + slots + b"."))


def test_a_state_that_is_called_by_the_next_is_a_flaw() -> None:
    state = b"}" + text("__setstate__") + named(*SYSTEM) + b"s"
    twice = named("argparse", "Namespace") + b")\x81" + state + b"b" + text(COMMAND) + b"b."
    assert "twice" in flaws(read(begun(2) + twice))
    item = named("sklearn.utils", "Bunch") + b")\x81" + text("__setstate__") + named(*SYSTEM) + b"s."
    assert "an item named __setstate__" in flaws(read(begun(2) + item))


def test_an_objects_class_is_not_set() -> None:
    made, other = named("argparse", "Namespace") + b")\x81", named("joblib.numpy_pickle", "NumpyArrayWrapper")
    for slots in (
        b"}" + text("__class__") + other + b"s",
        b"}" + called(named("builtins", "str"), text("__class__")) + other + b"s",
        named("collections", "OrderedDict") + b")R" + text("__class__") + other + b"s",
        b"}(" + b"".join(b"K" + bytes([i]) + b"N" for i in range(70)) + text("__class__") + other + b"u",
    ):
        assert "class" in flaws(read(begun(2) + made + b"N" + slots + b"\x86b."))
    plain = b"N}" + text("a") + b"K\x01s\x86b."
    assert read(begun(2) + made + plain).flaws == ()


@pytest.mark.parametrize("adding", [b"Na", b"(Ne", b"(N\x90", b"NNs", b"(NNu"])
def test_names_and_what_is_not_known_are_not_added_to(adding: bytes) -> None:
    assert "adds to a class" in flaws(read(begun(4) + named("os", "environ") + adding + b"."))
    assert "adds to what is no list" in flaws(read(begun(4) + b"\x96" + struct.pack("<Q", 1) + b"a" + adding + b"."))
    assert read(begun(4) + named("collections", "deque") + b")R" + adding + b".").flaws == ()


def test_extensions_are_flaws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(copyreg._inverted_registry, 7, SYSTEM)  # type: ignore[attr-defined]
    for code in (b"\x82\x07", b"\x83\x07\x00", b"\x84\x07\x00\x00\x00"):
        reading = read(begun(2) + code + b".")
        assert "extension registry, 7: os.system" in flaws(reading)
        assert (*SYSTEM, "refer") in uses(reading)
    assert "extension registry, 8" in flaws(read(begun(2) + b"\x82\x08."))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_ran_before_a_break_counts(protocol: int) -> None:
    for cut in (hostile(protocol)[:-1], hostile(protocol)[:-1] + b"\xff", hostile(protocol)[:-1] + b"0000000"):
        reading = read(cut)
        assert CALLED in uses(reading)
        assert "truncated or broken" in flaws(reading)


# What genops does not decode, and unpicklers do or may do.
LENIENT = [b"I0x10\n0", b"L0x10L\n0", b"F1e5\n0", b"S'\xc3\xa9'\n0", b"cb\xc3\xa9\na\n0"]


@pytest.mark.parametrize("before", LENIENT)
@pytest.mark.parametrize("first", [b"", b"N0", b"\x80\x02"])
def test_what_genops_does_not_decode_hides_nothing(first: bytes, before: bytes) -> None:
    for file in ("model.pkl", "notes.txt"):
        assert CALLED in uses(read(first + before + hostile(0), file))


def test_frames_end_with_their_pickles() -> None:
    def framed(size: int) -> bytes:
        return b"\x80\x04\x95" + struct.pack("<Q", size) + b"N."

    assert read(framed(2)).flaws == ()
    assert "goes on behind its pickle" in flaws(read(framed(3) + b"N."))
    assert "within a frame" in flaws(read(b"\x80\x04\x95" + struct.pack("<Q", 40) + framed(2)[2:]))


def test_no_opcode_reaches_over_the_end_of_its_frame() -> None:
    """C's unpickler reads posix and system here, where there is no peek, and drops what is before them."""
    for hidden in (b"cautogluon.", b"X\x02\x00\x00\x00a", b"Vab", b"X\x01\x00\x00\x00"):
        data = b"\x80\x04\x95" + struct.pack("<Q", len(hidden)) + hidden + b"posix\nsystem\n."
        for file in ("model.pkl", "a"):
            assert "reaches over the end of its frame" in flaws(read(data, file))
    utf = b"\x95" + struct.pack("<Q", 5) + b"X\x02\x00\x00\x00\xff\xff."
    assert "reaches over" in flaws(read(utf, "a"))


def test_devices_and_persistent_ids() -> None:
    def stored(location: bytes) -> bytes:
        return b"(" + text("storage") + named("torch", "FloatStorage") + text("0") + location + b"K\x01tQ"

    reading = read(begun(2) + stored(text("cuda:0")) + stored(text("cpu")) + b"\x86.")
    assert reading.devices == {"cuda:0", "cpu"}
    assert ("torch", "FloatStorage", "refer") in uses(reading)
    assert "location that is no constant" in flaws(read(begun(2) + stored(b"]") + b"."))
    assert "calls what is no name" in flaws(read(begun(2) + called(stored(text("cpu"))) + b"."))
    assert "sets the state of what is no object" in flaws(read(begun(2) + stored(text("cpu")) + b"Nb."))
    module = b"(" + text("module") + named(*SYSTEM) + b"NNtQ"
    assert CALLED in uses(read(begun(2) + called(module, text(COMMAND)) + b"."))
    assert "a persistent id that is text" in flaws(read(b"\x80\x02Pabc\n."))


def test_plain_objects_have_no_flaws() -> None:
    value: list[Any] = [
        1,
        2.5,
        None,
        True,
        "x",
        b"y",
        bytearray(b"z"),
        {"a": (1,)},
        {3},
        frozenset({4}),
        collections.deque([5]),
    ]
    value += [collections.OrderedDict(a=1), collections.Counter("abc"), complex(1, 2), 2**100, "é", list(range(3000))]
    for protocol in PROTOCOLS:
        assert read(pickle.dumps(value, protocol)).flaws == ()
