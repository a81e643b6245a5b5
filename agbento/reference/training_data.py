"""The rows that a predictor was trained on, where it still has them, brought back to what callers send.

AutoGluon keeps them as its models take them (``utils/data/X.pkl``): numbers as they are, categories as codes, columns
of two values as flags, dates as whole numbers. Words that were counted cannot be brought back.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from agbento.describe import levels_of, mean_dates
from agbento.predictor import Predictions
from agbento.reference.rows import MAX_ROWS, SEED
from agbento.rows import Batch, Column
from agbento.schema import Feature
from agbento.values.levels import UNSEEN
from agbento.values.numbers import number_dtype
from agbento.watching.tallies import held_as

_FILE = Path("utils", "data", "X.pkl")


def is_kept(predictor: Path) -> bool:
    """Tell whether the predictor in this folder still has them."""
    return (predictor / _FILE).is_file()


class TrainingData:
    """The training rows of an opened predictor, at most `MAX_ROWS`, sampled.

    Every class in the file is to be allowed when it is made: it is unpickled.
    """

    def __init__(self, predictor: Any) -> None:
        self._predictor = predictor
        held = predictor._trainer.load_X()
        self.frame: pd.DataFrame = held if len(held) <= MAX_ROWS else held.sample(MAX_ROWS, random_state=SEED)
        self._levels = levels_of(predictor)
        self._means = mean_dates(predictor)

    def batch(self, features: tuple[Feature, ...]) -> tuple[Batch, dict[str, str]]:
        """Give what columns of callers would hold, and by name why one cannot be brought back."""
        columns: dict[str, Column] = {}
        why: dict[str, str] = {}
        for feature in features:
            if feature.type == "text" and feature.two_valued is None:
                why[feature.name] = "its training values are kept as counts of words"
            elif feature.name not in self.frame.columns:
                why[feature.name] = "its training values are not kept, for its models do without them"
            elif feature.two_valued is not None and feature.nulls is not False:
                why[feature.name] = "its training values do not tell null from the other value"
            elif (found := self._column(feature, self.frame[feature.name])) is None:
                why[feature.name] = "its training values are kept in a way that cannot be read back"
            else:
                columns[feature.name] = found
        brought = [feature for feature in features if feature.name in columns]
        return Batch(brought, len(self.frame), columns), why

    def answers(self, shuffled: str | None, rows: np.ndarray[Any, Any], order: np.ndarray[Any, Any]) -> Predictions:
        """Answer these rows (positions), the feature ``shuffled`` taken from the rows ``order`` instead."""
        frame = self.frame.iloc[rows]
        if shuffled is not None:
            other = self.frame.iloc[order]
            own = [name for name in frame.columns if name == shuffled or str(name).startswith(f"{shuffled}.")]
            frame = frame.assign(**{name: other[name].array for name in own})
        if self._predictor.problem_type not in ("binary", "multiclass"):
            return Predictions(self._predictor.predict(frame, as_pandas=False, transform_features=False))
        found = self._predictor.predict_proba(frame, as_multiclass=True, transform_features=False)
        classes = self._predictor.predict_from_proba(found)
        return Predictions(np.array(classes.tolist(), dtype=object), found.to_numpy())

    def _column(self, feature: Feature, held: pd.Series[Any]) -> Column | None:
        if feature.two_valued is not None:
            true = held_as(feature, feature.two_valued.true)
            return [true if flag else UNSEEN for flag in held.astype(bool)]
        if feature.type == "bool":
            return [bool(flag) for flag in held]
        if feature.type in ("int", "float"):
            return held.to_numpy().astype(number_dtype(feature)) if held.dtype.kind in "iuf" else None
        if feature.type == "datetime":
            return self._dates(feature, held) if held.dtype.kind in "iuf" else None
        return self._categories(feature, held)

    def _dates(self, feature: Feature, held: pd.Series[Any]) -> Column:
        # Null is kept as the mean, which no other date is likely to be to the nanosecond.
        mean = self._means.get(feature.name)
        numbers = held.to_numpy().astype(np.int64)
        unit = "ns"
        if feature.holds_timestamps:
            unit = str(np.datetime_data(np.dtype(feature.dtype.partition(",")[0].rstrip("]") + "]"))[0])
        dates = numbers.astype(f"datetime64[{unit}]").astype("datetime64[ns]")
        if mean is not None:
            dates[numbers == mean.value] = np.datetime64("NaT")
        return dates

    def _categories(self, feature: Feature, held: pd.Series[Any]) -> Column | None:
        levels = self._levels.get(feature.name)
        if levels is None or not isinstance(held.dtype, pd.CategoricalDtype) or feature.type == "text":
            return None
        # A column of texts had its nulls made a level, so what has none was a rare text; in one of categories it was
        # null, as far as can be told.
        none = None if feature.dtype == "category" else UNSEEN
        codes = held.astype(object)
        if not all(
            pd.isna(code) or (isinstance(code, (int, np.integer)) and 0 <= code < len(levels)) for code in codes
        ):
            return None
        meant: Callable[[Any], Any] = lambda code: none if pd.isna(code) else levels[code]  # noqa: E731
        return [None if (level := meant(code)) == "" else level for code in codes]
