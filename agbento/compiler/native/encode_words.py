"""Texts: how often n-grams are in them, as scikit-learn's CountVectorizer counts."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from agbento.compiler.arrays import Arrays
from agbento.compiler.native.contract import Matrix
from agbento.compiler.native.encode_text import text_of, texts_of
from agbento.compiler.native.raw_columns import RawColumn
from agbento.compiler.plan.features import Words

_TOTALS = 2**16  # AutoGluon counts n-grams in uint16
_BETWEEN = ". "  # AutoGluon's, between the texts of a row


class WordsEncoder:
    """Counts the n-grams of one vocabulary in the texts of some columns."""

    def __init__(self, words: Words, arrays: Arrays) -> None:
        self._words, self.sources = words, list(zip(words.columns, words.dtypes, strict=True))
        self.ones: list[tuple[str, Callable[[Any], Any]]] = [
            (name, partial(text_of, dtype=dtype)) for name, dtype in self.sources
        ]
        self._tokens = re.compile(words.pattern).findall
        vocabulary: list[str] = json.loads(arrays.get_bytes(words.vocabulary))
        slots = arrays.get(words.slots).tolist()
        # An n-gram without a slot counts for the total all the same: it has a negative number of its own.
        self._places = {
            ngram: slot if slot >= 0 else -1 - i for i, (ngram, slot) in enumerate(zip(vocabulary, slots, strict=True))
        }
        self._find, self._dtype = self._places.get, np.dtype(words.dtype)
        self._most = int(np.iinfo(self._dtype).max)

    def text(self, row: Mapping[str, Any]) -> str:
        """Give the text of one row. Raises ValueError as ``texts_of`` does."""
        parts = [text_of(row[name], dtype) for name, dtype in self.sources]
        return parts[0] if len(parts) == 1 else _BETWEEN.join(parts)

    def texts(self, columns: Mapping[str, RawColumn]) -> list[str]:
        """Give the text of each row. Raises ValueError as ``texts_of`` does."""
        parts = [texts_of(columns[name], dtype) for name, dtype in self.sources]
        return parts[0] if len(parts) == 1 else [_BETWEEN.join(row) for row in zip(*parts, strict=True)]

    def count(self, text: str, row: Matrix) -> None:
        """Count in one text, into ``row``, shape (slots of the matrix,), whose slots of these n-grams are 0."""
        words = self._words
        tokens = self._tokens(text.lower() if words.lowercase else text)
        ngrams: Iterable[str] = chain.from_iterable(
            tokens if n == 1 else map(" ".join, zip(*(tokens[i:] for i in range(n)), strict=False))
            for n in range(words.shortest, min(words.longest, len(tokens)) + 1)
        )
        counts: dict[int | None, int] = Counter(map(self._find, ngrams))
        counts.pop(None, None)
        total, cells = len(counts), memoryview(row.data)
        for place, number in counts.items():
            if words.binary:
                number = 1
            elif number > self._most:
                number = int(np.array(number).astype(self._dtype))
                total -= number == 0
            if place is not None and place >= 0:
                cells[place] = number
        if words.total >= 0:
            cells[words.total] = total % _TOTALS
