from __future__ import annotations

from agbento.budget import Budget


def lines(*names: str) -> str:
    return "".join(f"{name}==1.0 \\\n    --hash=sha256:aa\n" for name in names)


def test_each_kind_of_model_has_its_own() -> None:
    small, trees = Budget.of(lines("numpy")), Budget.of(lines("numpy", "catboost", "lightgbm"))
    assert small.kind == "the service"
    assert trees.kind == "the service + catboost + lightgbm"
    nets = Budget.of(lines("numpy", "torch"))
    assert small.megabytes < trees.megabytes < nets.megabytes < Budget.of(lines("torch", "nvidia-cublas")).megabytes
