"""The file of rows that a reference is to be made of: of this machine, or in S3."""

from __future__ import annotations

import stat
from functools import partial
from pathlib import Path

from agbento.errors import UsageError
from agbento.source import split_uri
from agbento.text import os_fault, shown, size_text

_KINDS = (".csv", ".parquet")


def check_named(named: str, most: int) -> None:
    """Look at what ``--reference`` names, as far as that needs no network.

    Raises:
        UsageError: it is no file that can be read, or one of more than ``most`` bytes.
    """
    where = f"--reference {shown(named)}"
    if Path(named).suffix.lower() not in _KINDS:
        raise UsageError(f"{where}: expected a file that ends in {' or '.join(_KINDS)}")
    if named.startswith("s3://"):
        _split(named)
        return
    if "://" in named:
        raise UsageError(f"{where}: expected s3://bucket/key, or a file of this machine")
    try:
        found = _local(named).stat()
        if not stat.S_ISREG(found.st_mode):
            raise UsageError(f"{where}: no file; expected one of rows, CSV or Parquet")
        _local(named).open("rb").close()
    except (OSError, RuntimeError) as error:  # RuntimeError: nobody is called so whose home is meant
        told = os_fault(error) if isinstance(error, OSError) else str(error).rstrip(".")
        raise UsageError(f"{where}: {told}; expected a file of rows, CSV or Parquet") from None
    _check_size(named, most, found.st_size)


def fetched(named: str, scratch: Path, most: int) -> Path:
    """Give the file that ``--reference`` names, brought into the folder ``scratch`` where it is in S3.

    Raises:
        UsageError: it is none that can be read, or of more than ``most`` bytes.
        SourceError: S3 does not give it.
    """
    check_named(named, most)
    if not named.startswith("s3://"):
        return _local(named)
    from agbento.reference.s3_object import fetch_object

    file = scratch / f"reference{Path(named).suffix.lower()}"
    fetch_object(*_split(named), file, partial(_check_size, named, most))
    return file


def _check_size(named: str, most: int, size: int) -> None:
    if size > most:
        told = f"--reference {shown(named)}: {size_text(size)}, of which {size_text(most)} are taken at the most"
        raise UsageError(f"{told}: give fewer rows, or set IMPORT_MAX_BYTES")


def _local(named: str) -> Path:
    return Path(named).expanduser().absolute()


def _split(named: str) -> tuple[str, str]:
    try:
        bucket, key = split_uri(named)
    except UsageError as error:
        raise UsageError(str(error).replace("SOURCE", "--reference").replace("/prefix", "/key")) from None
    return bucket, key.rstrip("/")
