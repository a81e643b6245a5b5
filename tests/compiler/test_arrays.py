"""Named arrays: what is put in is mapped out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from agbento.compiler.arrays import Arrays

DTYPES = st.sampled_from([np.uint8, np.int16, np.int32, np.int64, np.float32, np.float64])


@given(st.lists(DTYPES.flatmap(lambda d: hnp.arrays(d, hnp.array_shapes(min_dims=1, max_dims=3, min_side=0)))))
def test_what_is_saved_is_loaded(tmp_path_factory: pytest.TempPathFactory, many: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("arrays")
    arrays = Arrays()
    names = [arrays.put("same", array) for array in many]
    assert len(set(names)) == len(many)
    arrays.save(folder / "a", folder / "i")
    loaded = Arrays.load(folder / "a", folder / "i")
    assert loaded.nbytes == arrays.nbytes
    for name, array in zip(names, many, strict=True):
        found = loaded.get(name)
        assert (found.dtype, found.shape) == (array.dtype, array.shape)
        assert found.tobytes() == array.tobytes()
        assert not found.flags.writeable
        assert found.ctypes.data % found.dtype.alignment == 0


def test_bytes(tmp_path: Path) -> None:
    arrays = Arrays()
    name = arrays.put_bytes("text", b"tree\0\xff")
    arrays.save(tmp_path / "a", tmp_path / "i")
    assert Arrays.load(tmp_path / "a", tmp_path / "i").get_bytes(name) == b"tree\0\xff"


def test_a_file_that_is_too_short(tmp_path: Path) -> None:
    arrays = Arrays()
    arrays.put("a", np.arange(100))
    arrays.save(tmp_path / "a", tmp_path / "i")
    (tmp_path / "a").write_bytes((tmp_path / "a").read_bytes()[:-1])
    with pytest.raises(ValueError, match="has 799 bytes, expected 800"):
        Arrays.load(tmp_path / "a", tmp_path / "i")
