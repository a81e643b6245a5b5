"""The sample's rows: the columns that callers send, in the ranges that the docs name, with a cost to be learnt."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sample import rows as sample_rows
from sample.rows import COLUMNS, LABEL, NOISE, STORE_SQFT, rows

REQUEST = json.loads((Path(sample_rows.__file__).parent / "request.json").read_text("utf-8"))
FLAGS = ["recyclable_package", "low_fat", "coffee_bar", "video_store", "salad_bar", "prepared_food", "florist"]
RANGES = {
    "store_sales_in_millions_": (5, 20),
    "unit_sales_in_millions_": (1, 6),
    "total_children": (0, 5),
    "num_children_at_home": (0, 5),
    "avg_cars_at_home_approx__1": (0, 4),
    "gross_weight": (6, 22),
    "units_per_case": (1, 36),
    "cost": (50, 150),
    **dict.fromkeys(FLAGS, (0, 1)),
}


@pytest.fixture(scope="module")
def many() -> pd.DataFrame:
    return rows(20_000, seed=7)


def test_the_columns_are_those_of_the_original_request(many: pd.DataFrame) -> None:
    assert list(many.columns) == list(COLUMNS) == list(REQUEST)
    assert many.notna().all(axis=None)
    kinds = {name: "i" if isinstance(value, int) else "f" for name, value in REQUEST.items()}
    assert {name: many[name].dtype.kind for name in many} == kinds


def test_the_same_seed_gives_the_same_rows() -> None:
    pd.testing.assert_frame_equal(rows(500, seed=3), rows(500, seed=3))
    assert not rows(500, seed=3).equals(rows(500, seed=4))


@pytest.mark.parametrize(("name", "bounds"), RANGES.items())
def test_values_fill_their_range_and_no_more(many: pd.DataFrame, name: str, bounds: tuple[int, int]) -> None:
    low, high = bounds
    assert many[name].between(low, high).all()
    # whole numbers reach both ends, measured ones come near
    reach = 0 if many[name].dtype.kind == "i" else 0.15 * (high - low)
    assert many[name].min() <= low + reach
    assert many[name].max() >= high - reach


def test_the_original_request_is_such_a_row(many: pd.DataFrame) -> None:
    for name in (*RANGES, *(f"autoFE_f_{i}" for i in range(5))):
        assert many[name].min() <= REQUEST[name] <= many[name].max(), name
    assert REQUEST["store_sqft"] in STORE_SQFT


def test_a_store_has_its_services_whatever_the_seed(many: pd.DataFrame) -> None:
    services = ["coffee_bar", "video_store", "salad_bar", "prepared_food", "florist"]
    both = pd.concat([many, rows(5000, seed=8)])
    assert (both.groupby("store_sqft")[services].nunique() == 1).all(axis=None)
    assert set(both["store_sqft"]) == set(STORE_SQFT.tolist())


def test_the_ready_made_features_follow_their_formulas(many: pd.DataFrame) -> None:
    assert (many["num_children_at_home"] <= many["total_children"]).all()
    np.testing.assert_allclose(many["autoFE_f_0"], many["avg_cars_at_home_approx__1"] / many["store_sqft"])
    np.testing.assert_array_equal(many["autoFE_f_1"], many["total_children"] - many["num_children_at_home"])
    np.testing.assert_allclose(np.log(1 / many["autoFE_f_2"] - 1), -(many["gross_weight"] - 6) / 1.1, atol=1e-6)
    np.testing.assert_array_equal(many["autoFE_f_3"], many["store_sqft"] + many["total_children"])
    pairs = many.groupby("autoFE_f_4").size()
    # "how common the pair is", in a sample of 20,000 of the 360,000: equal counts share one value
    expected = pairs.index.to_numpy() / 18 * many.groupby("autoFE_f_4")["autoFE_f_3"].nunique().to_numpy()
    np.testing.assert_allclose(pairs, expected, rtol=0.5)


def test_a_part_of_the_cost_can_be_learnt_and_a_part_cannot(many: pd.DataFrame) -> None:
    """The store's own mean explains much of the cost, never all of it."""
    left = many[LABEL] - many.groupby("store_sqft")[LABEL].transform("mean")
    assert NOISE < left.std() < 0.6 * many[LABEL].std()


def test_sales_weight_and_cost_are_float32_values(many: pd.DataFrame) -> None:
    for name in ("store_sales_in_millions_", "gross_weight", "cost"):
        np.testing.assert_array_equal(many[name], many[name].astype(np.float32).astype(np.float64))


def test_no_rows_and_fewer() -> None:
    assert rows(0).shape == (0, 22)
    with pytest.raises(ValueError, match="negative"):
        rows(-1)
