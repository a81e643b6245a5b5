"""The column names at the top of a table: CSV's first line, Parquet's schema."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import islice

from agbento.errors import MalformedBody
from agbento.text import shown

_SHOWN = 5
_LENGTH = 60  # characters of a name in a message


def check_names(names: Sequence[str], columns: Collection[str], where: str, hint: str = "") -> None:
    """Check a table's column names against those that the model needs.

    Several columns without a name are fine (pandas writes its index so), unless ``columns`` has one.

    Args:
        names: the table's, in its order.
        columns: the model's.
        where: what has the names, for the message: ``"line 1"``.
        hint: how to mend a table that has none of ``columns``, for the end of the message.

    Raises:
        MalformedBody: a name comes twice, or none of ``columns`` is there.
    """
    wanted = frozenset(columns)
    twice = [name for name, count in Counter(names).items() if count > 1 and (name or name in wanted)]
    if twice:
        raise MalformedBody(f"{where} has columns of the same name, expected each once: {_listed(twice)}")
    if wanted.isdisjoint(names):
        raise MalformedBody(f"{where} names none of the model's columns, expected such as {_listed(columns)}{hint}")


def _listed(names: Collection[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(f"'{shown(name, _LENGTH)}'" for name in islice(names, _SHOWN)) + more
