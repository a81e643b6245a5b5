"""TextNgramFeatureGenerator: the n-grams that scikit-learn's CountVectorizer counts in texts."""

from __future__ import annotations

from typing import Any

import numpy as np

from agbento.compiler.errors import NotNative
from agbento.compiler.frontends.feature_columns import Columns, Gram, Typed, Vocabulary

_COMBINED = "__nlp__"  # AutoGluon's name for all texts of a row
# Options of CountVectorizer of which only one value is reproduced; others do not matter once it is fitted.
_FIXED = {"analyzer": "word", "preprocessor": None, "stop_words": None, "strip_accents": None, "tokenizer": None}


def read_words(generator: Any, columns: dict[str, Typed]) -> Columns:
    """Give the columns that the generator makes: a count for each n-gram, and how many n-grams there are.

    Raises:
        NotNative: a vectorizer is no CountVectorizer, or has options that are not known here.
    """
    out: Columns = {}
    for group, vectorizer in zip(generator.vectorizer_features, generator.vectorizers, strict=False):
        _check(vectorizer)
        sources = tuple(columns.values()) if group == _COMBINED else (columns[group],)
        names = generator._feature_names_dict[group].tolist()
        if len(names) != len(vectorizer.vocabulary_) + 1:
            raise NotNative(f"n-grams of {group!r} with names of their own")
        vocabulary = Vocabulary(sources, vectorizer)
        # AutoGluon appends the total, uint16, to the array of the counts.
        dtype = np.result_type(vectorizer.dtype, np.uint16).name
        for position, name in enumerate(names):
            out[name] = Gram(vocabulary, -1 if position == len(names) - 1 else position, dtype)
    if generator.prefilter_tokens:
        out = {name: out[name] for name, kept in zip(list(out), generator.token_mask, strict=True) if kept}
    return out


def _check(vectorizer: Any) -> None:
    kind = type(vectorizer)
    if (kind.__module__, kind.__name__) != ("sklearn.feature_extraction.text", "CountVectorizer"):
        raise NotNative(f"n-grams of a {kind.__name__}")
    for option, known in _FIXED.items():
        if getattr(vectorizer, option) != known:
            raise NotNative(f"CountVectorizer with {option}={getattr(vectorizer, option)!r}")
    if np.dtype(vectorizer.dtype).kind not in "iu":
        raise NotNative(f"CountVectorizer that counts in {vectorizer.dtype}")
