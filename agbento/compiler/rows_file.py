"""A file of the user's own rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from agbento.text import exception_text, lacks_columns

_READERS = {".csv": "read_csv", ".parquet": "read_parquet"}


def read_rows(file: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read a CSV or Parquet file that holds at least ``columns``.

    Raises:
        ValueError: it cannot be read, holds no rows, or lacks columns; the text does not name the file.
    """
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise ValueError(f"expected a file that ends in one of {', '.join(_READERS)}")
    try:
        frame: pd.DataFrame = getattr(pd, reader)(file)
    except Exception as error:
        # pandas and pyarrow raise anything of a file that is none.
        raise ValueError(f"expected rows as CSV (.csv) or Parquet (.parquet): {exception_text(error)}") from error
    if missing := [name for name in columns if name not in frame.columns]:
        raise ValueError(lacks_columns(missing))
    if frame.empty:
        raise ValueError("no rows in it")
    return frame
