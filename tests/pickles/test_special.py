from __future__ import annotations

import pickle

import pytest

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

GETATTR = {("builtins", "getattr", "refer"), ("builtins", "getattr", "call")}


def attribute(owner: bytes, name: str, protocol: int) -> bytes:
    return called(
        named("builtins" if protocol >= 3 else "__builtin__", "getattr", protocol), owner, text(name, protocol)
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_getattr_of_a_name_is_a_name(protocol: int) -> None:
    chain = attribute(attribute(named("os", "path", protocol), "genericpath", protocol), "os", protocol)
    reading = read(begun(protocol) + called(attribute(chain, "system", protocol), text(COMMAND, protocol)) + b".")
    assert ("os", "path.genericpath.os.system", "call") in uses(reading)
    assert not GETATTR & uses(reading)
    assert reading.flaws == ()


def test_getattr_from_the_memo_is_a_name() -> None:
    getattr_ = named("builtins", "getattr", 4)
    once = called(getattr_ + b"\x94", named("a", "B"), text("c"))
    reading = read(begun(4) + once + called(b"h\x00", named("d", "E"), text("f")) + b"\x86.")
    assert uses(reading) == {("a", "B", "refer"), ("a", "B.c", "refer"), ("d", "E", "refer"), ("d", "E.f", "refer")}


@pytest.mark.parametrize(
    "other",
    [
        named("builtins", "getattr", 4),
        called(named("functools", "partial", 4), named("builtins", "getattr", 4)),
        called(named("builtins", "getattr", 4), named("a", "B"), called(named("builtins", "str", 4), text("c"))),
        called(named("builtins", "getattr", 4), text("a"), text("c")),
        called(named("builtins", "getattr", 4), named("a", "B"), text("c.d")),
        called(named("builtins", "getattr", 4), named("a", "B"), text("c"), text("d")),
        called(named("builtins", "getattr", 4), named("builtins", "getattr", 4), text("c")),
        named("a", "B") + b")\x81" + named("builtins", "getattr", 4) + b"b",
        called(named("builtins", "getattr", 4) + b"2", named("a", "B"), text("c")) + b"0",
        b"(" + named("a", "B") + text("c") + b"ibuiltins\ngetattr\n2\x86" + named("builtins", "getattr", 4) + b"\x86",
    ],
)
def test_any_other_getattr_is_one(other: bytes) -> None:
    assert ("builtins", "getattr", "refer") in uses(read(begun(4) + other + b"."))


SETS = "sets attributes that may be an object's class"
CLASS = text("__class__") + named("a", "B")


@pytest.mark.parametrize(
    ("state", "flawed"),
    [
        (b"N", False),
        (b"}", False),
        (b"}(" + text("a") + b"K\x01u", False),
        (b"}(" + text("a") + b"K\x01uN\x86", False),
        (b"}(" + CLASS + b"u", True),
        (b"}(" + CLASS + b"uN\x86", True),
        (b"N}(" + CLASS + b"u\x86", True),
        (b"]", True),
        (called(named("collections", "OrderedDict")), True),
    ],
)
@pytest.mark.parametrize(
    ("module", "name"),
    [("torch._tensor", "_rebuild_from_type_v2"), ("torch._utils", "_rebuild_parameter_with_state")],
)
def test_attributes_that_torch_sets_are_no_class(module: str, name: str, state: bytes, flawed: bool) -> None:
    reading = read(begun(2) + called(named(module, name), named("a", "f"), named("a", "T"), b")", state) + b".")
    assert flaws(reading) == (SETS if flawed else "")


def test_an_attribute_of_an_object_is_not_called() -> None:
    bound = attribute(named("a", "B") + b")\x81", "c", 4)
    reading = read(begun(4) + bound + b".")
    assert ("a", "B.c", "refer") in uses(reading)
    assert reading.flaws == ()
    assert "calls an attribute of an object" in flaws(read(begun(4) + called(bound) + b"."))
    assert "calls an attribute of an object" in flaws(read(begun(4) + called(attribute(bound, "d", 4)) + b"."))
    assert "makes an object of what is no name" in flaws(read(begun(4) + bound + b")\x81."))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_copyreg_makes_objects(protocol: int) -> None:
    module = "copyreg" if protocol >= 3 else "copy_reg"
    base = named("builtins", "object", 3)
    for name in ("__newobj__", "__newobj_ex__", "_reconstructor"):
        made = called(named(module, name, protocol), named(*SYSTEM, protocol), base, b"N") + b"(db."
        assert {("copyreg", name, "call"), (*SYSTEM, "new"), (*SYSTEM, "build")} <= uses(read(begun(protocol) + made))
        for unknown in (called(named(module, name, protocol)), named(module, name, protocol) + b"]R"):
            assert "makes an object of what is no name" in flaws(read(begun(protocol) + unknown + b"."))


def test_the_base_of_a_reconstructed_object_is_made_too() -> None:
    made = called(named("copyreg", "_reconstructor"), named("a", "B"), named(*SYSTEM), text(COMMAND))
    assert (*SYSTEM, "new") in uses(read(begun(2) + made + b"."))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_bytes_of_any_protocol_are_read(protocol: int, kind: type[bytes | bytearray]) -> None:
    for inner in PROTOCOLS:
        for size in (0, 100_000):
            payload = hostile(inner) + b"\xe9" * size
            assert (*SYSTEM, "call") in uses(read(pickle.dumps([kind(payload)], protocol)))


def test_pickles_in_pickles_in_pickles_are_read() -> None:
    payload = hostile(2)
    for _ in range(4):
        payload = pickle.dumps({"state": payload}, 4)
    reading = read(payload)
    [use] = [use for use in reading.uses if use.way == "call"]
    assert use.where.file.count("@") == 4
    assert reading.pickles == 5
    for _ in range(8):
        payload = pickle.dumps(payload, 4)
    assert "more than 8 deep" in flaws(read(payload))


def test_tensors_of_bytes_are_read() -> None:
    callee = named("torch.storage", "_load_from_bytes")
    reading = read(begun(4) + called(callee, data(b"N." + hostile(0))) + b".")
    assert (*SYSTEM, "call") in uses(reading)
    encoded = called(named("_codecs", "encode"), text("N." + hostile(0).decode()), text("latin1"))
    assert (*SYSTEM, "call") in uses(read(begun(2) + called(callee, encoded) + b"."))
    for other in (called(named("builtins", "bytes"), b"]"), b"\x96\x01" + b"\0" * 7 + b"a", b"N", text("a")):
        assert "bytes that are no constant" in flaws(read(begun(4) + called(callee, other) + b"."))
    assert "truncated or broken" in flaws(read(begun(4) + called(callee, data(b"NN")) + b"."))
