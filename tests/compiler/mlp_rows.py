"""Rows for the networks' tests: columns of every kind, as AutoGluon's frames and as the compiler's matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from autogluon.common.features.feature_metadata import FeatureMetadata
from hypothesis import strategies as st

from agbento.compiler.arrays import Arrays
from agbento.compiler.frontends.context import Context
from agbento.compiler.native.contract import Evaluate
from agbento.compiler.plan.slots import Slot
from tests.frames import categorical

Matrix = npt.NDArray[np.float64]
LEVELS = (0.1, 0.5, 0.9)
_TOWNS = [f"town{i}" for i in range(30)]


@dataclass
class Trained:
    """AutoGluon's model, and what the compiler made of it."""

    model: Any
    slots: tuple[Slot, ...]
    leaf: Any
    arrays: Arrays
    evaluate: Evaluate
    known: pd.DataFrame

    def native(self, rows: Matrix) -> npt.NDArray[Any]:
        """Answer rows of all slots as the caller of a leaf does."""
        return self.evaluate(np.ascontiguousarray(rows[:, list(self.leaf.columns)]))

    def autogluon(self, rows: Matrix) -> npt.NDArray[Any]:
        with np.errstate(all="ignore"):
            return np.asarray(self.model._predict_proba(frame_of(rows, self.slots)))


def features(rows: int, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "double": random.normal(3, 20, rows),
            "single": random.normal(size=rows).astype("float32"),
            "skewed": np.exp(random.normal(0, 2, rows)),
            "mostly zero": np.where(random.random(rows) < 0.6, 0, np.exp(random.normal(size=rows))),
            "skewed single": np.exp(random.normal(0, 2, rows)).astype("float32"),
            "date": random.integers(1_500_000_000, 1_700_000_000, rows) * 1_000_000_000,
            "small": random.integers(-40, 40, rows).astype("int8"),
            "two": random.choice([2.5, 7.0], rows),
            "one or none": random.choice([1.5, np.nan], rows),
            "flag": random.integers(0, 2, rows).astype("int8"),
            "side": categorical(random.integers(0, 2, rows), ["left", "right"]),
            "few": categorical(random.integers(-1, 2, rows), ["x", "y", "z"]),
            "letter": categorical(random.integers(-1, 7, rows), list("abcdefgh")),
            "town": categorical((random.random(rows) ** 2 * 30).astype(int), _TOWNS),
        }
    )
    for column in ("double", "single", "skewed", "skewed single"):
        frame.loc[random.random(rows) < 0.1, column] = np.nan
    return frame


def target(frame: pd.DataFrame, problem: str) -> pd.Series:
    noise = np.random.default_rng(1).normal(size=len(frame))
    number = frame["double"].fillna(0) / 20 + np.log(frame["skewed"].fillna(1)) + frame["letter"].cat.codes + noise
    if problem == "binary":
        return pd.Series((number > number.median()).astype(int))
    if problem == "multiclass":
        return pd.Series(pd.qcut(number, 4, labels=False), index=frame.index)
    return pd.Series(number)


def metadata(frame: pd.DataFrame) -> FeatureMetadata:
    raw = {"float64": "float", "float32": "float", "int64": "int", "int8": "int", "category": "category"}
    return FeatureMetadata({name: raw[str(dtype)] for name, dtype in frame.dtypes.items()}, {"bool": ["flag"]})


def slots_of(frame: pd.DataFrame) -> tuple[Slot, ...]:
    """Slots from 3 on: a leaf's columns are not the matrix's first."""
    return tuple(
        Slot(i, str(name), str(column.dtype), tuple(column.cat.categories) if column.dtype == "category" else None)
        for i, (name, column) in enumerate(frame.items(), 3)
    )


def matrix_of(frame: pd.DataFrame) -> Matrix:
    columns = [
        column.cat.codes.to_numpy(float) if column.dtype == "category" else column.to_numpy(float)
        for _, column in frame.items()
    ]
    return np.column_stack([np.full((len(frame), 3), np.nan), *columns])


def frame_of(rows: Matrix, slots: tuple[Slot, ...]) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for slot in slots:
        numbers = rows[:, slot.index]
        if slot.levels is None:
            columns[slot.name] = numbers.astype(slot.dtype)
        else:
            columns[slot.name] = categorical(numbers.astype(int), list(slot.levels))
    return pd.DataFrame(columns)


def fit(model_class: Any, problem: str, folder: str, options: dict[str, Any], frame: pd.DataFrame) -> Any:
    """Train a model of ``model_class`` on all but the last 60 rows, which are for validation."""
    levels = {"ag.quantile_levels": list(LEVELS)} if problem == "quantile" else {}
    labels = target(frame, problem)
    model = model_class(path=folder, name="net", problem_type=problem, hyperparameters=options | levels)
    model.fit(
        X=frame[:-60],
        y=labels[:-60],
        X_val=frame[-60:],
        y_val=labels[-60:],
        feature_metadata=metadata(frame),
        num_cpus=1,
        num_gpus=0,
    )
    return model


def compiled(model: Any, frontend: Any, native: Any, frame: pd.DataFrame) -> Trained:
    """Read a model and bind what was read."""
    slots = slots_of(frame)
    arrays = Arrays()
    aligned = tuple(slot for name in model.features for slot in slots if slot.name == name)
    levels = LEVELS if model.problem_type == "quantile" else ()
    leaf = frontend.read(model, Context("net", aligned, arrays, model.problem_type, model.num_classes or 0, levels))
    return Trained(model, slots, leaf, arrays, native.bind(leaf, arrays, 1), frame)


def any_rows(slots: tuple[Slot, ...], known: pd.DataFrame) -> st.SearchStrategy[Matrix]:
    """Some rows: what was trained on, and what never was, missing or huge."""
    kinds: list[st.SearchStrategy[float]] = [st.just(np.nan)] * 3
    for slot in slots:
        if slot.levels is not None:
            kinds.append(st.integers(-1, len(slot.levels) - 1).map(float))
        elif slot.dtype.startswith("float"):
            seen = st.sampled_from(known[slot.name].dropna().tolist())
            width: Literal[32, 64] = 32 if slot.dtype == "float32" else 64
            wild = st.floats(allow_nan=True, allow_infinity=False, width=width)
            kinds.append(seen | seen | st.floats(-100, 100, width=width) | wild)
        else:
            bounds = np.iinfo(slot.dtype)
            kinds.append(st.integers(max(bounds.min, -(2**53)), min(bounds.max, 2**53)).map(float))
    return st.lists(st.tuples(*kinds), min_size=1, max_size=7).map(lambda rows: np.array(rows, float))


def close(got: npt.NDArray[Any], expected: npt.NDArray[Any], within: float, spread: float) -> None:
    """Equal shapes and types, NaN where NaN is, else nearer than ``within`` of a number or of all numbers' spread."""
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    apart = np.abs(got.astype(float) - expected) / np.maximum(np.abs(expected), spread)
    assert not np.nanmax(apart, initial=0) > within, np.nanmax(apart)
