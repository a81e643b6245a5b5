"""AutoGluon's fitted feature generators, read one by one: columns in, columns out.

Each reader does to ``Column``s what the generator's ``_transform`` does to a DataFrame; what all generators do around
that is in ``features``. From the source of autogluon.features 1.6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from agbento.compiler.errors import NotNative
from agbento.compiler.frontends.feature_columns import (
    Column,
    Columns,
    Constant,
    DatePart,
    Flag,
    IsNull,
    Leveled,
    Raw,
    Statistic,
    Typed,
)
from agbento.compiler.frontends.feature_words import read_words

_PARTS = ("year", "month", "day", "dayofweek", "day_of_week", "weekday", "hour", "minute", "second")
_MEASURES = ("char_count", "word_count", "capital_ratio", "lower_ratio", "digit_ratio", "special_ratio")


def _astype(generator: Any, columns: Columns) -> Columns:
    out: Columns = {}
    flags, dtypes = generator._bool_features or {}, generator._type_map_real_opt
    whole = set(generator._int_features.tolist())
    below = generator._convert_bool_method_v2_row_threshold if flags and generator._use_fast_bool_method else 0
    for name, column in columns.items():
        if not isinstance(column, Raw):
            raise NotNative(f"AsTypeFeatureGenerator over {name!r}, which is no raw column")
        if name in flags:
            out[name] = Flag(column.name, flags[name], below)
            continue
        dtype = pd.api.types.pandas_dtype(dtypes[name])
        if (getattr(dtype, "kind", "") in ("i", "u")) != (name in whole):
            raise NotNative(f"column {name!r} is {dtype}, and AutoGluon treats it otherwise")
        out[name] = Typed(column.name, dtype)
    return out


def _fillna(generator: Any, columns: Columns) -> Columns:
    out = dict(columns)
    for name, value in generator._fillna_feature_map.items():
        column = columns[name]
        if not isinstance(column, Typed) or not column.is_text or value != "":
            raise NotNative(f"FillNaFeatureGenerator puts {value!r} for null in {name!r}")
        out[name] = replace(column, filled=True)
    return out


def _same(_: Any, columns: Columns) -> Columns:
    return columns


def _rename(generator: Any, columns: Columns) -> Columns:
    if not generator._is_updated_name:
        return columns
    return dict(zip(generator.features_out, columns.values(), strict=True))


def _category(generator: Any, columns: Columns) -> Columns:
    if not generator._stateful_categories or generator.category_map is None:
        raise NotNative("CategoryFeatureGenerator without levels of its own")
    out: Columns = {}
    for name, levels in generator.category_map.items():
        fill = (generator._fillna_map or {}).get(name)
        missing = -1 if fill is None else int(levels.get_loc(fill))
        out[name] = Leveled(_typed(columns[name], name), levels, missing)
    return out


def _numbered(generator: Any, columns: Columns) -> Columns:
    out: Columns = {}
    for name, levels in generator._category_maps.items():
        column = columns[name]
        if not isinstance(column, Leveled) or list(levels) != list(range(len(column.levels))):
            raise NotNative(f"the levels of {name!r} are renamed to something else than 0, 1, 2 …")
        out[name] = replace(column, numbered=True)
    return out or columns


def _datetime(generator: Any, columns: Columns) -> Columns:
    unknown = [part for part in generator.features if part not in _PARTS]
    if unknown:
        raise NotNative(f"parts of dates: {', '.join(unknown)}")
    sources = {name: _typed(columns[name], name) for name in generator.features_in}
    # What a null becomes is what the generator itself makes of one.
    missing = generator._transform(pd.DataFrame({name: _null(source) for name, source in sources.items()}))
    out: Columns = {}
    for name, source in sources.items():
        for part in ("time", *generator.features):
            made = name if part == "time" else f"{name}.{part}"
            out[made] = DatePart(source, part, int(missing[made].iloc[0]))
    return out


def _null(source: Typed) -> Any:
    return pd.Series([""] if source.is_text else [None], dtype=source.dtype)


def _text_special(generator: Any, columns: Columns) -> Columns:
    out: Columns = {}
    for name in generator.features_in:
        source, names = _typed(columns[name], name), generator._feature_names_dict[name]
        for measure in _MEASURES:
            dtype = "float32" if measure.endswith("ratio") else "uint32"
            out[names[measure]] = Statistic(source, measure, "", dtype)
        for symbol in generator._symbols_per_feature[name].tolist():
            # AutoGluon counts a regular expression: a backslash and the symbol.
            if len(symbol) != 1 or symbol.isalnum():
                raise NotNative(f"TextSpecialFeatureGenerator counts {symbol!r}")
            out[names[symbol]["count"]] = Statistic(source, "symbol_count", symbol, "uint32")
            out[names[symbol]["ratio"]] = Statistic(source, "symbol_ratio", symbol, "float32")
    return out


def _binned(generator: Any, columns: Columns) -> Columns:
    out: Columns = {}
    for name, bins in generator._bin_map.items():
        column = columns[name]
        if not isinstance(column, Statistic) or column.bins is not None:
            raise NotNative(f"BinnedFeatureGenerator over {name!r}")
        if np.any(np.diff(bins) < 0) or np.isnan(bins).any():
            raise NotNative(f"bins of {name!r} that do not rise")
        dtype = np.dtype(generator._astype_map[name])
        if len(bins) > np.iinfo(dtype).max:
            raise NotNative(f"{name!r} has more bins than {dtype} holds")
        out[name] = replace(column, bins=tuple(map(float, bins)), dtype=dtype.name)
    return out


def _is_null(generator: Any, columns: Columns) -> Columns:
    out: Columns = {}
    for name in generator.features_in:
        source = _typed(columns[name], name)
        value = generator._null_feature_map.get(name)
        if (value is None) == source.is_text or (value is not None and value != ""):
            raise NotNative(f"IsNanFeatureGenerator looks for {value!r} in {name!r}, which is {source.dtype}")
        out["__nan__." + name] = IsNull(source)
    return out


def _dummy(*_: Any) -> Columns:
    return {"__dummy__": Constant()}


def _typed(column: Column, name: str) -> Typed:
    """Give the cast column.

    Raises:
        NotNative: it is something else, or may still have nulls of objects.
    """
    if not isinstance(column, Typed):
        raise NotNative(f"a generator reads {name!r}, which another one made")
    if column.is_text and not column.filled:
        raise NotNative(f"nulls of {name!r} are not filled")
    return column


def _words(generator: Any, columns: Columns) -> Columns:
    return read_words(generator, {name: _typed(column, name) for name, column in columns.items()})


# By name: a subclass is something else, even of the same name in another module, which `features` looks at.
READERS: dict[str, Callable[[Any, Columns], Columns]] = {
    "AsTypeFeatureGenerator": _astype,
    "BinnedFeatureGenerator": _binned,
    "CategoryFeatureGenerator": _category,
    "CategoryMemoryMinimizeFeatureGenerator": _numbered,
    "DatetimeFeatureGenerator": _datetime,
    "DropDuplicatesFeatureGenerator": _same,
    "DropUniqueFeatureGenerator": _same,
    "DummyFeatureGenerator": _dummy,
    "FillNaFeatureGenerator": _fillna,
    "IdentityFeatureGenerator": _same,
    "IsNanFeatureGenerator": _is_null,
    "RenameFeatureGenerator": _rename,
    "TextNgramFeatureGenerator": _words,
    "TextSpecialFeatureGenerator": _text_special,
}
