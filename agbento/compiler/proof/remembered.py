"""What a predictor remembers of the columns that it was trained on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

Kind = Literal["number", "bool", "date", "text", "category"]

# Names of autogluon.common.features.types, by raw type; special types are looked at first.
_KINDS: Final[dict[str, Kind]] = {"int": "number", "float": "number", "bool": "bool", "datetime": "date"}
_SPECIAL_KINDS: Final[dict[str, Kind]] = {"datetime_as_object": "date", "text": "text"}


@dataclass(frozen=True)
class Column:
    """One column that the predictor needs; ``dtype`` is that of the training column.

    ``levels`` are those that training kept of a category; of one whose dtype is pandas' category, all of it. A
    ``two_valued`` column is a test for being equal to ``true``. ``mean`` is the mean date, as wall time in UTC, and
    ``ngrams`` are those that are counted in a text.
    """

    name: Any
    kind: Kind
    dtype: Any
    levels: tuple[Any, ...] = ()
    two_valued: bool = False
    true: Any = None
    mean: pd.Timestamp | None = None
    ngrams: tuple[str, ...] = ()

    @property
    def is_object(self) -> bool:
        """Whether a column of the training dtype holds any Python value."""
        return bool(self.dtype == np.dtype(object))


def columns(predictor: Any) -> tuple[Column, ...]:
    """Read the columns that a ``TabularPredictor`` needs, in its own order."""
    metadata = predictor.feature_metadata_in
    special = metadata.get_type_map_special()
    generators = list(_walk(predictor._learner.feature_generator))
    dtypes, flags, levels = _dtypes(generators), _flags(generators), _levels(generators)
    means, ngrams = _means(generators), _ngrams(generators)
    found = []
    for name in metadata.get_features():
        raw = metadata.get_feature_type_raw(name)
        kind = next(
            (_SPECIAL_KINDS[s] for s in special.get(name, ()) if s in _SPECIAL_KINDS), _KINDS.get(raw, "category")
        )
        dtype = dtypes.get(name, np.dtype({"int": "int64", "float": "float64", "bool": "bool"}.get(raw, "object")))
        known = tuple(dtype.categories) if isinstance(dtype, pd.CategoricalDtype) and name not in flags else ()
        found.append(
            Column(
                name=name,
                kind=kind,
                dtype=dtype,
                levels=known or levels.get(name, ()),
                two_valued=name in flags,
                true=flags.get(name),
                mean=means.get(name),
                ngrams=ngrams.get(name, ()),
            )
        )
    return tuple(found)


def _walk(generator: Any) -> Iterator[Any]:
    """Walk nested feature generators in the order in which they run."""
    if isinstance(generator, (list, tuple)):
        for one in generator:
            yield from _walk(one)
        return
    yield generator
    yield from _walk(getattr(generator, "generators", None) or ())


def _dtypes(generators: list[Any]) -> dict[Any, Any]:
    """Give the training columns' dtypes, of two-valued ones too, which AutoGluon goes on to hold as int8."""
    for generator in generators:
        if getattr(generator, "_type_map_real_opt", None) is not None:
            raw = generator._feature_metadata_in_real.type_map_raw
            told = generator._type_map_real_opt | {name: raw[name] for name in generator._bool_features or ()}
            return {name: pd.api.types.pandas_dtype(dtype) for name, dtype in told.items()}
    return {}


def _flags(generators: list[Any]) -> dict[Any, Any]:
    """Give the value that counts as true of each two-valued column."""
    return {
        name: value
        for generator in generators
        for name, value in (getattr(generator, "_bool_features", None) or {}).items()
    }


def _levels(generators: list[Any]) -> dict[Any, tuple[Any, ...]]:
    found: dict[Any, tuple[Any, ...]] = {}
    for generator in generators:
        for name, levels in (getattr(generator, "category_map", None) or {}).items():
            # The first generator to hold a column sees the caller's own levels; later ones see codes.
            found.setdefault(name, tuple(levels))
    return found


def _means(generators: list[Any]) -> dict[Any, pd.Timestamp]:
    return {
        name: pd.Timestamp(mean).tz_localize(None)
        for generator in generators
        if type(generator).__name__ == "DatetimeFeatureGenerator"
        for name, mean in (getattr(generator, "_fillna_map", None) or {}).items()
    }


def _ngrams(generators: list[Any]) -> dict[Any, tuple[str, ...]]:
    found: dict[Any, tuple[str, ...]] = {}
    for generator in generators:
        names = getattr(generator, "vectorizer_features", None) or ()
        for counted, vectorizer in zip(names, getattr(generator, "vectorizers", ()), strict=False):
            for name in generator.features_in if counted == "__nlp__" else (counted,):
                found[name] = (*found.get(name, ()), *sorted(vectorizer.vocabulary_))
    return found
