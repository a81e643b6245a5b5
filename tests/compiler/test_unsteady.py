"""Networks: AutoGluon's own answers differ from call to call, and the proof asks for no more than that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agbento.compiler import CompiledPredictor, compile_predictor
from agbento.compiler.arrays import Arrays
from agbento.compiler.proof.agreement import Agreement, Judge
from agbento.compiler.proof.stock import Numbers
from agbento.compiler.proof.unsteady import forgiven, has_networks
from agbento.compiler.verify import verify
from tests.compiler.small import Kind, trained

pytest.importorskip("torch")
pytest.importorskip("fastai")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

ROWS = 400
NETWORKS: dict[str, dict[str, Any]] = {
    "FASTAI": {"FASTAI": {"epochs": 3}},
    "NN_TORCH": {"NN_TORCH": {"num_epochs": 3}},
}


@pytest.mark.parametrize("family", NETWORKS)
@pytest.mark.parametrize("kind", ["regression", "quantile"])
def test_networks_are_proven_and_wrong_ones_are_not(kind: Kind, family: str, tmp_path: Path) -> None:
    predictor = trained(kind, tmp_path / "p", NETWORKS[family])
    predictor.set_model_best(predictor.model_names()[0])
    compiled = compile_predictor(predictor)
    assert compiled.native
    assert has_networks(compiled.plan)
    proof = verify(predictor, compiled, rows=ROWS)
    assert proof.equal, str(proof)
    assert proof.tried > ROWS
    leaf: Any = compiled.plan.models[-1].children[0].leaf
    held = {name: compiled.arrays.get(name) for name in compiled.arrays._arrays}
    name = leaf.network.parameters
    wrong = CompiledPredictor(compiled.plan, Arrays({**held, name: held[name] * np.float32(1.0003)}))
    assert not verify(predictor, wrong, rows=ROWS).equal


def test_trees_are_steady(tmp_path: Path) -> None:
    assert not has_networks(compile_predictor(trained("regression", tmp_path / "p")).plan)


class Quantities:
    """What a judge asks of a predictor of numbers."""

    problem_type, label = "regression", "y"


def test_what_autogluon_does_itself_is_no_miss() -> None:
    judge = Judge(Quantities(), scale=1.0, usual=1.0)
    expected = Numbers(np.array([1.0, 1.0, 1.0, 5e7]))
    received = Numbers(np.array([1.0 + 3e-5, 1.0 + 3e-5, 1.0, 4e7]))
    again = np.array([1.0 + 1e-5, 1.0 + 1e-5, 1.0, 5e7])

    def ask(begin: int, end: int) -> Numbers:
        return Numbers(again[begin:end])

    found: Agreement = judge.compare(expected, received)
    assert found.missed.tolist() == [True, True, False, True]
    assert not forgiven(found, expected, ask, judge).missed.any()
    far = judge.compare(expected, Numbers(np.array([1.01, 1.0, 1.0, 5e7])))
    assert forgiven(far, expected, ask, judge).missed.tolist() == [True, False, False, False]
