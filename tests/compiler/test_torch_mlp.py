"""AutoGluon's own networks: inputs equal to the bit, answers as near as torch is to itself."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from agbento.compiler.errors import NotNative
from agbento.compiler.frontends import torch_mlp as frontend
from agbento.compiler.native import torch_mlp as native
from agbento.compiler.native.mlp_inputs import bind_inputs
from agbento.compiler.plan.mlp_inputs import OneHot, Ranked, Scaled
from agbento.compiler.plan.torch_mlp import TorchMlp
from tests.compiler import mlp_rows
from tests.compiler.mlp_rows import Matrix, Trained

torch = pytest.importorskip("torch")
from autogluon.tabular.models import TabularNeuralNetTorchModel  # noqa: E402 - it is there where torch is

FAST = {"num_epochs": 3, "learning_rate": 0.01}
NORMED = FAST | {"use_batchnorm": True, "activation": "elu", "num_layers": 2, "hidden_size": 81}
RARE = {"proc.max_category_levels": 5, "proc.embed_min_categories": 10, "proc.impute_strategy": "mean"}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "regression": ("regression", FAST),
    "regression, any number": ("regression", NORMED | {"y_range": (-np.inf, np.inf)}),
    "regression, not below": ("regression", FAST | {"y_range": (0.5, np.inf)}),
    "regression, not above": ("regression", FAST | {"y_range": (-np.inf, -0.5)}),
    "binary": ("binary", FAST | {"activation": "tanh", "proc.skew_threshold": 0.2}),
    "binary, rare": ("binary", NORMED | RARE),
    "multiclass": ("multiclass", FAST | {"proc.impute_strategy": "most_frequent"}),
    "multiclass, normed": ("multiclass", NORMED | {"proc.embed_min_categories": 1000}),
    "quantile": ("quantile", FAST),
    "quantile, rare": ("quantile", NORMED | RARE | {"proc.skew_threshold": 10.0}),
}
FRAME = mlp_rows.features(300)


def train(problem: str, options: dict[str, Any], folder: Path, frame: Any = FRAME) -> Trained:
    model = mlp_rows.fit(TabularNeuralNetTorchModel, problem, str(folder), options, frame)
    return mlp_rows.compiled(model, frontend, native, frame)


@pytest.fixture(scope="module", params=CASES)
def trained(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(*CASES[request.param], tmp_path_factory.mktemp("net"))


@pytest.fixture(scope="module")
def regression(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(*CASES["regression"], tmp_path_factory.mktemp("net"))


def first_inputs(trained: Trained, rows: Matrix) -> Any:
    """What AutoGluon gives to the network's first layer."""
    seen = []
    hook = trained.model.model.main_block.register_forward_pre_hook(lambda _, given: seen.append(given[0].numpy()))
    try:
        trained.autogluon(rows)
    finally:
        hook.remove()
    return np.concatenate(seen)


def native_inputs(trained: Trained, rows: Matrix) -> Any:
    fill = bind_inputs(trained.leaf.inputs, trained.arrays)
    return fill(np.ascontiguousarray(rows[:, list(trained.leaf.columns)]))


def spread(trained: Trained) -> float:
    """1 for probabilities, else the targets' deviation: a network trained this little predicts less than that."""
    if trained.model.problem_type in ("binary", "multiclass"):
        return 1.0
    return float(mlp_rows.target(FRAME, trained.model.problem_type).std())


def test_unseen_rows_are_answered_as_autogluon_does(trained: Trained) -> None:
    rows = mlp_rows.matrix_of(mlp_rows.features(700, seed=5))
    expected = trained.autogluon(rows)
    mlp_rows.close(trained.native(rows), expected, 3e-6, spread(trained))
    for row in range(20):
        one = rows[row : row + 1]
        mlp_rows.close(trained.native(one), trained.autogluon(one), 3e-6, spread(trained))


@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(data=st.data())
def test_any_row_gives_the_same_inputs_to_the_bit(trained: Trained, data: st.DataObject) -> None:
    rows = data.draw(mlp_rows.any_rows(trained.slots, trained.known))
    inputs = first_inputs(trained, rows)
    np.testing.assert_array_equal(native_inputs(trained, rows), inputs)
    # Rounding errors of the first layer grow with its inputs.
    size = np.nanmax(np.abs(inputs), initial=1, where=np.isfinite(inputs))
    answers = trained.native(rows)
    mlp_rows.close(answers, trained.autogluon(rows), 3e-6 * size, spread(trained))
    alone = np.concatenate([trained.native(row[None]) for row in rows])
    mlp_rows.close(alone, answers, 3e-6 * size, spread(trained))


def test_numbers_on_and_around_thresholds_rank_the_same(trained: Trained) -> None:
    thresholds = dict(native.thresholds(trained.leaf, trained.arrays))
    steps = trained.leaf.inputs.steps
    ranked = {trained.leaf.columns[step.column] for step in steps if isinstance(step, Ranked | OneHot)}
    assert set(thresholds) == {slot.index for slot in trained.slots if slot.index in ranked and slot.levels is None}
    rows = np.repeat(mlp_rows.matrix_of(FRAME[:1]), 600, axis=0)
    for slot, numbers in thresholds.items():
        dtype = np.dtype(trained.slots[slot - 3].dtype)
        single = numbers.astype(np.float32 if dtype == np.float32 else np.float64)
        near = [np.nextafter(single, way, dtype=single.dtype) for way in (-np.inf, np.inf)]
        some = np.concatenate([single, *near, np.subtract(single, 1e-7), np.add(single, 1e-7)]).astype(dtype)
        rows[:, slot] = np.resize(np.random.default_rng(0).permutation(some), len(rows))
    np.testing.assert_array_equal(native_inputs(trained, rows), first_inputs(trained, rows))


def test_a_float32_column_alone_is_computed_in_float32(tmp_path: Path) -> None:
    frame = FRAME[["single", "skewed single", "flag"]]
    model = mlp_rows.compiled(_fit_narrow(frame, tmp_path), frontend, native, frame)
    singles = {step.kind: step.single for step in model.leaf.inputs.steps if isinstance(step, Scaled | Ranked)}
    assert singles == {"scaled": True, "ranked": True}
    rows = mlp_rows.matrix_of(mlp_rows.features(500, seed=2)[frame.columns])
    np.testing.assert_array_equal(native_inputs(model, rows), first_inputs(model, rows))


def _fit_narrow(frame: Any, folder: Path) -> Any:
    labels = mlp_rows.target(FRAME, "regression")
    model = TabularNeuralNetTorchModel(path=str(folder), problem_type="regression", hyperparameters=FAST)
    model.fit(X=frame, y=labels, feature_metadata=mlp_rows.metadata(frame), num_cpus=1, num_gpus=0)
    return model


def test_an_infinite_number_is_an_error_where_it_is_one_for_autogluon(regression: Trained) -> None:
    for slot in regression.slots:
        rows = mlp_rows.matrix_of(FRAME[:2])
        if slot.dtype not in ("float32", "float64"):
            continue
        rows[1, slot.index] = -np.inf
        if slot.name in ("two", "one or none"):
            mlp_rows.close(regression.native(rows), regression.autogluon(rows), 3e-6, spread(regression))
            continue
        for answer in (regression.autogluon, regression.native):
            with pytest.raises(ValueError, match="infinity"):
                answer(rows)


def test_threads_do_not_disturb_one_another(regression: Trained) -> None:
    rows = mlp_rows.matrix_of(mlp_rows.features(400, seed=8))
    expected = [regression.native(rows[i : i + 1]) for i in range(len(rows))]
    with ThreadPoolExecutor(16) as pool:
        got = list(pool.map(lambda i: regression.native(rows[i : i + 1]), range(len(rows))))
    assert got == expected


def test_a_plan_is_the_same_as_json(trained: Trained) -> None:
    adapter = TypeAdapter(TorchMlp)
    assert adapter.validate_json(adapter.dump_json(trained.leaf)) == trained.leaf


def test_a_stored_plan_answers_without_the_libraries_of_training(regression: Trained, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_bytes(TypeAdapter(TorchMlp).dump_json(regression.leaf))
    regression.arrays.save(tmp_path / "arrays.bin", tmp_path / "arrays.json")
    rows = np.ascontiguousarray(mlp_rows.matrix_of(FRAME[:20])[:, list(regression.leaf.columns)])
    np.save(tmp_path / "rows.npy", rows)
    subprocess.run([sys.executable, "-c", _SERVE, str(tmp_path)], check=True, timeout=300)
    np.testing.assert_array_equal(np.load(tmp_path / "answers.npy"), regression.evaluate(rows))


_SERVE = """
import sys
from pathlib import Path
import numpy as np
from pydantic import TypeAdapter
from agbento.compiler.arrays import Arrays
from agbento.compiler.native import torch_mlp
from agbento.compiler.plan.torch_mlp import TorchMlp
folder = Path(sys.argv[1])
leaf = TypeAdapter(TorchMlp).validate_json((folder / "plan.json").read_bytes())
evaluate = torch_mlp.bind(leaf, Arrays.load(folder / "arrays.bin", folder / "arrays.json"), 1)
np.save(folder / "answers.npy", evaluate(np.load(folder / "rows.npy")))
assert not {"torch", "fastai", "sklearn", "autogluon"} & set(sys.modules)
"""


def test_a_model_that_was_saved_and_loaded_reads_the_same(regression: Trained) -> None:
    loaded = type(regression.model).load(regression.model.save(), verbose=False)
    again = mlp_rows.compiled(loaded, frontend, native, FRAME)
    assert again.leaf == regression.leaf
    rows = mlp_rows.matrix_of(FRAME)
    np.testing.assert_array_equal(again.native(rows), regression.native(rows))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda model: setattr(model.model, "main_block", torch.nn.Sequential(torch.nn.GELU())), "GELU"),
        (lambda model: model.model.main_block.insert(1, torch.nn.ELU(alpha=0.5)), "ELU"),
        (lambda model: model.model.main_block.append(torch.nn.Linear(1, 2)), "2 outputs"),
        (lambda model: model.model.double(), "float64"),
        (lambda model: setattr(model.model, "y_constraint", "odd"), "odd"),
        (lambda model: setattr(model, "processor", object()), "object"),
        (lambda model: setattr(model, "problem_type", "softclass"), "softclass"),
        (lambda model: _part(model, "continuous", "imputer").set_params(strategy="constant"), "constant"),
        (lambda model: _part(model, "continuous", "scaler").set_params(with_mean=False), "with_mean"),
        (lambda model: _part(model, "skewed", "quantile").set_params(output_distribution="uniform"), "ranked"),
    ],
)
def test_what_is_not_known_is_not_native(regression: Trained, change: Any, why: str) -> None:
    model = type(regression.model).load(regression.model.save(), verbose=False)
    change(model)
    with pytest.raises(NotNative, match=why):
        mlp_rows.compiled(model, frontend, native, FRAME)


def _part(model: Any, name: str, step: str) -> Any:
    return model.processor.named_transformers_[name].named_steps[step]
