"""What a model's image may weigh: a sum over what its lock holds, so that each kind of model has its own budget."""

from __future__ import annotations

from dataclasses import dataclass

from agbento import lock

# MB (10^6 bytes) beyond the base image: what each weighs, with some tenth to grow. `make image` prints what is used.
_SERVICE = 1000  # the service, AutoGluon and what these need: numpy, pandas, scipy, scikit-learn, pyarrow, numba …
_LIBRARIES = {"catboost": 330, "fastai": 250, "lightgbm": 20, "torch": 900, "xgboost-cpu": 30}
_CUDA = 7000


@dataclass(frozen=True)
class Budget:
    """Megabytes (10^6 bytes) that an image may weigh beyond its base; ``kind`` says for what."""

    megabytes: int
    kind: str

    @classmethod
    def of(cls, text: str, python: str = lock.PYTHON) -> Budget:
        """Give the budget of an image that is made from the lock ``text``."""
        held = lock.versions(text, python)
        libraries = [name for name in _LIBRARIES if name in held]
        gpu = any(name.startswith("nvidia-cu") for name in held)
        kind = " + ".join(["the service", *libraries, *(["CUDA"] if gpu else [])])
        return cls(_SERVICE + sum(_LIBRARIES[name] for name in libraries) + (_CUDA if gpu else 0), kind)
