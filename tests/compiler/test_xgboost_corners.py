"""XGBoost's objectives, what has no native form, and how the native form is served."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter

from agbento.compiler.arrays import Arrays
from agbento.compiler.errors import NotNative
from agbento.compiler.frontends import xgboost as frontend
from agbento.compiler.frontends.context import Context
from agbento.compiler.native import xgboost as native
from agbento.compiler.plan.xgboost import XGBoost
from tests.compiler.test_xgboost import Compiled, compiled, context, features, target, trained
from tests.frames import categorical


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return compiled("binary", tmp_path_factory.mktemp("binary"))


@pytest.fixture(scope="module")
def multiclass(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return compiled("multiclass", tmp_path_factory.mktemp("multiclass"), enable_categorical=True, max_cat_to_onehot=2)


@pytest.mark.parametrize(
    "hyper",
    [
        {"objective": "reg:squaredlogerror"},
        {"objective": "reg:pseudohubererror"},
        {"objective": "reg:absoluteerror"},
        {"objective": "reg:quantileerror", "quantile_alpha": 0.3},
        {"objective": "count:poisson"},
        {"objective": "reg:gamma"},
        {"objective": "reg:tweedie", "tweedie_variance_power": 1.3},
        {"objective": "survival:cox"},
    ],
    ids=lambda hyper: hyper["objective"],
)
def test_objectives_of_positive_numbers(hyper: dict[str, Any], tmp_path: Path) -> None:
    frame = features()
    y = np.exp(target(frame, "regression") / 4)
    compiled("regression", tmp_path, frame, y=y, **hyper).same(features(60, seed=3))


@pytest.mark.parametrize("problem", ["regression", "binary"])
@pytest.mark.parametrize("objective", ["reg:logistic", "binary:logitraw"])
def test_objectives_of_shares(problem: str, objective: str, tmp_path: Path) -> None:
    y = target(features(), "binary")
    compiled(problem, tmp_path, y=y, objective=objective).same(features(60, seed=3))


def test_margins_beyond_what_a_power_can_be(tmp_path: Path) -> None:
    """Sigmoid, exp and softmax where float32 ends."""
    wild: dict[str, Any] = {"learning_rate": 40.0, "reg_lambda": 0.0, "min_child_weight": 0.0, "n_estimators": 6}
    for problem in ("binary", "multiclass"):
        compiled(problem, tmp_path, **wild).same(features(80, seed=4))
    y = target(features(), "regression").abs()
    made = compiled("regression", tmp_path, y=y, objective="count:poisson", max_delta_step=90.0, **wild)
    made.same(features(80, seed=4))


def test_integers_alone(tmp_path: Path) -> None:
    """A sparse matrix of integers, of which those beyond 2^24 are no float32."""
    random = np.random.default_rng(2)
    frame = pd.DataFrame(
        {"a": random.integers(-5, 5, 500) * 2**25 + random.integers(0, 9, 500), "b": random.integers(0, 3, 500)}
    )
    y = pd.Series(frame.a / 2**25 + frame.b + random.normal(size=500))
    made = compiled("regression", tmp_path, frame, y=y)
    made.same(frame)
    edges = np.concatenate([numbers for _, numbers in native.thresholds(made.leaf, made.arrays)]).astype(np.int64)
    around = (edges[:, None] + np.arange(-3, 4)).ravel()
    made.same(pd.DataFrame({"a": around, "b": np.resize([0, 1, 2, -7], len(around))}))


def test_zero_with_a_sign(tmp_path: Path) -> None:
    """-0.0 is not less than a threshold of 0, and nothing is missing in what is no sparse matrix."""
    random = np.random.default_rng(2)
    frame = pd.DataFrame({"whole": random.integers(-2, 3, 500).astype(float), "kind": pd.Categorical(["a", "b"] * 250)})
    y = frame.whole**2 + (frame.kind == "a")
    made = compiled("regression", tmp_path, frame, y=y, enable_categorical=True)
    assert any(0.0 in numbers for _, numbers in native.thresholds(made.leaf, made.arrays))
    least = np.finfo(np.float32).smallest_subnormal
    whole = [0.0, -0.0, least, -least, least / 2, -least / 2, least / 4, -least / 4, 1e-300, -1e-300, np.nan]
    made.same(pd.DataFrame({"whole": whole, "kind": pd.Categorical(np.resize(["a", "b"], len(whole)))}))


@pytest.mark.parametrize("own", [False, True])
def test_splits_that_training_does_not_make(own: bool, tmp_path: Path) -> None:
    """XGBoost's trees with the way of missing values turned round, and thresholds that one-hot columns never reach."""
    hyperparameters: dict[str, Any] = {"enable_categorical": True} if own else {}
    made = compiled("binary", tmp_path, **hyperparameters)
    booster = made.model.model.get_booster()
    document = json.loads(bytes(booster.save_raw("json")))
    random = np.random.default_rng(6)
    for tree in document["learner"]["gradient_booster"]["model"]["trees"]:
        inner = [node for node, left in enumerate(tree["left_children"]) if left >= 0 and not tree["split_type"][node]]
        for node in inner:
            tree["default_left"][node] = 1 - tree["default_left"][node]
            if random.random() < 0.3:
                tree["split_conditions"][node] = float(random.choice([-0.0, 0.5, 2.0, 1e-45, 3e38]))
        leaves = [node for node, left in enumerate(tree["left_children"]) if left < 0]
        tree["split_conditions"][leaves[0]] = -0.0
    booster.load_model(bytearray(json.dumps(document).encode()))
    given_to = context(made.frame, "binary")
    leaf = frontend.read(made.model, given_to)
    other = Compiled(made.model, made.frame, given_to.arrays, leaf, native.bind(leaf, given_to.arrays, 1))
    before = made.evaluate(made.rows(made.frame))
    assert not np.array_equal(before, other.evaluate(other.rows(made.frame)))
    other.same(features(200, seed=8))


def test_columns_that_no_tree_reads(tmp_path: Path) -> None:
    made = compiled("regression", tmp_path, max_depth=1, n_estimators=2)
    assert 0 < len(made.leaf.columns) < len(made.frame.columns)
    made.same(features(30, seed=5))


def test_trees_without_splits(tmp_path: Path) -> None:
    made = compiled("binary", tmp_path, min_child_weight=1e9)
    assert made.leaf.columns == ()
    made.same(features(20, seed=5))


@pytest.mark.parametrize(
    ("hyper", "why"),
    [
        ({"booster": "dart"}, "dart"),
        ({"booster": "gblinear", "verbosity": 0}, "gblinear"),
        ({"objective": "binary:hinge"}, "hinge"),
        ({"objective": "multi:softprob", "num_class": 2}, "softprob"),
    ],
)
def test_what_is_not_native(hyper: dict[str, Any], why: str, tmp_path: Path) -> None:
    model = trained("binary", tmp_path, **hyper)
    with pytest.raises(NotNative, match=why):
        frontend.read(model, context(features(), "binary"))


def test_vectors_in_leaves_are_not_native(tmp_path: Path) -> None:
    model = trained("multiclass", tmp_path, multi_strategy="multi_output_tree")
    with pytest.raises(NotNative, match="several numbers a leaf"):
        frontend.read(model, context(features(), "multiclass"))


def test_missing_of_another_kind_is_not_native(binary: Compiled) -> None:
    model = pickle.loads(pickle.dumps(binary.model))
    model.model.set_params(missing=-1.0)
    with pytest.raises(NotNative, match=r"-1\.0"):
        frontend.read(model, context(binary.frame, "binary"))


def test_problems_that_do_not_fit(binary: Compiled) -> None:
    given_to = context(binary.frame, "binary")
    for problem in ("quantile", "softclass", "multiclass"):
        with pytest.raises(NotNative):
            frontend.read(binary.model, Context("m", given_to.columns, Arrays(), problem, 2))


@pytest.mark.parametrize("change", ["fewer", "other", "no category", "a category"])
def test_columns_that_do_not_fit(change: str, binary: Compiled, multiclass: Compiled) -> None:
    frame = binary.frame
    frame = {
        "fewer": lambda: frame.drop(columns="double"),
        "other": lambda: frame.rename(columns={"double": "other"}),
        "no category": lambda: frame.assign(letter=1.0),
        "a category": lambda: frame.assign(small=frame.small.astype("category")),
    }[change]()
    for made, problem in ((binary, "binary"), (multiclass, "multiclass")):
        if made is multiclass and change == "other":
            continue  # XGBoost's own check of names; by position they are the same
        with pytest.raises(NotNative):
            frontend.read(made.model, context(frame, problem))


def test_levels_in_another_order(binary: Compiled, multiclass: Compiled) -> None:
    """The compiler's slots hold the levels as AutoGluon's frames do: a model codes by what its own frames have."""
    more = [*binary.frame.letter.cat.categories, "new"]
    frame = features(90, seed=9)
    frame["letter"] = categorical(np.resize(range(-1, len(more)), 90), more)
    for made, problem in ((binary, "binary"), (multiclass, "multiclass")):
        given_to = context(frame, problem)
        leaf = frontend.read(made.model, given_to)
        Compiled(made.model, frame, given_to.arrays, leaf, native.bind(leaf, given_to.arrays, 1)).same(frame)


def test_threads_at_once(multiclass: Compiled) -> None:
    rows = multiclass.rows(features(400, seed=11))
    expected = multiclass.evaluate(rows)

    def ask(start: int) -> bool:
        rounds = [(i, i + 1 + i % 17) for i in range(start, 380, 7)]
        return all(np.array_equal(multiclass.evaluate(rows[i:j]), expected[i:j]) for i, j in rounds)

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(64)))


_SERVES = """
import sys
from pathlib import Path
import numpy as np
from pydantic import TypeAdapter
from agbento.compiler.arrays import Arrays
from agbento.compiler.native import xgboost as native
from agbento.compiler.plan.xgboost import XGBoost
from tests.frames import categorical
folder = Path(sys.argv[1])
arrays = Arrays.load(folder / "arrays", folder / "index")
leaf = TypeAdapter(XGBoost).validate_json((folder / "leaf").read_bytes())
np.save(folder / "found.npy", native.bind(leaf, arrays, 1)(np.load(folder / "rows.npy")))
print(*sorted({name.split(".")[0] for name in sys.modules} & {"xgboost", "autogluon", "sklearn", "torch"}))
"""


def test_serving_needs_no_xgboost(multiclass: Compiled, tmp_path: Path) -> None:
    rows = multiclass.rows(features(40, seed=12))
    multiclass.arrays.save(tmp_path / "arrays", tmp_path / "index")
    (tmp_path / "leaf").write_bytes(TypeAdapter(XGBoost).dump_json(multiclass.leaf))
    np.save(tmp_path / "rows.npy", rows)
    done = subprocess.run([sys.executable, "-c", _SERVES, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
    np.testing.assert_array_equal(np.load(tmp_path / "found.npy"), multiclass.evaluate(rows))
