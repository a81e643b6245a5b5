"""How a place of a LightGBM booster's row is filled: numbers that front end and kernel share.

LightGBM tells a missing number (``Tree::NumericalDecision``) by the column's missing type: none (NaN is 0), zero (NaN
and what is within 1e-35 of 0 are missing), or NaN; and each node says whether what is missing goes left.
"""

from __future__ import annotations

NAN_IS_ZERO, ZERO_LEFT, ZERO_RIGHT, NAN_LEFT, NAN_RIGHT, CATEGORY = range(6)
ZERO = 1.0000000180025095e-35  # kZeroThreshold, a float32 there


def kind_of(missing: int, left: bool) -> int | None:
    """Give the kind for a missing type of LightGBM's (0 none, 1 zero, 2 NaN); None for any other."""
    return {0: NAN_IS_ZERO, 1: ZERO_LEFT if left else ZERO_RIGHT, 2: NAN_LEFT if left else NAN_RIGHT}.get(missing)
