"""How much of a table's body may be made of it in memory."""

from __future__ import annotations

from agbento.errors import BodyTooLarge

# A body may have one value for so many bytes of its limit: each is an entry of a dict, and the shortest of JSON takes
# as many. Parquet's columns that do not fit the file's few bytes, and CSV's empty fields, make much out of little.
BYTES_PER_VALUE = 4


def check_values(rows: int, columns: int, max_bytes: int) -> None:
    """Check that a table of ``rows`` has not more values than is in proportion to a body's limit.

    Raises:
        BodyTooLarge: it has.
    """
    if (values := rows * columns) > (most := max_bytes // BYTES_PER_VALUE):
        told = f"the body has {values} values, expected at most {most}"
        raise BodyTooLarge(f"{told}: send fewer rows at once, or only the columns that the model uses")
