"""What a model's inputs and answers were like when it was imported: the reference that drift is measured against.

A stored model has it as ``drift.json``; `agbento.reference` makes it. Workers count into the same bins
(`agbento.watching.binner`), and Prometheus compares.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agbento.bins import FeatureBins, check_ascending

DRIFT: Final = "drift.json"
FORMAT: Final = 1  # of drift.json; raised when an older reader could misread it
MAX_FEATURES: Final = 30  # that are watched, the most important ones first
PREDICTION: Final = "(prediction)"  # what the answer itself is called among the features
FLOOR: Final = 0.0001  # the share that PSI takes for an empty bin


@dataclass(frozen=True)
class Reference:
    """The reference of a model, or why there is none.

    ``source`` says where its rows are from, or begins with "none"; ``rows`` is how many there were. ``features`` are
    the watched ones, the most important first, at most `MAX_FEATURES`; ``prediction`` is the answer, called
    `PREDICTION`. ``target_range`` is what a regression's or a quantile regression's answers lie within, and ``buckets``
    the upper bounds of a histogram of them: both are there without a reference too. ``target_source`` says what they
    are from. ``notes`` say what is not watched, and why.
    """

    source: str
    rows: int = 0
    features: tuple[FeatureBins, ...] = ()
    prediction: FeatureBins | None = None
    target_range: tuple[float, float] | None = None
    buckets: tuple[float, ...] = ()
    target_source: str = ""
    notes: tuple[str, ...] = ()

    @property
    def watched(self) -> tuple[FeatureBins, ...]:
        """The features, then the prediction: what a worker counts."""
        return (*self.features, *([] if self.prediction is None else [self.prediction]))

    @property
    def hash(self) -> str:
        """Tell it from another one of the same model: 8 hex digits."""
        text = json.dumps(self.to_json(), sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    def described(self) -> dict[str, Any]:
        """Give what ``GET /model`` tells of it."""
        told = {"source": self.source, "rows": self.rows, "features": len(self.features)}
        return told | ({"notes": list(self.notes)} if self.notes else {})

    def to_json(self) -> dict[str, Any]:
        """Give it as the object that ``drift.json`` holds."""
        return {
            "format": FORMAT,
            "source": self.source,
            "rows": self.rows,
            "features": [feature.to_json() for feature in self.features],
            "prediction": None if self.prediction is None else self.prediction.to_json(),
            "target_range": self.target_range and list(self.target_range),
            "buckets": list(self.buckets),
            "target_source": self.target_source,
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Reference:
        """Read what ``to_json`` gave.

        Raises:
            ValueError, TypeError, LookupError, AttributeError, OverflowError: it is none, or of another format.
        """
        if data.get("format") != FORMAT:
            raise ValueError(f"its drift reference is of format {data.get('format')!r}, expected {FORMAT}")
        target, prediction = data["target_range"], data["prediction"]
        check_ascending(data["buckets"])
        return cls(
            source=data["source"],
            rows=data["rows"],
            features=tuple(map(FeatureBins.from_json, data["features"])),
            prediction=None if prediction is None else FeatureBins.from_json(prediction),
            target_range=None if target is None else (target[0], target[1]),
            buckets=tuple(data["buckets"]),
            target_source=data["target_source"],
            notes=tuple(data["notes"]),
        )

    def save(self, folder: Path) -> None:
        """Write it into a stored model's folder."""
        (folder / DRIFT).write_text(json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Reference | None:
        """Read it; None where there is none that can be read."""
        try:
            return cls.from_json(json.loads((folder / DRIFT).read_text("utf-8")))
        except (OSError, ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError):
            return None


def psi(shares: Sequence[float], reference: Sequence[float]) -> float:
    """Give the population stability index of two distributions over the same bins: 0 where they are the same.

    It is the sum over the bins of ``(share - reference) * ln(share / reference)``, an empty bin being taken for one
    with a share of `FLOOR`. Below 0.1 is commonly read as no change, above 0.25 as a large one.
    """
    pairs = [(max(share, FLOOR), max(other, FLOOR)) for share, other in zip(shares, reference, strict=True)]
    return sum((share - other) * math.log(share / other) for share, other in pairs)
