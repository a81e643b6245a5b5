"""scikit-learn's trees, laid out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as drawn
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from agbento.compiler.arrays import Array, Arrays
from agbento.compiler.errors import NotNative
from agbento.compiler.frontends.context import Context
from agbento.compiler.frontends.forest_layout import LINE, arrange
from agbento.compiler.frontends.forest_trees import distinct, read_leaves, read_trees, rounded_down
from agbento.compiler.plan.forest import Trees
from agbento.compiler.plan.slots import Slot

ANY = st.floats(allow_nan=False) | st.floats(width=32, allow_nan=False)


def context(columns: int) -> Context:
    return Context("m", (Slot(0, "x", "float64"),) * columns, Arrays(), "regression")


def tree(rows: int, leaves: int, seed: int = 0, columns: int = 3) -> DecisionTreeRegressor:
    """A tree that was grown best-first over noise: as uneven as they get."""
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(rows, columns)) ** 3
    return DecisionTreeRegressor(max_leaf_nodes=leaves, random_state=0).fit(numbers, random.normal(size=rows) ** 5)


def walked(trees: Trees, arrays: Arrays, number: int, row: npt.NDArray[np.float32]) -> tuple[int, int]:
    """Walk by the words of ``Trees`` alone; gives the leaf's bits and how many cache lines were touched."""
    nodes = arrays.get(trees.nodes)
    start = int(arrays.get(trees.starts)[number])
    place, lines, leaf = start, {start // LINE}, 0
    while not leaf:
        low, word = (int(v) for v in nodes[place : place + 1].view(np.uint32))
        right = row[(word >> 2) & ((1 << trees.features) - 1)] > np.uint32(low).view(np.float32)
        place = start + 2 * (word >> (trees.features + 2)) + int(right)
        lines.add(place // LINE)
        leaf = (word >> int(right)) & 1
    return int(nodes[place]), len(lines)


@pytest.mark.parametrize(("rows", "leaves"), [(3, 2), (40, 7), (400, 100), (3000, 1500)])
def test_nodes_lead_where_the_trees_do(rows: int, leaves: int) -> None:
    grown = [tree(rows, leaves, seed).tree_ for seed in range(3)]
    given_to = context(3)
    trees = read_trees(grown, (np.arange(own.node_count) for own in grown), given_to)
    asked = (np.random.default_rng(9).normal(size=(60, 3)) ** 3).astype(np.float32)
    for number, own in enumerate(grown):
        found = [walked(trees, given_to.arrays, number, row)[0] for row in asked]
        assert found == own.apply(asked).tolist()
    assert np.all(given_to.arrays.get(trees.starts) % LINE == 0)


def test_walks_touch_few_lines() -> None:
    own = tree(6000, 3000).tree_
    given_to = context(3)
    trees = read_trees([own], [np.arange(own.node_count)], given_to)
    asked = (np.random.default_rng(9).normal(size=(300, 3)) ** 3).astype(np.float32)
    touched = np.mean([walked(trees, given_to.arrays, 0, row)[1] for row in asked])
    nodes = own.decision_path(asked).sum() / len(asked)
    assert touched < nodes / 2
    used = given_to.arrays.get(trees.nodes).size
    assert used < 1.1 * own.node_count, "lines are full"


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), rows=st.integers(2, 300), leaves=st.integers(2, 200))
def test_each_inner_node_has_a_pair_of_its_own(seed: int, rows: int, leaves: int) -> None:
    own = tree(rows, leaves, seed).tree_
    left, right, weights = (
        np.ascontiguousarray(a, np.int64) for a in (own.children_left, own.children_right, own.n_node_samples)
    )
    pairs = np.full(own.node_count, -1)
    lines = arrange(left, right, weights, pairs)
    taken = pairs[left >= 0]
    assert len(set(taken.tolist())) == len(taken)
    assert taken.size == 0 or (taken.min() >= 1 and taken.max() < lines * LINE // 2)
    assert np.all(pairs[left < 0] == -1)


@given(numbers=st.lists(ANY, min_size=1))
def test_rounding_down_keeps_every_comparison(numbers: list[float]) -> None:
    limits: npt.NDArray[np.float64] = np.array(numbers)
    found = rounded_down(limits)
    assert found.dtype == np.float32
    assert np.all(found <= limits)
    with np.errstate(over="ignore"):
        above = np.nextafter(found, np.float32(np.inf))
    assert np.all((above > limits) | np.isposinf(limits))


@given(
    rows=drawn(
        np.float64, st.tuples(st.integers(1, 30), st.integers(1, 4)), elements=st.sampled_from([0.0, -0.0, 1 / 3, 1])
    )
)
def test_distinct_rows_are_those_given_bit_by_bit(rows: Array) -> None:
    kept, places = distinct(rows)
    assert kept[places].tobytes() == rows.tobytes()
    assert len(kept) == len({row.tobytes() for row in rows})


def test_few_values_of_leaves_are_kept() -> None:
    random = np.random.default_rng(3)
    numbers, classes = random.normal(size=(500, 3)), random.integers(0, 5, 500)
    own = DecisionTreeClassifier(random_state=0, max_leaf_nodes=300).fit(numbers, classes).tree_
    given_to = context(3)
    trees, values = read_leaves([own, own], given_to)
    kept = given_to.arrays.get(values)
    assert len(kept) < own.n_leaves / 5
    asked = random.normal(size=(40, 3)).astype(np.float32)
    for number in range(2):
        found = [walked(trees, given_to.arrays, number, row)[0] for row in asked]
        np.testing.assert_array_equal(kept[found], own.predict(asked))


def test_a_tree_too_large_for_its_words_is_refused() -> None:
    # 2**20 columns leave 10 bits for pairs.
    own = tree(3000, 1500).tree_
    with pytest.raises(NotNative, match=f"a tree of {own.node_count} nodes"):
        read_trees([own], [np.arange(own.node_count)], context(1 << 20))
