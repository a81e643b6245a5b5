"""What AutoGluon's feature generators do, as a plan: raw columns, how a value of each is read, what slots come of it.

Names of dtypes are pandas'. A raw column is first cast to the dtype that it had in training, and nulls of an object
column become "": that is what ``dtype`` stands for in each kind of input.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from agbento.compiler.plan.slots import Slot


@dataclass(frozen=True)
class Index:
    """Levels as pandas compares them with values: an index of ``dtype``.

    ``array`` holds the levels of a numeric or bool index; of "object" and "string" one, the bytes of a JSON list in
    the form of ``values.encode``; of dates the int64 of the dtype's unit (UTC); of intervals the left bounds, with the
    right ones in ``right``. ``closed`` is the closed side of intervals.
    """

    dtype: str
    array: str
    right: str = ""
    closed: str = ""


@dataclass(frozen=True)
class Constant:
    """A slot that is the same in every row."""

    slot: int
    value: float
    kind: Literal["constant"] = "constant"


@dataclass(frozen=True)
class Number:
    """A number, cast to ``dtype`` as pandas' ``astype`` does; null is 0 where that is an int. "" leaves it as it is."""

    column: str
    slot: int
    dtype: str
    kind: Literal["number"] = "number"


@dataclass(frozen=True)
class Flag:
    """1 where the raw value equals ``value`` (JSON, as ``values.encode`` gives it), else 0.

    Batches of fewer than ``objects_below`` rows compare Python objects, others a pandas column with the value.
    """

    column: str
    slot: int
    value: str
    objects_below: int
    kind: Literal["flag"] = "flag"


@dataclass(frozen=True)
class Category:
    """The position of a value's level, after a cast to ``dtype``.

    ``positions`` (int32) turns positions in ``index`` into those of the slot's levels, -1 where training kept none; ""
    where they are the same. ``missing`` stands for a value that is missing or no level.
    """

    column: str
    slot: int
    dtype: str
    index: Index
    positions: str = ""
    missing: int = -1
    kind: Literal["category"] = "category"


@dataclass(frozen=True)
class Date:
    """A moment in UTC: ``parts`` are "time" (whole ``unit`` since 1970) or names of ``Series.dt``, each with its slot.

    ``missing`` is what each part is where there is no date.
    """

    column: str
    dtype: str
    unit: Literal["s", "ms", "us", "ns"]
    parts: tuple[tuple[str, int], ...]
    missing: tuple[int, ...]
    kind: Literal["date"] = "date"


@dataclass(frozen=True)
class Statistic:
    """One number of a text; ``symbol`` is what "symbol_count" and "symbol_ratio" count.

    ``bins`` (float64, rising) turns it into the number of bins that end below it; "" leaves it as it is.
    """

    slot: int
    measure: str
    symbol: str = ""
    bins: str = ""


@dataclass(frozen=True)
class Text:
    """Numbers of one text, cast to ``dtype`` and then written as Python's ``str`` does."""

    column: str
    dtype: str
    statistics: tuple[Statistic, ...]
    kind: Literal["text"] = "text"


@dataclass(frozen=True)
class Words:
    """How often each n-gram of a vocabulary is in the texts of ``columns``, joined by ". ".

    ``vocabulary`` is a JSON list of n-grams; ``slots`` (int32) the slot of each, -1 for none. ``total`` is the slot of
    the number of n-grams that are there, -1 for none. Counts overflow as ``dtype`` does.
    """

    columns: tuple[str, ...]
    dtypes: tuple[str, ...]
    lowercase: bool
    pattern: str
    shortest: int
    longest: int
    binary: bool
    dtype: str
    vocabulary: str
    slots: str
    total: int
    kind: Literal["words"] = "words"


@dataclass(frozen=True)
class Null:
    """1 where a value is null after the cast to ``dtype``, else 0; "" is null in an object column."""

    column: str
    slot: int
    dtype: str
    kind: Literal["null"] = "null"


Input = Annotated[Constant | Number | Flag | Category | Date | Text | Words | Null, Field(discriminator="kind")]


@dataclass(frozen=True)
class Features:
    """The way from a raw row to the first slots of the matrix.

    ``required`` are all columns that AutoGluon asks for, those too that no slot comes of. ``names_as_text`` says that
    names of columns were no strings in training: then any name is compared by its ``str``.
    """

    required: tuple[str, ...]
    inputs: tuple[Input, ...]
    slots: tuple[Slot, ...]
    names_as_text: bool = False
    kind: Literal["features"] = "features"
