"""Made-up rows that a model can read, from its own description: for the load test, the warm-up and the OpenAPI page."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

_WORDS: Final = ("amber", "brisk", "cedar", "delta", "early", "fresh", "grand", "hazel", "ivory", "jolly", "kind")
# Without an offset: such a value would be refused where the training column had none.
_START: Final = datetime(2024, 1, 1)
_SECONDS: Final = 366 * 24 * 3600
_LARGEST: Final = 3.4e38  # what the service takes: most models compute in 32 bits
_RANGE: Final = (0.0, 100.0)  # where the model does not say; it fits the smallest integer column, int8


def example_rows(features: Sequence[Mapping[str, Any]], seed: int = 0) -> Iterator[dict[str, Any]]:
    """Make rows without end, the same for the same ``features`` and ``seed``; every value can be written as JSON.

    ``features`` is the list of ``GET /model``. A feature with ``categories`` has one of them; an int or a float lies in
    its ``range`` (0 to 100 where it has none; an int is a whole number of the range, or next to it if it holds none); a
    datetime is ISO 8601 to the second, without an offset, in 2024; a text is three to eight words.

    Raises ValueError, at the first row, for a feature of a type that is not one of those of `agbento.schema`.
    """
    rng = random.Random(seed)  # noqa: S311 - made-up rows are no secrets
    while True:
        yield {feature["name"]: _value(feature, rng) for feature in features}


def typical_row(features: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Make the one row that shows what a row looks like: each value is a typical one, where the model tells it."""
    row = next(example_rows(features))
    return row | {f["name"]: f["typical"] for f in features if f.get("typical") is not None}


def _value(feature: Mapping[str, Any], rng: random.Random) -> Any:
    if two := feature.get("two_valued"):
        return two["true"] if two.get("false") is None or rng.random() < 0.5 else two["false"]
    if categories := feature.get("categories"):
        return rng.choice(categories)
    match feature["type"]:
        case "int":
            low, high = _range(feature)
            first = math.ceil(low)
            return rng.randint(first, max(first, math.floor(high)))
        case "float":
            low, high = _range(feature)
            return _between(low, high, rng)
        case "bool":
            return rng.random() < 0.5
        case "datetime":
            return (_START + timedelta(seconds=rng.randrange(_SECONDS))).isoformat()
        case "category":
            return rng.choice(_WORDS)
        case "text":
            return " ".join(rng.choices(_WORDS, k=rng.randint(3, 8)))
    raise ValueError(f"feature {feature['name']!r}: unknown type {feature['type']!r}, expected one of agbento.schema's")


def _range(feature: Mapping[str, Any]) -> tuple[float, float]:
    low, high = feature.get("range") or _RANGE
    if not (math.isfinite(low) and math.isfinite(high)):
        return _RANGE
    return min(max(low, -_LARGEST), _LARGEST), min(max(high, -_LARGEST), _LARGEST)


def _between(low: float, high: float, rng: random.Random) -> float:
    """Draw a number of ``[low, high]``; weighing both ends cannot overflow, as their difference could."""
    share = rng.random()
    return min(max(low * (1.0 - share) + high * share, low), high)
