"""What a model takes and gives: the only owner of feature names and types.

Made once at import by ``describe`` and stored as ``schema.json`` beside the predictor, so that serving needs to
unpickle nothing in order to describe itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

FeatureType = Literal["int", "float", "bool", "category", "datetime", "text"]
ProblemType = Literal["regression", "binary", "multiclass", "quantile"]
Scalar = str | int | float | bool

# Keys of an answer beside the label; no label may be called so.
RESERVED = frozenset({"probabilities", "warnings"})
FORMAT = 1  # of schema.json; raised when an older reader could misread it


def plain(value: Any) -> Scalar:
    """Give a class, level or category as JSON can hold it: NumPy's scalars as Python's, anything else as its text."""
    value = value.item() if hasattr(value, "item") else value
    return value if isinstance(value, (str, int, float, bool)) else str(value)


@dataclass(frozen=True)
class Feature:
    """One column that the predictor needs.

    ``dtype`` is the pandas dtype of the training column; ``categories`` are the levels that training kept (None where
    the feature has none); ``range`` is the closed interval seen in training, where a model of the predictor tells it.
    """

    name: str
    type: FeatureType
    dtype: str
    required: bool = True
    categories: tuple[Scalar, ...] | None = None
    range: tuple[float, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """Give the feature as ``GET /model`` shows it: without the fields that are not known."""
        return {key: value for key, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Feature:
        """Read what ``to_json`` gave."""
        return cls(**{**data, **{k: tuple(data[k]) for k in ("categories", "range") if data.get(k) is not None}})


@dataclass(frozen=True)
class Schema:
    """The columns of a request and the shape of an answer.

    ``classes`` are the label's classes in the order of the probabilities (empty unless binary or multiclass);
    ``quantile_levels`` are those of the answer (empty unless quantile).
    """

    label: str
    problem_type: ProblemType
    features: tuple[Feature, ...]
    classes: tuple[Scalar, ...] = ()
    quantile_levels: tuple[float, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give the schema as the object that ``schema.json`` holds."""
        return {
            "format": FORMAT,
            "label": self.label,
            "problem_type": self.problem_type,
            "features": [feature.to_json() for feature in self.features],
            "classes": list(self.classes),
            "quantile_levels": list(self.quantile_levels),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Schema:
        """Read what ``to_json`` gave.

        Raises:
            ValueError: the data is of another format than this code reads.
        """
        if data.get("format") != FORMAT:
            raise ValueError(f"schema format {data.get('format')!r}, expected {FORMAT}: import the model again")
        return cls(
            label=data["label"],
            problem_type=data["problem_type"],
            features=tuple(map(Feature.from_json, data["features"])),
            classes=tuple(data["classes"]),
            quantile_levels=tuple(data["quantile_levels"]),
        )

    def save(self, path: Path) -> None:
        """Write ``schema.json``."""
        path.write_text(json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path) -> Schema:
        """Read ``schema.json``; raises OSError or ValueError where it is not there or not ours."""
        return cls.from_json(json.loads(path.read_text("utf-8")))
