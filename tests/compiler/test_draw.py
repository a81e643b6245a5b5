from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agbento.compiler.compiled import CompiledPredictor, compile_predictor
from agbento.compiler.proof.draw import Draw, Drawn, thresholds
from agbento.compiler.proof.pools import number_edges, thinned
from agbento.compiler.proof.stock import Stock, quiet
from tests.compiler.small import CITIES, rows, trained

pytestmark = pytest.mark.slow

ROWS = 4000


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Any:
    found = trained("regression", tmp_path_factory.mktemp("draw") / "predictor")
    found.persist()
    return found


@pytest.fixture(scope="module")
def compiled(predictor: Any) -> CompiledPredictor:
    return compile_predictor(predictor)


@pytest.fixture(scope="module")
def draw(predictor: Any, compiled: CompiledPredictor) -> Draw:
    return Draw(Stock(predictor), thresholds(compiled.plan, compiled.arrays))


@pytest.fixture(scope="module")
def typed(draw: Draw) -> list[pd.DataFrame]:
    return [draw.frame(drawn) for drawn in draw.typed(ROWS)]


@pytest.fixture(scope="module")
def loose(draw: Draw) -> Drawn:
    return draw.loose(300)


def held(frames: list[pd.DataFrame], column: str) -> set[Any]:
    return {value for frame in frames for value in frame[column]}


def test_typed_rows_have_the_training_columns_and_dtypes(typed: list[pd.DataFrame]) -> None:
    usual, odd = typed
    dtypes = rows("regression").drop(columns="y").dtypes
    assert usual.dtypes.to_dict() == dtypes.to_dict()
    # A level that is none widens the category.
    assert odd.drop(columns="city").dtypes.to_dict() == dtypes.drop("city").to_dict()


def test_autogluon_answers_all_typed_rows(predictor: Any, typed: list[pd.DataFrame]) -> None:
    for frame in typed:
        with quiet():
            assert np.isfinite(predictor.predict(frame)).all()


def test_every_threshold_is_met_and_its_neighbours(typed: list[pd.DataFrame], compiled: CompiledPredictor) -> None:
    found = thresholds(compiled.plan, compiled.arrays)
    assert {"size", "weight", "count", "level"} <= set(found)
    size = found["size"]
    assert {*size, *np.nextafter(size, -np.inf), *np.nextafter(size, np.inf)} <= held(typed, "size")
    weight = found["weight"].astype("float32")
    above, below = (np.nextafter(weight, np.float32(end)) for end in (np.inf, -np.inf))
    assert {*weight.tolist(), *above.tolist(), *below.tolist()} <= held(typed, "weight")
    count = found["count"]
    assert {*np.floor(count).astype(int), *np.ceil(count).astype(int)} <= held(typed, "count")


def test_moments_at_a_threshold_are_met(typed: list[pd.DataFrame], compiled: CompiledPredictor) -> None:
    found = np.floor(thresholds(compiled.plan, compiled.arrays)["when"]).astype("int64")
    counts = {value.value for value in held(typed, "when") if value is not pd.NaT}
    assert len(found)
    assert {*found.tolist(), *(found + 1).tolist()} <= counts


def test_numbers_reach_the_limits_of_their_dtypes(typed: list[pd.DataFrame]) -> None:
    assert {-128, 127, 0} <= held(typed, "level")
    assert {-(2**63), 2**63 - 1} <= held(typed, "count")
    size = pd.concat(typed)["size"]
    assert size.isna().any()
    assert {np.inf, -np.inf, np.finfo("float64").max, 5e-324, 1.401298464324817e-45, 0.0} <= set(size)
    assert np.signbit(size[size == 0]).any()
    assert held(typed, "weight")
    assert np.isinf(pd.concat(typed)["weight"]).any()


def test_levels_flags_dates_and_texts_are_tried(typed: list[pd.DataFrame]) -> None:
    assert set(CITIES) < held(typed, "city")
    assert any(pd.isna(value) for value in held(typed, "city"))
    assert {"yes", "YES", None, ""} <= held(typed, "flag")
    dates = held(typed, "when")
    assert {pd.Timestamp("2024-02-29"), pd.Timestamp("2024-12-01"), pd.Timestamp.max, pd.Timestamp.min} <= dates
    assert any(date is pd.NaT for date in dates)
    texts = [text for text in held(typed, "note") if isinstance(text, str)]
    assert {"", "!", "2024", "漢字 かな"} & set(texts) >= {"", "2024", "漢字 かな"}
    assert max(text.count("old ") + text.count("red ") for text in texts) > 0
    assert max(map(len, texts)) > 300 * 3


def test_kinds_are_as_told(draw: Draw) -> None:
    usual, odd = draw.typed(ROWS)
    assert set(usual.kinds) == {"usual", "edges"}
    assert set(odd.kinds) == {"one", "much"}
    usual_values = {name: {repr(v) for v in one.usual} for name, one in zip(draw.columns, draw.pools, strict=True)}
    for kind, row in zip(odd.kinds, odd.rows(), strict=True):
        if kind == "one":
            assert sum(repr(value) not in usual_values[name] for name, value in row.items()) <= 1


def test_loose_rows_hold_python_values_that_autogluon_answers(predictor: Any, loose: Drawn) -> None:
    found = {name: {type(value) for value in values} for name, values in loose.values.items()}
    assert found["count"] >= {int, float, str, bool, type(None)}
    assert found["size"] >= {int, float, str, bool, type(None)}
    assert found["when"] >= {pd.Timestamp, str, type(None)}
    for row in loose.rows()[:40]:
        with quiet():
            assert len(predictor.transform_features(pd.DataFrame([row]))) == 1


def test_values_at_which_autogluon_raises_are_not_drawn(predictor: Any, draw: Draw, loose: Drawn) -> None:
    row = loose.rows()[0]
    offered = {"count": "x", "size": "x", "level": float("inf")}
    for name, value in offered.items():
        with quiet(), pytest.raises((ValueError, TypeError)):
            predictor.predict(pd.DataFrame([row | {name: value}]))
        pool = next(pool for pool in draw.pools if pool.column.name == name)
        assert value not in (*pool.loose, *pool.odd)


def test_lists_are_answered_and_hold_one_odd_value_each(predictor: Any, draw: Draw) -> None:
    batches = list(draw.lists(300))
    assert sum(map(len, batches)) >= 300
    for batch in batches[:3]:
        with quiet():
            assert len(predictor.predict(pd.DataFrame(batch.values))) == len(batch)


def test_the_same_predictor_gives_the_same_rows(predictor: Any, compiled: CompiledPredictor) -> None:
    found = thresholds(compiled.plan, compiled.arrays)
    one, two, other = (Draw(Stock(predictor), found, seed) for seed in (3, 3, 4))
    for a, b in zip(one.typed(200), two.typed(200), strict=True):
        pd.testing.assert_frame_equal(one.frame(a), two.frame(b))
    assert repr(one.loose(50).rows()) == repr(two.loose(50).rows())
    assert repr(one.typed(200)[0].rows()) != repr(other.typed(200)[0].rows())


@given(
    st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=20, unique=True).map(sorted),
    st.sampled_from(["int8", "uint8", "int64", "uint64", "float32", "float64"]),
)
def test_edges_lie_at_and_beside_thresholds(numbers: list[float], name: str) -> None:
    wanted, dtype = np.array(numbers), np.dtype(name)
    edges = number_edges(wanted, dtype)
    assert (np.diff(edges) > 0).all()
    if dtype.kind == "f":
        assert {*wanted, *np.nextafter(wanted, np.inf), *np.nextafter(wanted, -np.inf)} <= set(edges)
        single = wanted.astype("float32")
        assert {*single.tolist(), *np.nextafter(single, np.float32(np.inf)).tolist()} <= set(edges.tolist())
        return
    limits = np.iinfo(dtype)
    assert (edges == np.floor(edges)).all()
    assert all(limits.min <= int(edge) <= limits.max for edge in edges)
    inside = wanted[(wanted > limits.min + 2) & (wanted < float(limits.max) - 2) & (np.abs(wanted) < 2.0**52)]
    assert {*np.floor(inside), *(np.floor(inside) + 1)} <= set(edges)


@given(st.lists(st.integers(), unique=True), st.integers(2, 20))
def test_thinned_keeps_order_ends_and_spread(values: list[int], most: int) -> None:
    few = thinned(values, most)
    assert len(few) == min(len(values), most)
    assert few[:1] == values[:1]
    assert few[-1:] == values[-1:]
    places = [values.index(value) for value in few]
    assert places == sorted(places)
    if len(values) > most:
        gaps = np.diff(places)
        assert gaps.max() <= 2 * gaps.min() + 1


def test_a_date_of_training_objects_is_drawn_as_such(tmp_path: Any) -> None:
    from agbento.compiler.proof.date_pools import odd_dates
    from agbento.compiler.proof.remembered import Column

    found = odd_dates(Column("when", "date", np.dtype(object), mean=pd.Timestamp("2024-05-05")))
    assert {datetime.date, datetime.datetime, str, type(None)} <= {type(value) for value in found}
