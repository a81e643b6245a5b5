"""Text that fits one line: names of files, sizes, and what other libraries say."""

from __future__ import annotations

import os
from collections.abc import Sequence

_NAMED = 10
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def one_line(text: str, limit: int = 400) -> str:
    """Give ``text`` as one printable line of at most ``limit`` characters."""
    line = "".join(c if c.isprintable() else " " for c in " ".join(text.split()))
    return line if len(line) <= limit else line[: limit - 3] + "..."


def exception_text(error: BaseException) -> str:
    """Give an exception as one line: its class, and its text."""
    text = one_line(str(error), 300)
    return type(error).__name__ + (f": {text}" if text else "")


def shown(name: str, limit: int = 200) -> str:
    """Give a file's name or key for a message: unprintable characters escaped, the middle of a long one left out."""
    escaped = "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in name)
    if len(escaped) <= limit:
        return escaped
    half = (limit - 3) // 2
    return f"{escaped[:half]}...{escaped[-half:]}"


def lacks_columns(missing: Sequence[str]) -> str:
    """Say which of a predictor's columns a table has not, the first ten by name."""
    more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    return f"lacks columns of the predictor: {', '.join(map(repr, missing[:_NAMED]))}{more}"


def size_text(size: int) -> str:
    """Give ``size`` bytes in the unit that a person would use: ``size_text(1_300_000) == "1.3 MB"``."""
    amount = float(size)
    for unit in _UNITS:
        if amount < 1000 or unit == _UNITS[-1]:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError(size)


def os_fault(error: OSError) -> str:
    """Say what the operating system objects to, without its number and path: ``"No space left on device"``."""
    return error.strerror or (os.strerror(error.errno) if error.errno else type(error).__name__)
