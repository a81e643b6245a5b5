"""AutoGluon's fastai networks: inputs equal to the bit, answers as near as torch is to itself."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from agbento.compiler.errors import NotNative
from agbento.compiler.frontends import fastai_mlp as frontend
from agbento.compiler.native import fastai_mlp as native
from agbento.compiler.native.mlp_inputs import bind_inputs
from agbento.compiler.plan.fastai_mlp import FastaiMlp
from agbento.compiler.plan.mlp_inputs import Scaled
from tests.compiler import mlp_rows
from tests.compiler.mlp_rows import Matrix, Trained

torch = pytest.importorskip("torch")
pytest.importorskip("fastai")
# What fastai says while it is imported, trained and loaded.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*(torch.jit|numpy.core).* is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:load_learner:UserWarning"),
]
from autogluon.tabular.models import NNFastAiTabularModel  # noqa: E402 - it is there where fastai is
from sklearn.isotonic import IsotonicRegression  # noqa: E402
from sklearn.preprocessing import MinMaxScaler, RobustScaler  # noqa: E402

FAST = {"epochs": 3, "bs": 64}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "regression": ("regression", FAST),
    "regression, any number": ("regression", FAST | {"clipping": False, "layers": [50], "ps": 0}),
    "regression, of a range": ("regression", FAST | {"y_scaler": MinMaxScaler()}),
    "binary": ("binary", FAST | {"layers": [200, 100, 50], "ps": 0.5, "emb_drop": 0.5}),
    "multiclass": ("multiclass", FAST),
    "quantile": ("quantile", FAST),
}
FRAME = mlp_rows.features(300)
NUMBERS = FRAME.select_dtypes("number").drop(columns="flag")


def train(problem: str, options: dict[str, Any], folder: Path, frame: Any = FRAME) -> Trained:
    model = mlp_rows.fit(NNFastAiTabularModel, problem, str(folder), options, frame)
    return mlp_rows.compiled(model, frontend, native, frame)


@pytest.fixture(scope="module", params=CASES)
def trained(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(*CASES[request.param], tmp_path_factory.mktemp("net"))


@pytest.fixture(scope="module")
def regression(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(*CASES["regression"], tmp_path_factory.mktemp("net"))


def first_inputs(trained: Trained, rows: Matrix) -> npt.NDArray[Any]:
    """What AutoGluon gives to fastai's network, with each category's row of its table in place of its number."""
    seen: list[Any] = []
    net = trained.model.model.model

    def look(_: Any, given: Any) -> None:
        tables = [table(given[0][:, i]).detach() for i, table in enumerate(net.embeds)]
        seen.append(torch.cat([*tables, given[1]], 1).numpy())

    hook = net.register_forward_pre_hook(look)
    try:
        trained.autogluon(rows)
    finally:
        hook.remove()
    return np.concatenate(seen)[: len(rows)]


def native_inputs(trained: Trained, rows: Matrix) -> npt.NDArray[Any]:
    fill = bind_inputs(trained.leaf.inputs, trained.arrays)
    return fill(np.ascontiguousarray(rows[:, list(trained.leaf.columns)]))


def spread(trained: Trained) -> float:
    """1 for probabilities, else the targets' deviation: a network trained this little predicts less than that."""
    if trained.model.problem_type in ("binary", "multiclass"):
        return 1.0
    return float(mlp_rows.target(FRAME, trained.model.problem_type).std())


def test_unseen_rows_are_answered_as_autogluon_does(trained: Trained) -> None:
    rows = mlp_rows.matrix_of(mlp_rows.features(700, seed=5))
    mlp_rows.close(trained.native(rows), trained.autogluon(rows), 3e-6, spread(trained))
    for row in range(10):
        one = rows[row : row + 1]
        mlp_rows.close(trained.native(one), trained.autogluon(one), 3e-6, spread(trained))


@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(data=st.data())
def test_any_row_is_answered_as_autogluon_does(trained: Trained, data: st.DataObject) -> None:
    rows = data.draw(mlp_rows.any_rows(trained.slots, trained.known))
    inputs = native_inputs(trained, rows)
    try:
        expected = trained.autogluon(rows)
    except ValueError:
        with pytest.raises(ValueError, match="infinite"):
            trained.native(rows)
        return
    np.testing.assert_array_equal(inputs, first_inputs(trained, rows))
    # Rounding errors of the first layer grow with its inputs.
    size = np.nanmax(np.abs(inputs), initial=1, where=np.isfinite(inputs))
    mlp_rows.close(trained.native(rows), expected, 3e-6 * size, spread(trained))


@pytest.mark.parametrize("kinds", [["single", "skewed single", "small"], ["single", "date"]])
def test_numbers_are_computed_in_the_type_that_autogluon_has(kinds: list[str], tmp_path: Path) -> None:
    frame = NUMBERS[kinds]
    labels = mlp_rows.target(FRAME, "regression")
    model = NNFastAiTabularModel(path=str(tmp_path), problem_type="regression", hyperparameters=FAST)
    model.fit(X=frame, y=labels, num_cpus=1, num_gpus=0)
    narrow = mlp_rows.compiled(model, frontend, native, frame)
    assert all(isinstance(step, Scaled) for step in narrow.leaf.inputs.steps)
    rows = mlp_rows.matrix_of(mlp_rows.features(300, seed=4)[kinds])
    np.testing.assert_array_equal(native_inputs(narrow, rows), first_inputs(narrow, rows))
    mlp_rows.close(narrow.native(rows), narrow.autogluon(rows), 3e-6, spread(narrow))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(st.floats(-100, 100, width=32) | st.sampled_from([0.0, 1.0]), min_size=5, max_size=5), min_size=1)
)
def test_quantiles_rise_as_scikit_learn_makes_them(rows: list[list[float]]) -> None:
    from agbento.compiler.native.mlp_answers import settle

    numbers = np.array(rows, np.float32)
    out = np.empty(numbers.shape)
    assert settle(numbers, True, -np.inf, np.inf, out)
    expected = [IsotonicRegression().fit_transform(np.arange(5.0), row) for row in numbers]
    np.testing.assert_allclose(out, expected, rtol=1e-13, atol=1e-12)
    assert np.all(np.diff(out) >= 0)


def test_an_infinite_number_is_answered_or_refused_as_autogluon_does(trained: Trained) -> None:
    for slot in trained.slots:
        if slot.dtype not in ("float32", "float64"):
            continue
        rows = mlp_rows.matrix_of(FRAME[:2])
        rows[1, slot.index] = np.inf
        try:
            expected = trained.autogluon(rows)
        except ValueError:
            with pytest.raises(ValueError, match="infinite"):
                trained.native(rows)
        else:
            mlp_rows.close(trained.native(rows), expected, 3e-6, spread(trained))


def test_threads_do_not_disturb_one_another(regression: Trained) -> None:
    rows = mlp_rows.matrix_of(mlp_rows.features(400, seed=8))
    expected = [regression.native(rows[i : i + 1]) for i in range(len(rows))]
    with ThreadPoolExecutor(16) as pool:
        got = list(pool.map(lambda i: regression.native(rows[i : i + 1]), range(len(rows))))
    assert got == expected


def test_a_plan_is_the_same_as_json(trained: Trained) -> None:
    adapter = TypeAdapter(FastaiMlp)
    assert adapter.validate_json(adapter.dump_json(trained.leaf)) == trained.leaf


def test_a_stored_plan_answers_without_the_libraries_of_training(regression: Trained, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_bytes(TypeAdapter(FastaiMlp).dump_json(regression.leaf))
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
from agbento.compiler.native import fastai_mlp
from agbento.compiler.plan.fastai_mlp import FastaiMlp
folder = Path(sys.argv[1])
leaf = TypeAdapter(FastaiMlp).validate_json((folder / "plan.json").read_bytes())
evaluate = fastai_mlp.bind(leaf, Arrays.load(folder / "arrays.bin", folder / "arrays.json"), 1)
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
        (lambda model: setattr(model, "y_scaler", RobustScaler()), "RobustScaler"),
        (lambda model: setattr(model.model, "loss_func", torch.nn.L1Loss()), "L1Loss"),
        (lambda model: setattr(model.model.model, "layers", torch.nn.Sequential(torch.nn.SiLU())), "SiLU"),
        (lambda model: setattr(model.model, "model", torch.nn.Linear(1, 1)), "Linear"),
        (lambda model: setattr(model, "cont_columns", model.cont_columns[:-1]), "other columns"),
        (lambda model: setattr(model.model.model.embeds[0], "max_norm", 1.0), "Embedding"),
        (lambda model: setattr(model, "problem_type", "softclass"), "softclass"),
        (lambda model: setattr(model.y_scaler.steps[0][1], "inverse_func", np.abs), "clipped"),
    ],
)
def test_what_is_not_known_is_not_native(regression: Trained, change: Any, why: str) -> None:
    model = type(regression.model).load(regression.model.save(), verbose=False)
    change(model)
    with pytest.raises(NotNative, match=why):
        mlp_rows.compiled(model, frontend, native, FRAME)
