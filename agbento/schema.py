"""What a model takes and gives: the only owner of feature names and types.

Made once at import by ``describe`` and stored as ``schema.json`` beside the predictor, so that serving needs to
unpickle nothing in order to describe itself.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

FeatureType = Literal["int", "float", "bool", "category", "datetime", "text"]
ProblemType = Literal["regression", "binary", "multiclass", "quantile"]
Scalar = str | int | float | bool

# Keys of an answer beside the label; no label may be called so.
RESERVED = frozenset({"probabilities", "warnings"})
FORMAT = 2  # of schema.json; raised when an older reader could misread it


def plain(value: Any) -> Scalar:
    """Give a class, level or category as JSON can hold it: NumPy's scalars as Python's, anything else as its text."""
    if hasattr(value, "item") and not hasattr(value.item(), "item") and value.dtype.kind not in "mM":
        value = value.item()
    is_plain = isinstance(value, (str, int)) or (isinstance(value, float) and math.isfinite(value))
    return cast(Scalar, value) if is_plain else str(value)


@dataclass(frozen=True)
class TwoValued:
    """A column that had two values in training, null perhaps one of them: a test for being equal to one of them.

    ``true`` is that one; AutoGluon takes everything else for the other. It does not keep the other: ``false`` is it
    where the dtype says it ("dtype"), or by custom, such as "no" to "yes" and 0 to 1 ("custom"); else None.
    """

    true: Scalar
    false: Scalar | None = None
    false_by: Literal["dtype", "custom"] | None = None


@dataclass(frozen=True)
class Feature:
    """One column that the predictor needs.

    ``dtype`` is the pandas dtype of the training column, ``special`` AutoGluon's special types of it. ``categories``
    are the levels that training kept (None where the feature has none). ``range`` is the closed interval seen in
    training, ``typical`` a value amid it, ``nulls`` whether there were nulls: each None where nothing in the
    predictor tells. ``null_as`` is what AutoGluon puts in place of null (None: it stays a missing value). ``ngrams``
    is the number of word sequences that AutoGluon counts in a text.
    """

    name: str
    type: FeatureType
    dtype: str
    required: bool = True
    special: tuple[str, ...] = ()
    categories: tuple[Scalar, ...] | None = None
    range: tuple[float, float] | None = None
    typical: Scalar | None = None
    nulls: bool | None = None
    null_as: Scalar | None = None
    two_valued: TwoValued | None = None
    ngrams: int | None = None

    @property
    def holds_timestamps(self) -> bool:
        """Whether the training column was one of timestamps; one of type datetime may also have held texts."""
        return self.dtype.startswith("datetime64")

    @property
    def has_zone(self) -> bool:
        """Whether the training column was one of timestamps in a time zone."""
        return self.holds_timestamps and "," in self.dtype

    def to_json(self) -> dict[str, Any]:
        """Give the feature as ``GET /model`` shows it: without the fields that are not known."""
        return {key: value for key, value in asdict(self).items() if value is not None and value != ()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Feature:
        """Read what ``to_json`` gave."""
        read = dict(data)
        for key in ("categories", "range", "special"):
            if data.get(key) is not None:
                read[key] = tuple(data[key])
        if data.get("two_valued") is not None:
            read["two_valued"] = TwoValued(**data["two_valued"])
        return cls(**read)


@dataclass(frozen=True)
class Schema:
    """The columns of a request and the shape of an answer.

    ``dropped`` are the training columns that the predictor does not use. ``classes`` are the label's classes in the
    order of the probabilities (empty unless binary or multiclass); ``positive_class`` and ``decision_threshold`` are
    those of a binary one: the positive class is answered where its probability is above the threshold.
    ``quantile_levels`` are those of the answer (empty unless quantile).
    """

    label: str
    problem_type: ProblemType
    features: tuple[Feature, ...]
    dropped: tuple[str, ...] = ()
    classes: tuple[Scalar, ...] = ()
    positive_class: Scalar | None = None
    decision_threshold: float | None = None
    quantile_levels: tuple[float, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give the schema as the object that ``schema.json`` holds."""
        data: dict[str, Any] = {
            "format": FORMAT,
            "label": self.label,
            "problem_type": self.problem_type,
            "features": [feature.to_json() for feature in self.features],
            "dropped": list(self.dropped),
            "classes": list(self.classes),
            "quantile_levels": list(self.quantile_levels),
        }
        if self.positive_class is not None:
            data |= {"positive_class": self.positive_class, "decision_threshold": self.decision_threshold}
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Schema:
        """Read what ``to_json`` gave.

        Raises:
            ValueError: the data is of another format than this code reads.
        """
        if data.get("format") != FORMAT:
            raise ValueError(f"its schema is of format {data.get('format')!r}, expected {FORMAT}")
        return cls(
            label=data["label"],
            problem_type=data["problem_type"],
            features=tuple(map(Feature.from_json, data["features"])),
            dropped=tuple(data["dropped"]),
            classes=tuple(data["classes"]),
            positive_class=data.get("positive_class"),
            decision_threshold=data.get("decision_threshold"),
            quantile_levels=tuple(data["quantile_levels"]),
        )

    def save(self, path: Path) -> None:
        """Write ``schema.json``."""
        path.write_text(json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path) -> Schema:
        """Read ``schema.json``; raises OSError or ValueError where it is not there or not ours."""
        return cls.from_json(json.loads(path.read_text("utf-8")))
