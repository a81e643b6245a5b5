"""The sum of all comparisons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from agbento.compiler.proof.agreement import Agreement
from agbento.compiler.proof.findings import Found, Proof, plain, versions
from agbento.compiler.proof.stock import Numbers
from agbento.text import exception_text

_SHOWN: Final = 5  # misses
Row = Callable[[int], Mapping[Any, Any]]


class Tally:
    """Counts what was compared, and keeps the largest difference and the first misses."""

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()
        self._silent: set[str] = set()
        self._exact = self._ties = self._missed = self._unanswered = self._left_out = self._unsteady = 0
        self._misses: list[Found] = []
        self._largest: Found | None = None

    def compared(
        self, way: str, kinds: Sequence[str], found: Agreement, answers: tuple[Numbers, Numbers], row: Row
    ) -> None:
        """Add a comparison; ``answers`` are AutoGluon's and the compiled predictor's, ``row`` gives one by place."""
        self._count(way, kinds)
        if found.unsteady is not None:
            self._unsteady += int(found.unsteady.sum())
        self._exact += int(found.exact.sum())
        self._ties += int(found.ties.sum())

        def told(place: int) -> Found:
            column = int(np.argmax(found.difference[place]))
            expected, received = (_number(numbers, place, column) for numbers in answers)
            difference = float(found.difference[place, column])
            return Found(way, kinds[place], _row(row, place), found.columns[column], expected, received, difference)

        largest = found.difference.max(axis=1)
        place = int(np.argmax(largest))
        if largest[place] > (self._largest.difference if self._largest else 0.0):
            self._largest = told(place)
        missed = np.flatnonzero(found.missed)
        self._missed += len(missed)
        self._misses += [told(int(place)) for place in missed[: _SHOWN - len(self._misses)]]

    def raised(self, way: str, kinds: Sequence[str], place: int, error: Exception, row: Row) -> None:
        """Add rows of which the compiled predictor raised at one, while AutoGluon answered all."""
        self._count(way, kinds)
        self._missed += len(kinds)
        found = Found(way, kinds[place], _row(row, place), "", "an answer", exception_text(error), float("inf"))
        self._largest = self._largest if self._largest and self._largest.difference == found.difference else found
        self._misses += [found][: _SHOWN - len(self._misses)]

    def unanswered(self, way: str, count: int) -> None:
        """Add rows that AutoGluon did not answer."""
        self._silent.add(way)
        self._unanswered += count

    def unsteady(self, count: int) -> None:
        """Add rows at which the compiled predictor raises, and to which AutoGluon's answer is beyond all numbers."""
        self._unsteady += count

    def left_out(self, count: int) -> None:
        """Add rows for which there was no time."""
        self._left_out += count

    def proof(self, seconds: float, digest: str | None) -> Proof:
        """Sum up. Rows of a way of which AutoGluon answered none prove nothing, so then there is no equality."""
        tried = sum(self._rows.values())
        proved = tried > 0 and all(any(key.startswith(f"{way}: ") for key in self._rows) for way in self._silent)
        return Proof(
            equal=proved and not self._missed,
            rows=dict(sorted(self._rows.items())),
            exact=self._exact / tried if tried else 0.0,
            largest=self._largest,
            missed=self._missed,
            misses=tuple(self._misses),
            ties=self._ties,
            unanswered=self._unanswered,
            left_out=self._left_out,
            unsteady=self._unsteady,
            seconds=round(seconds, 3),
            versions=versions(),
            digest=digest,
        )

    def _count(self, way: str, kinds: Sequence[str]) -> None:
        self._rows.update(f"{way}: {kind}" for kind in kinds)


def _number(numbers: Numbers, place: int, column: int) -> Any:
    """Give one number of an answer; for classes, that beyond the probabilities is the class."""
    source = numbers.values if numbers.probabilities is None else numbers.probabilities
    row = np.atleast_1d(source[place])
    return plain(row[column] if column < len(row) else numbers.values[place])


def _row(row: Row, place: int) -> dict[str, Any]:
    return {str(name): plain(value) for name, value in row(place).items()}
