"""The libraries that a predictor is made of: known from the names in its pickles, at the versions of its training.

A model library is one that a family of models is; another version of it may answer otherwise, or not load what was
trained. The rest (numpy, pandas, networkx …) keeps what it reads through a major version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version

from packaging.utils import canonicalize_name

from agbento.allowed import allowed_modules

AUTOGLUON = "autogluon-tabular"

# Top-level module → the distributions that bring it, the one that the image takes first.
_MODEL_LIBRARIES: Mapping[str, tuple[str, ...]] = {
    "catboost": ("catboost",),
    "fastai": ("fastai",),
    "imodels": ("imodels",),
    "interpret": ("interpret-core", "interpret"),
    "lightgbm": ("lightgbm",),
    "pytabkit": ("pytabkit",),
    "sklearn": ("scikit-learn",),
    "tabicl": ("tabicl",),
    "tabpfn": ("tabpfn",),
    "torch": ("torch",),
    # The other has CUDA code of some 200 MB, and needs NVIDIA's packages.
    "xgboost": ("xgboost-cpu", "xgboost"),
}
# AutoGluon's own modules of families whose libraries their pickles need not name.
_FAMILIES: Mapping[str, tuple[str, ...]] = {
    "autogluon.tabular.models.fastainn": ("fastai", "torch"),
    "autogluon.tabular.models.mitra": ("torch",),
    "autogluon.tabular.models.realmlp": ("pytabkit", "torch"),
    "autogluon.tabular.models.tabm": ("torch",),
    "autogluon.tabular.models.tabular_nn.torch": ("torch",),
}
_OTHERS: Mapping[str, tuple[str, ...]] = {"dateutil": ("python-dateutil",), "yaml": ("pyyaml",)}
_OURS = frozenset({"agbento", "autogluon", "builtins"})


@dataclass(frozen=True)
class Library:
    """A library: its top-level module, its distribution's canonical name, and its version in training.

    ``of_models``: a family of models is made of it.
    """

    module: str
    distribution: str
    version: str
    of_models: bool


def libraries(modules: Iterable[str], packages: Mapping[str, str]) -> tuple[Library, ...]:
    """Give the libraries that ``modules`` (of the names in pickles) belong to, sorted.

    ``packages`` are those of the training environment, name → version; what it does not know is left out, but for the
    libraries of models, which are then as they are here. So is what no name on the list belongs to: what a pickle and
    metadata.json say together must not get a package installed.
    """
    known = {str(canonicalize_name(name)): version for name, version in packages.items()}
    found: dict[str, Library] = {}
    for top in _tops(modules):
        names = _distributions(top)
        trained = next((name for name in names if name in known), None)
        of_models = top in _MODEL_LIBRARIES
        at = known[trained] if trained is not None else installed(names) if of_models else ""
        if at:
            found[top] = Library(top, names[0], at, of_models)
    return tuple(found[top] for top in sorted(found))


def model_distributions() -> frozenset[str]:
    """Give every distribution that brings a model library: what a predictor does not use need not be installed."""
    return frozenset(name for names in _MODEL_LIBRARIES.values() for name in names if name != "scikit-learn")


def alternatives(distribution: str) -> tuple[str, ...]:
    """Give the distributions that bring the same module, ``distribution`` among them."""
    return next((names for names in _MODEL_LIBRARIES.values() if distribution in names), (distribution,))


def _tops(modules: Iterable[str]) -> set[str]:
    tops = set()
    for module in set(modules):
        tops.add(module.partition(".")[0])
        for family, needed in _FAMILIES.items():
            if module == family or module.startswith(f"{family}."):
                tops |= set(needed)
    return (tops & allowed_modules()) - _OURS


def _distributions(top: str) -> tuple[str, ...]:
    if top in _MODEL_LIBRARIES:
        return _MODEL_LIBRARIES[top]
    if top in _OTHERS:
        return _OTHERS[top]
    return (*(canonicalize_name(name) for name in _installed().get(top, ())), canonicalize_name(top))


def installed(names: Iterable[str]) -> str:
    """Give the version of the first of the distributions ``names`` that is here; empty where none is."""
    for name in names:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return ""


@cache
def _installed() -> Mapping[str, list[str]]:
    return packages_distributions()
