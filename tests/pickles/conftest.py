"""A file that a hostile pickle writes if it is ever run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def canary(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("canary")
    monkeypatch.chdir(folder)
    yield folder / "canary"
    assert not list(folder.iterdir()), "something of a pickle was run"
