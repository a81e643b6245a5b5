from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from agbento.histogram import ManyHistogram

BOUNDS = (-1.0, 0.0, 0.5, 2.0)


@given(st.lists(st.floats(allow_nan=False) | st.sampled_from(BOUNDS), max_size=30))
def test_many_values_are_observed_as_each_would_be(values: list[float]) -> None:
    together, alone = CollectorRegistry(), CollectorRegistry()
    ManyHistogram("h", "h", buckets=BOUNDS, registry=together).observe_many(values)
    slow = Histogram("h", "h", buckets=BOUNDS, registry=alone)
    for value in values:
        slow.observe(value)
    (one,), (other,) = together.collect(), alone.collect()
    for found, expected in zip(one.samples, other.samples, strict=True):
        assert (found.name, found.labels) == (expected.name, expected.labels)
        if found.name == "h_sum":
            assert found.value == pytest.approx(expected.value, rel=1e-9, abs=1e300, nan_ok=True)
        elif not found.name.endswith("_created"):
            assert found.value == expected.value


def test_what_is_no_number_is_not_observed() -> None:
    registry = CollectorRegistry()
    ManyHistogram("h", "h", buckets=BOUNDS, registry=registry).observe_many([math.nan, 1.0])
    assert registry.get_sample_value("h_count") == 1
