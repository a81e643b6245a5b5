from __future__ import annotations

from pathlib import Path

import pytest

from agbento.permit import TRUST, Permit

PERMIT = Permit(
    names=(("numpy", "ndarray"), ("team", "f")),
    trusted=("a.b",),
    by="zoe",
    brought=(("team", "f"),),
    placeholders=(("other", "C.g"),),
    devices=("cpu", "cuda:0"),
)


def test_it_is_kept_with_the_model(tmp_path: Path) -> None:
    PERMIT.save(tmp_path)
    assert Permit.load(tmp_path) == PERMIT


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}", '{"trusted": 1}', '{"names": [[1]]}'])
def test_none_that_can_be_read_permits_nothing(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / TRUST).write_text(text)
    assert Permit.load(tmp_path) == Permit()


def test_it_says_what_was_on_no_list() -> None:
    assert Permit().lines() == []
    trusted, brought, placeholders = PERMIT.lines()
    assert trusted == "trusted by zoe: a.b"
    assert brought.endswith("team.f")
    assert placeholders.endswith("other.C.g")
