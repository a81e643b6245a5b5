"""What comes out of AutoGluon's feature generators → slots and inputs of a plan."""

from __future__ import annotations

import json
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from agbento.compiler.arrays import Arrays
from agbento.compiler.errors import NotNative
from agbento.compiler.frontends.feature_columns import (
    Column,
    Constant,
    DatePart,
    Flag,
    Gram,
    IsNull,
    Leveled,
    Raw,
    Statistic,
    Typed,
)
from agbento.compiler.plan import features as plan
from agbento.compiler.plan.slots import Level, Slot
from agbento.compiler.plan.values import decode, encode


def slot_of(column: Column, index: int, name: str) -> Slot:
    """Describe the slot of a column.

    Raises:
        NotNative: the models would get something that is neither a number nor a category.
    """
    match column:
        case Raw(given, dtype):
            if not dtype.startswith(("int", "uint", "float")):
                raise NotNative(f"column {given!r} goes to the models as {dtype or 'it is'}, uncast")
            return Slot(index, name, dtype)
        case Typed(given, dtype):
            if not isinstance(dtype, np.dtype) or dtype.kind not in "iuf" or dtype.itemsize > 8:
                raise NotNative(f"column {given!r} goes to the models as {dtype}")
            return Slot(index, name, dtype.name)
        case Leveled(source, levels):
            kept = range(len(levels)) if column.numbered else [_scalar(level, source.name) for level in levels]
            dtype = "int64" if column.numbered else str(levels.dtype)
            return Slot(index, name, "category", tuple(kept), dtype)
        case Statistic() | Gram():
            return Slot(index, name, column.dtype)
        case Flag():
            return Slot(index, name, "int8")
        case IsNull():
            return Slot(index, name, "uint8")
        case DatePart() | Constant():
            return Slot(index, name, "int64")


def key_of(column: Column, index: int) -> Hashable:
    """Give what the columns share that one input gives; ``index`` is the column's own number."""
    match column:
        case DatePart(source) | Statistic(source):
            return type(column), source.name
        case Gram(vocabulary):
            return id(vocabulary)
        case _:
            return "alone", index


def input_of(group: list[tuple[Column, int]], arrays: Arrays) -> plan.Input:
    """Give the input for columns that share a key, each with its slot; arrays are put into ``arrays``.

    Raises:
        NotNative: levels or values that have no form in a plan.
    """
    column, slot = group[0]
    match column:
        case Raw(name):
            return plan.Number(name, slot, "")
        case Typed(name):
            return plan.Number(name, slot, column.dtype.name)
        case Flag(name):
            told = _encoded(column.value, f"the two-valued column {name!r}")
            return plan.Flag(name, slot, json.dumps(told), column.objects_below)
        case Leveled():
            return _category(column, slot, arrays)
        case IsNull(source):
            return plan.Null(source.name, slot, source.spelled)
        case DatePart(source):
            parts = [(one, at) for one, at in group if isinstance(one, DatePart)]
            named = tuple((one.part, at) for one, at in parts)
            missing = tuple(one.missing for one, _ in parts)
            return plan.Date(source.name, source.spelled, source.unit, named, missing)  # type: ignore[arg-type]
        case Statistic(source):
            found = tuple(_statistic(one, at, arrays) for one, at in group if isinstance(one, Statistic))
            return plan.Text(source.name, source.spelled, found)
        case Gram():
            return _words(column, {one.position: at for one, at in group if isinstance(one, Gram)}, arrays)
        case Constant():
            return plan.Constant(slot, 0.0)


def _category(column: Leveled, slot: int, arrays: Arrays) -> plan.Category:
    """Give a category with its levels as pandas compares them: those of the cast, where the raw column was one."""
    source, index, positions = column.source, column.levels, ""
    prefix = f"features/{source.name}/"
    if isinstance(source.dtype, pd.CategoricalDtype):
        index = source.dtype.categories
        found = column.levels.get_indexer(index).astype(np.int32)
        if not np.array_equal(found, np.arange(len(index))):
            positions = arrays.put(prefix + "positions", found)
    told = _index(index, source.name, arrays)
    return plan.Category(source.name, slot, source.spelled, told, positions, column.missing)


def _index(index: Any, column: str, arrays: Arrays) -> plan.Index:
    """Put the levels of a pandas index into arrays."""
    dtype, name = index.dtype, f"features/{column}/levels"
    if isinstance(dtype, pd.IntervalDtype) and getattr(dtype.subtype, "kind", "") in ("i", "u", "f"):
        left, right = arrays.put(name, index.left.to_numpy()), arrays.put(name, index.right.to_numpy())
        return plan.Index("interval", left, right, index.closed)
    if isinstance(index, pd.DatetimeIndex):
        moments = index if index.tz is None else index.tz_convert(None)
        return plan.Index(str(dtype), arrays.put(name, moments.to_numpy().astype(np.int64)))
    if isinstance(dtype, np.dtype) and dtype.kind in "iufb":
        return plan.Index(dtype.name, arrays.put(name, index.to_numpy()))
    if pd.api.types.is_object_dtype(dtype) or isinstance(dtype, pd.StringDtype):
        told = json.dumps([_encoded(level, f"category {column!r}") for level in index])
        spelled = f"string[{dtype.storage}]" if isinstance(dtype, pd.StringDtype) else "object"
        return plan.Index(spelled, arrays.put_bytes(name, told.encode()))
    raise NotNative(f"category {column!r} has levels of dtype {dtype}")


def _statistic(column: Statistic, slot: int, arrays: Arrays) -> plan.Statistic:
    bins = ""
    if column.bins is not None:
        bins = arrays.put(f"features/{column.source.name}/bins", np.array(column.bins, np.float64))
    return plan.Statistic(slot, column.measure, column.symbol, bins)


def _words(column: Gram, slots: dict[int, int], arrays: Arrays) -> plan.Words:
    sources, vectorizer = column.vocabulary.sources, column.vocabulary.vectorizer
    ngrams = sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.__getitem__)
    shortest, longest = vectorizer.ngram_range
    places = np.array([slots.get(i, -1) for i in range(len(ngrams))], np.int32)
    return plan.Words(
        columns=tuple(source.name for source in sources),
        dtypes=tuple(source.spelled for source in sources),
        lowercase=bool(vectorizer.lowercase),
        pattern=vectorizer.token_pattern,
        shortest=int(shortest),
        longest=int(longest),
        binary=bool(vectorizer.binary),
        dtype=np.dtype(vectorizer.dtype).name,
        vocabulary=arrays.put_bytes("features/vocabulary", json.dumps(ngrams).encode()),
        slots=arrays.put("features/ngrams", places),
        total=slots.get(-1, -1),
    )


def _encoded(value: Any, where: str) -> Any:
    """Encode a value for JSON, and see that it comes back the same."""
    try:
        told = encode(value)
    except TypeError as error:
        raise NotNative(f"{where} has {error}") from error
    again = decode(json.loads(json.dumps(told)))
    same = bool(again == value) or (again != again and value != value)
    if not same or str(getattr(again, "tzinfo", None)) != str(getattr(value, "tzinfo", None)):
        raise NotNative(f"{where} has a value that does not come back from JSON the same: {value!r}")
    return told


def _scalar(level: Any, column: str) -> Level:
    plain = level.item() if isinstance(level, np.generic) else level
    if plain is not None and type(plain) not in (bool, int, float, str):
        raise NotNative(f"category {column!r} goes to the models with levels of type {type(level).__name__}")
    return plain  # type: ignore[no-any-return]
