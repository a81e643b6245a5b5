"""A row or a column is read as AutoGluon's own feature generators read it."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from autogluon.features.generators import AutoMLPipelineFeatureGenerator
from autogluon.tabular import TabularPredictor
from pydantic import TypeAdapter

from agbento.compiler.arrays import Arrays
from agbento.compiler.frontends.features import read_features, read_generator
from agbento.compiler.native.raw_columns import RawColumn
from agbento.compiler.native.rows import RowEncoder
from agbento.compiler.plan.features import Date, Features
from agbento.compiler.proof.stock import quiet
from sample.odd_columns import LABEL, odd_rows
from tests.frames import columns, records

FEATURES = TypeAdapter(Features)
# pandas and AutoGluon warn of values that these tests are about.
pytestmark = pytest.mark.filterwarnings("ignore")


@dataclass
class Pair:
    """A fitted generator, and what was read from it."""

    generator: Any
    features: Features
    encoder: RowEncoder

    def expected(self, frame: pd.DataFrame) -> Any:
        """What AutoGluon makes of ``frame``, as the matrix: the oracle."""
        made = self.generator.transform(frame.copy())
        assert list(made.columns) == [slot.name for slot in self.features.slots]
        for slot in self.features.slots:
            assert str(made[slot.name].dtype) == slot.dtype
            if slot.levels is not None:
                assert tuple(made[slot.name].cat.categories) == slot.levels
                assert str(made[slot.name].cat.categories.dtype) == slot.levels_dtype
        taken = [made[name].cat.codes if dtype == "category" else made[name] for name, dtype in made.dtypes.items()]
        return np.stack([column.to_numpy(dtype="float64") for column in taken], axis=1)

    def check_columns(self, columns: Mapping[str, Any]) -> None:
        """The columns, in any form, give what AutoGluon gives for the DataFrame of them."""
        frame = pd.DataFrame({n: c.to_pandas() if hasattr(c, "to_pandas") else c for n, c in columns.items()})
        np.testing.assert_array_equal(self.encoder.columns(columns), self.expected(frame))

    def check_row(self, row: Mapping[str, Any]) -> None:
        """The row gives what AutoGluon gives for the DataFrame of that row."""
        np.testing.assert_array_equal(self.encoder.row(row), self.expected(pd.DataFrame([row])))


def pair(frame: pd.DataFrame, generator: Any = None, folder: Path | None = None) -> Pair:
    """Fit a generator (AutoGluon's default) and read it; plan and arrays go through JSON and, given a folder, files."""
    with quiet():
        generator = generator or AutoMLPipelineFeatureGenerator(verbosity=0)
        generator.fit_transform(frame.copy())
        arrays = Arrays()
        features = read_generator(generator, arrays)
    told = FEATURES.validate_json(FEATURES.dump_json(features))
    assert told == features
    if folder is not None:
        arrays.save(folder / "arrays", folder / "index")
        arrays = Arrays.load(folder / "arrays", folder / "index")
    return Pair(generator, told, RowEncoder(told, arrays))


@pytest.fixture(scope="module")
def odd_frame() -> pd.DataFrame:
    return odd_rows(n=300).drop(columns=LABEL)


@pytest.fixture(scope="module")
def odd(odd_frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return pair(odd_frame, folder=tmp_path_factory.mktemp("arrays"))


def test_rows_of_training(odd: Pair, odd_frame: pd.DataFrame) -> None:
    answered = 0
    for row in records(odd_frame.head(40)):
        try:
            expected = odd.expected(pd.DataFrame([row]))
        except TypeError:  # AutoGluon takes NaT for a date without a zone, and refuses it in a column with one
            with pytest.raises(ValueError, match="dates in Paris"):
                odd.encoder.row(row)
            continue
        np.testing.assert_array_equal(odd.encoder.row(row), expected)
        answered += 1
    assert answered > 30


def test_frame_of_training(odd: Pair, odd_frame: pd.DataFrame) -> None:
    odd.check_columns(columns(odd_frame))


def test_frame_with_an_index_of_its_own(odd: Pair, odd_frame: pd.DataFrame) -> None:
    shuffled = odd_frame.sample(frac=1, random_state=0)
    got = odd.encoder.columns(columns(shuffled))
    np.testing.assert_array_equal(got, odd.expected(shuffled))


def test_lists(odd: Pair, odd_frame: pd.DataFrame) -> None:
    odd.check_columns({name: column.tolist() for name, column in columns(odd_frame).items()})


def test_numpy_arrays(odd: Pair, odd_frame: pd.DataFrame) -> None:
    plain = {n: c.to_numpy() if isinstance(c.dtype, np.dtype) else c for n, c in columns(odd_frame).items()}
    odd.check_columns(plain)


def test_arrow(odd: Pair, odd_frame: pd.DataFrame) -> None:
    # Arrow has no type for intervals, and none for a column of mixed objects.
    mixed = [n for n, c in odd_frame.items() if c.dtype == object and len(set(map(type, c.dropna()))) > 1]
    others = {n: c if n in (*mixed, "intervals") else pa.array(c) for n, c in columns(odd_frame).items()}
    odd.check_columns(others)
    odd.check_columns({n: pa.chunked_array([c, c]) if isinstance(c, pa.Array) else [*c, *c] for n, c in others.items()})


def test_rows_are_a_frame(odd: Pair, odd_frame: pd.DataFrame) -> None:
    rows = records(odd_frame.head(20).drop(columns="dates in Paris"))
    rows = [{**row, "dates in Paris": "2024-01-02T03:04:05Z"} for row in rows]
    np.testing.assert_array_equal(odd.encoder.rows(rows), odd.expected(pd.DataFrame(rows)))
    np.testing.assert_array_equal(odd.encoder.rows(rows[:1]), odd.encoder.row(rows[0]))


def test_no_rows(odd: Pair) -> None:
    assert odd.encoder.columns({name: [] for name in odd.features.required}).shape == (0, len(odd.features.slots))


def test_extra_columns_are_ignored(odd: Pair, odd_frame: pd.DataFrame) -> None:
    some = columns(odd_frame.head(5))
    np.testing.assert_array_equal(odd.encoder.columns({**some, "x": [1]}), odd.encoder.columns(some))


@pytest.mark.parametrize("absent", [["int 64", "text"], ["dates as texts", "dates as objects"]])
def test_missing_columns_are_named(odd: Pair, odd_frame: pd.DataFrame, absent: list[str]) -> None:
    row = records(odd_frame.drop(columns=absent))[0] | {"dates in Paris": None}
    asks: list[Callable[[], Any]] = [
        lambda: odd.encoder.row(row),
        lambda: odd.encoder.rows([row, row]),
        lambda: odd.encoder.columns(row),
    ]
    for ask in asks:
        with pytest.raises(KeyError, match=f"{absent[0]}.*{absent[1]}"):
            ask()


@pytest.mark.parametrize(
    ("name", "value"),
    [("int 64", "x"), ("größe", "x"), ("dates", "x"), ("int 64", float("inf")), ("category", ["x"]), ("int(8)", {})],
)
def test_what_cannot_be_read_is_named(odd: Pair, odd_frame: pd.DataFrame, name: str, value: Any) -> None:
    row = {**records(odd_frame)[0], name: value}
    with pytest.raises(Exception):  # noqa: B017 whatever AutoGluon raises
        odd.expected(pd.DataFrame([row]))
    with pytest.raises(ValueError, match="cannot be read") as caught:
        odd.encoder.row(row)
    assert repr(name) in str(caught.value)
    assert repr(value) in str(caught.value)
    some = {**{n: c.tolist()[:3] for n, c in columns(odd_frame).items()}, name: [odd_frame[name].iloc[0], value, value]}
    with pytest.raises(ValueError, match="cannot be read") as caught:
        odd.encoder.columns(some)
    assert repr(name) in str(caught.value)


def test_columns_of_different_lengths(odd: Pair, odd_frame: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="different lengths"):
        odd.encoder.columns({**columns(odd_frame), "text": ["x"]})


def test_many_threads(odd: Pair, odd_frame: pd.DataFrame) -> None:
    rows = [{**row, "dates in Paris": None} for row in records(odd_frame.head(16))]
    expected = [odd.encoder.row(row) for row in rows]
    wrong: list[int] = []

    def ask(i: int) -> None:
        for j in range(20):
            k = (i + j) % len(rows)
            if not np.array_equal(odd.encoder.row(rows[k]), expected[k], equal_nan=True):
                wrong.append(k)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.filterwarnings("error")
def test_plain_values_do_not_need_pandas(odd_frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    """What JSON has, and null, is read without pandas or warnings, where a column's levels are of JSON's types."""
    plain = pair(odd_frame.drop(columns=["two dates as objects", "category of dates", "intervals"]))
    row: dict[str, Any] = {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in records(odd_frame[list(plain.features.required)])[3].items()
    }
    dates = [one.column for one in plain.features.inputs if isinstance(one, Date)]
    row |= dict.fromkeys(dates, "2024-01-02T03:04:05") | {"dates in Paris": "2024-01-02T03:04:05+02:00"}
    rows = [row, dict.fromkeys(row), row | {"int 64": 2.7, "float 64": "1", "int(8)": 300, "category": 1, "bool": 1}]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = [plain.expected(pd.DataFrame([one])) for one in rows]

    def refuse(_: Any) -> Any:
        raise AssertionError("pandas is asked")

    monkeypatch.setattr(RawColumn, "series", refuse)
    for one, wanted in zip(rows, expected, strict=True):
        np.testing.assert_array_equal(plain.encoder.row(one), wanted)


@pytest.mark.slow
def test_predictor(tmp_path: Path) -> None:
    frame = odd_rows(n=200)
    predictor = TabularPredictor(LABEL, path=str(tmp_path / "p"), verbosity=0)
    predictor.fit(frame, hyperparameters={"GBM": {"num_boost_round": 3}}, num_cpus=1)
    arrays = Arrays()
    features = read_features(predictor, arrays)
    made = predictor.transform_features(frame.drop(columns=LABEL))
    assert [slot.name for slot in features.slots] == list(made.columns)
    taken = [made[c].cat.codes if made[c].dtype == "category" else made[c] for c in made.columns]
    expected = np.stack([column.to_numpy(dtype="float64") for column in taken], axis=1)
    np.testing.assert_array_equal(RowEncoder(features, arrays).columns(columns(frame)), expected)
