"""A compiled predictor: rows in, the predictor's own answers out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt

from agbento.compiler import artefact
from agbento.compiler.arrays import Arrays
from agbento.compiler.foreign_threads import bound_threads
from agbento.compiler.native.answers import Answers
from agbento.compiler.native.contract import Matrix
from agbento.compiler.native.features import bind_features
from agbento.compiler.native.models import BoundModels
from agbento.compiler.parts import Parts
from agbento.compiler.plan.features import Features
from agbento.compiler.plan.plan import Plan
from agbento.compiler.report import Report, report

Data = Any  # a dict, a list of dicts, a pandas DataFrame, a pyarrow Table
Array = npt.NDArray[Any]


class CompiledPredictor:
    """Answers as the ``TabularPredictor`` that it was compiled from. Safe to use from many threads.

    ``threads`` bounds the threads of a call with many rows; a call with one row uses none but its own. ``source`` is
    the digest of the predictor, where it is known.
    """

    def __init__(
        self,
        plan: Plan,
        arrays: Arrays,
        foreign: Mapping[str, Any] | None = None,
        *,
        threads: int = 1,
        source: str = "",
    ) -> None:
        self.plan, self.arrays, self.foreign, self.source = plan, arrays, dict(foreign or {}), source
        self._features = bind_features(plan.features, arrays, self.foreign)
        self._models = BoundModels(plan, arrays, self.foreign, threads)
        self._answers = Answers(plan.answer)

    @property
    def native(self) -> bool:
        """Whether nothing of it runs through AutoGluon's own objects."""
        return self.plan.is_native

    def predict(self, data: Data) -> Array:
        """Answer a dict (one row), a list of dicts, a DataFrame or an Arrow table, with the predictor's columns.

        Gives shape (n,): numbers or classes; for quantile problems (n, levels).

        Raises:
            TypeError: ``data`` is none of these.
            KeyError: columns are missing; names all of them.
            ValueError: a value is none that AutoGluon could take for its column.
        """
        return self._answers.values(self._models.answer(self._matrix(data)))

    def predict_proba(self, data: Data) -> Array:
        """Give shape (n, classes), in the order of ``TabularPredictor.class_labels``; the rest as ``predict``.

        Raises:
            ValueError: it is no classifier; or as ``predict``.
            KeyError: as ``predict``.
        """
        if not self._answers.classifies:
            raise ValueError(f"a {self.plan.answer.problem} predictor has no probabilities")
        return self._answers.probabilities(self._models.answer(self._matrix(data)))

    def predict_columns(self, columns: Mapping[str, Any]) -> tuple[Array, Array | None]:
        """Answer columns (lists, NumPy, Series or Arrow arrays by name) with values and probabilities at once."""
        return self._both(self._features.columns(columns))

    def predict_row(self, row: Mapping[str, Any]) -> tuple[Array, Array | None]:
        """Answer one row with values and probabilities at once."""
        return self._both(self._features.row(row))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a row must have."""
        features = self.plan.features
        return features.required if isinstance(features, Features) else features.names

    def report(self) -> Report:
        """Tell what is native, what is not, and why."""
        return report(self.plan, self.arrays)

    def save(self, folder: str | Path) -> None:
        """Write the artefact into ``folder``, which must not exist; it is there whole or not at all."""
        artefact.save(Parts(self.plan, self.arrays, self.foreign, self.source), Path(folder))

    @classmethod
    def load(cls, folder: str | Path, *, threads: int = 1, source: str | None = None) -> CompiledPredictor:
        """Open what ``save`` wrote; its arrays are mapped, so that processes share them.

        ``source`` is the digest of the predictor that it must be of; None: of any.

        Raises:
            ArtefactError: it is of another version or predictor, or damaged.
        """
        found = artefact.load(Path(folder), source)
        for model in found.foreign.values():
            bound_threads(model, threads)
        return cls(found.plan, found.arrays, found.foreign, threads=threads, source=found.source)

    def _both(self, matrix: Matrix) -> tuple[Array, Array | None]:
        numbers = self._models.answer(matrix)
        probabilities = self._answers.probabilities(numbers) if self._answers.classifies else None
        return self._answers.values(numbers), probabilities

    def _matrix(self, data: Data) -> Matrix:
        if isinstance(data, Mapping):
            return self._features.row(data)
        if isinstance(data, (list, tuple)) and all(isinstance(row, Mapping) for row in data):
            return self._features.rows(data)
        # A DataFrame's, or a Table's.
        names = getattr(data, "column_names", getattr(data, "columns", None))
        if names is None or not hasattr(data, "__getitem__"):
            kind = f"{type(data).__module__}.{type(data).__qualname__}"
            raise TypeError(f"expected a dict, a list of dicts, a DataFrame or an Arrow table, got {kind}")
        return self._features.columns({name: data[name] for name in names})


def compile_predictor(predictor: Any, *, model: str | None = None, threads: int = 1) -> CompiledPredictor:
    """Compile a ``TabularPredictor``, or the one in the folder at a path, to answer as ``model`` (None: its best).

    Raises:
        NotCompilable: its answer is of a kind that is not known here.
        TypeError: ``predictor`` is none.
        ValueError: it has no such model.
    """
    from autogluon.tabular import TabularPredictor

    from agbento.compiler.frontends.predictor import read

    if isinstance(predictor, (str, Path)):
        predictor = TabularPredictor.load(str(predictor), verbosity=0)
    if not isinstance(predictor, TabularPredictor):
        raise TypeError(f"expected a TabularPredictor or the path of one, got {type(predictor).__qualname__}")
    if model is not None and model not in (names := predictor.model_names()):
        raise ValueError(f"no model {model!r} in the predictor; expected one of {', '.join(names)}")
    found = read(predictor, model)
    return CompiledPredictor(found.plan, found.arrays, found.foreign, threads=threads)
