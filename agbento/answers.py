"""Predictions → the objects that a caller reads."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from agbento.predictor import Predictions
from agbento.rows import Caution
from agbento.schema import Schema, plain


class AnswerWriter:
    """Writes answers for one schema, numbers rounded to ``decimals`` digits (None: exact)."""

    def __init__(self, schema: Schema, decimals: int | None = None) -> None:
        self._schema, self._decimals = schema, decimals
        self._class_names = [str(c) for c in schema.classes]
        self._level_names = [str(level) for level in schema.quantile_levels]

    def answers(
        self, predictions: Predictions, cautions: Mapping[int, Sequence[Caution]] | None = None
    ) -> list[dict[str, Any]]:
        """Give one object a row, in order.

        ``{"<label>": …}``, with ``probabilities`` where there are classes, and ``warnings`` where the row has cautions.
        """
        answers = self._predicted(predictions)
        for row, told in (cautions or {}).items():
            answers[row]["warnings"] = [caution.to_json() for caution in told]
        return answers

    def _predicted(self, predictions: Predictions) -> list[dict[str, Any]]:
        label = self._schema.label
        if predictions.probabilities is not None:
            return [
                {label: plain(value), "probabilities": self._named(self._class_names, row)}
                for value, row in zip(predictions.values, predictions.probabilities.tolist(), strict=True)
            ]
        if self._level_names:
            return [{label: self._named(self._level_names, row)} for row in predictions.values.tolist()]
        return [{label: self._number(value)} for value in predictions.values.tolist()]

    def _named(self, names: list[str], numbers: list[float]) -> dict[str, float | None]:
        return {name: self._number(number) for name, number in zip(names, numbers, strict=True)}

    def _number(self, number: float) -> float | None:
        # JSON has no NaN and no infinity: a number that is none is null.
        if not math.isfinite(number):
            return None
        return number if self._decimals is None else round(number, self._decimals)
