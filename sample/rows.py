"""Made-up rows of media campaigns: what one household's basket in one store cost to win over.

The columns are those of the original service's callers. No row is anybody's: all is drawn from the distributions below,
which resemble the public "media campaign cost" data (one row = one sale; a store is known by its floor area).

``autoFE_f_0`` … ``autoFE_f_4`` stand for features that a search found before training; a caller sends them ready made:

| column | formula | meaning |
|---|---|---|
| ``autoFE_f_0`` | ``avg_cars_at_home_approx__1 / store_sqft`` | cars per square foot of store |
| ``autoFE_f_1`` | ``total_children - num_children_at_home`` | children who have left home |
| ``autoFE_f_2`` | logistic function of ``(gross_weight - 6) / 1.1`` | weight, squeezed into (0.5, 1) |
| ``autoFE_f_3`` | ``store_sqft + total_children`` | a sum of no meaning, as such searches find them |
| ``autoFE_f_4`` | expected number of rows in 360,000 with this store and this many children | how common the pair is |
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

COLUMNS: Final = (
    "id",
    "store_sales_in_millions_",
    "unit_sales_in_millions_",
    "total_children",
    "num_children_at_home",
    "avg_cars_at_home_approx__1",
    "gross_weight",
    "recyclable_package",
    "low_fat",
    "units_per_case",
    "store_sqft",
    "coffee_bar",
    "video_store",
    "salad_bar",
    "prepared_food",
    "florist",
    "cost",
    "autoFE_f_0",
    "autoFE_f_1",
    "autoFE_f_2",
    "autoFE_f_3",
    "autoFE_f_4",
)

LABEL: Final = "cost"

# square feet, one store each, and each store's share of the rows
# fmt: off
STORE_SQFT: Final = np.array([
    20319, 21215, 22478, 23112, 23593, 23598, 23688, 23759, 24597, 27694,
    28206, 30268, 30584, 30797, 33858, 34452, 34791, 36509, 38382, 39696,
])
# fmt: on
STORE_SHARE: Final = np.array([9, 2, 2, 1, 6, 5, 7, 6, 2, 8, 2, 3, 6, 8, 6, 5, 5, 6, 4, 7]) / 100
CHILDREN_SHARE: Final = np.array([0.10, 0.20, 0.23, 0.20, 0.17, 0.10])  # 0 to 5 children
CARS_SHARE: Final = np.array([0.05, 0.27, 0.32, 0.23, 0.13])  # 0 to 4 cars
UNITS_SHARE: Final = np.array([0.03, 0.15, 0.37, 0.33, 0.10, 0.02])  # 1 to 6 units

# US dollars on top of the base, for each of coffee_bar, video_store, salad_bar, prepared_food, florist
SERVICE_COST: Final = {"coffee_bar": 6.0, "video_store": 9.0, "salad_bar": -4.0, "prepared_food": -6.0, "florist": -9.0}
NOISE: Final = 4.0  # US dollars, the standard deviation of what no column explains

Floats = npt.NDArray[np.float64]


def rows(n: int, seed: int = 0) -> pd.DataFrame:
    """Make ``n`` rows, the same again for the same ``n``, ``seed`` and NumPy.

    Shape ``(n, 22)``, in the order of `COLUMNS`; ``int64`` and ``float64`` columns without nulls. ``cost`` is in US
    dollars, 50 to 150; ``store_sales_in_millions_`` 5 to 20; ``gross_weight`` 6 to 22; ``id`` counts from 0.
    Sales, weight and cost are float32 values (8.61 reads 8.609999656677246), as the original callers send them.
    Raises ``ValueError`` for a negative ``n``.
    """
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"id": np.arange(n, dtype=np.int64)})
    _draw_household(frame, rng)
    store = rng.choice(len(STORE_SQFT), size=n, p=STORE_SHARE)
    _draw_basket(frame, rng)
    frame["store_sqft"] = STORE_SQFT[store]
    _draw_services(frame, store)
    _derive(frame, store)
    frame["cost"] = _cost(frame, rng)
    return frame[list(COLUMNS)]


def _draw_household(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    """Children, those still at home among them, and cars: more children, fewer cars."""
    n = len(frame)
    children = rng.choice(6, size=n, p=CHILDREN_SHARE)
    cars = rng.choice(5, size=n, p=CARS_SHARE)
    frame["total_children"] = children
    frame["num_children_at_home"] = rng.binomial(children, 0.35)
    frame["avg_cars_at_home_approx__1"] = np.maximum(cars - (children == 5), 0)


def _draw_basket(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    """What was sold: units, the sales they make, weight, package."""
    n = len(frame)
    units = 1 + rng.choice(6, size=n, p=UNITS_SHARE)
    price = rng.gamma(9.0, 0.26, size=n)
    frame["unit_sales_in_millions_"] = units
    frame["store_sales_in_millions_"] = _float32(np.clip(2.5 + units * price, 5.0, 20.0), 2)
    frame["gross_weight"] = _float32(rng.uniform(6.0, 22.0, size=n), 1)
    frame["recyclable_package"] = rng.binomial(1, 0.56, size=n)
    frame["low_fat"] = rng.binomial(1, 0.35, size=n)
    frame["units_per_case"] = rng.integers(1, 37, size=n)


def _draw_services(frame: pd.DataFrame, store: npt.NDArray[np.int64]) -> None:
    """Give each store its counters and departments, one set a store, larger stores more often."""
    fixed = np.random.default_rng(20319)  # a store has the same services whatever the seed of the rows
    size = (STORE_SQFT - STORE_SQFT.min()) / np.ptp(STORE_SQFT)
    for name in SERVICE_COST:
        has = fixed.random(len(STORE_SQFT)) < 0.35 + 0.4 * size
        frame[name] = has[store].astype(np.int64)
    # the store of the original request, the smallest of services
    frame.loc[frame["store_sqft"] == 36509, list(SERVICE_COST)] = 0


def _derive(frame: pd.DataFrame, store: npt.NDArray[np.int64]) -> None:
    """Add the ready-made features by the formulas at the top of this file."""
    children = frame["total_children"]
    frame["autoFE_f_0"] = frame["avg_cars_at_home_approx__1"] / frame["store_sqft"]
    frame["autoFE_f_1"] = (children - frame["num_children_at_home"]).astype(np.float64)
    frame["autoFE_f_2"] = 1.0 / (1.0 + np.exp(-(frame["gross_weight"] - 6.0) / 1.1))
    frame["autoFE_f_3"] = (frame["store_sqft"] + children).astype(np.float64)
    frame["autoFE_f_4"] = np.round(360_000 * STORE_SHARE[store] * CHILDREN_SHARE[children])


def _cost(frame: pd.DataFrame, rng: np.random.Generator) -> Floats:
    """Cost in US dollars: the store says most, the household and the basket some, noise the rest."""
    wave = 14.0 * np.sin(frame["store_sqft"] / 1700.0)
    services = sum(frame[name] * dollars for name, dollars in SERVICE_COST.items())
    household = 2.5 * frame["num_children_at_home"] - 3.0 * frame["avg_cars_at_home_approx__1"]
    heavy = 5.0 * (frame["units_per_case"] > 24) * (frame["gross_weight"] > 14.0)
    basket = 0.7 * (frame["store_sales_in_millions_"] - 9.0) - 1.5 * frame["low_fat"] * frame["recyclable_package"]
    mean = 101.0 + wave + services + household + heavy + basket
    return _float32(np.clip(mean + rng.normal(0.0, NOISE, size=len(frame)), 50.0, 150.0), 2)


def _float32(values: pd.Series[float] | Floats, decimals: int) -> Floats:
    """Round to ``decimals``, then to float32, and hand back as float64."""
    return np.round(np.asarray(values, dtype=np.float64), decimals).astype(np.float32).astype(np.float64)
