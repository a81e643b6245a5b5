from __future__ import annotations

import pickle

import pytest

from tests.pickles.assembled import begun, called, flaws, named, read, text, uses

LOADER = named("torch.storage", "_load_from_bytes")
TRANSFORMER = named("sklearn.preprocessing._function_transformer", "FunctionTransformer")
FLAW = "torch's loader of bytes"


@pytest.mark.parametrize(
    "stream",
    [
        begun(2) + LOADER + b".",
        begun(2) + b"]" + LOADER + b"a.",
        begun(2) + called(named("functools", "partial"), LOADER) + b".",
        begun(2) + LOADER + b"q\x00(B\x02\x00\x00\x00N.tRh\x00\x86.",
        begun(2) + TRANSFORMER + b")\x81}" + text("func") + LOADER + b"sb.",
    ],
    ids=["alone", "in a list", "in a partial", "called, and again from the memo", "in a transformer"],
)
def test_torchs_loader_is_for_nobody_else_to_call(stream: bytes) -> None:
    assert FLAW in flaws(read(stream))


def test_where_it_is_called_what_it_opens_is_read() -> None:
    inner = pickle.dumps(1, 2)
    assert FLAW not in flaws(read(begun(2) + called(LOADER, b"B" + len(inner).to_bytes(4, "little") + inner) + b"."))


@pytest.mark.parametrize(
    ("function", "flawed"),
    [
        (b"N", False),
        (called(named("functools", "partial"), named("numpy", "clip")), False),
        (named("numpy", "clip"), True),
        (named("lightgbm.basic", "Booster"), True),
        (text("clip"), True),
    ],
    ids=["none", "partial", "function", "class", "text"],
)
def test_a_transformer_calls_partials_alone(function: bytes, flawed: bool) -> None:
    for key in ("func", "inverse_func"):
        reading = read(begun(2) + TRANSFORMER + b")\x81}" + text(key) + function + b"sb.")
        assert ("what is no partial" in flaws(reading)) is flawed
        if not flawed and function != b"N":
            assert ("numpy", "clip", "call") in uses(reading)


@pytest.mark.parametrize("name", ["CountVectorizer", "TfidfVectorizer", "HashingVectorizer"])
@pytest.mark.parametrize(("value", "flawed"), [("content", False), ("filename", True), ("file", True), (None, True)])
def test_a_vectorizer_opens_no_files(name: str, value: str | None, flawed: bool) -> None:
    state = b"}" + (text("input") + text(value) + b"s" if value else b"")
    stream = begun(2) + named("sklearn.feature_extraction.text", name) + b")\x81" + state + b"b."
    assert ("as files" in flaws(read(stream))) is flawed
