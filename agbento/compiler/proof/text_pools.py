"""The values that are worth trying in a column of texts."""

from __future__ import annotations

import random
from typing import Any, Final

from agbento.compiler.proof.remembered import Column

_WORDS: Final = ("amber", "brisk", "cedar", "delta", "early", "fresh", "of", "a")
_SYMBOLS: Final = "!?@%$&*()-_=+[]{};:'\",.<>/\\|`~#^"
# Letters of other scripts, written as code points where they look like Latin ones.
_FOREIGN: Final = (
    "größe ÄÖÜ",
    "\u03bd\u03b1\u03b9",
    "\u0434\u0430 \u041d\u0415\u0422",
    "漢字 かな",
    "🙂🙂 ok",
    "e\u0301",
    "İstanbul ß",
    "\u0661\u0662 ²",
    "a\u00a0b\u200bc",
    "\u2028",
)
_TRIED: Final = 48  # texts of each sort
_OVERFLOW: Final = 300  # times one word, so that a count of 8 bits begins anew


def usual_texts(column: Column, rng: random.Random) -> tuple[str, ...]:
    """Give texts of the n-grams that are counted, of one to twelve of them."""
    ngrams = column.ngrams or _WORDS
    return tuple(" ".join(rng.choices(ngrams, k=rng.randint(1, 12))) for _ in range(_TRIED))


def odd_texts(column: Column, rng: random.Random) -> tuple[Any, ...]:
    """Give empty and blank texts, capitals, symbols, digits, letters of other scripts, long ones, n-grams, and null."""
    usual = usual_texts(column, rng)
    words = [word for text in usual for word in text.split()] or list(_WORDS)
    blank = ["", " ", "\n\t ", "x", "\x00"]
    cased = [form(text) for text in usual[:4] for form in (str.upper, str.title, str.swapcase)]
    symbols = [symbol * rng.randint(1, 9) for symbol in _SYMBOLS] + [_mixed(words, rng) for _ in range(_TRIED)]
    digits = ["7", "2024", "3.14 2.71", "12345 " * 10]
    # Around the places where a count is put in one bin or the next.
    lengths = ["x" * n for n in range(0, 60, 7)] + ["ab " * n for n in (1, 2, 3, 5, 8, 13, 21, 100)]
    long = [f"{rng.choice(words)} " * _OVERFLOW, " ".join(words * 8)]
    ngrams = rng.sample(column.ngrams, min(_TRIED, len(column.ngrams)))
    return (None, *blank, *cased, *symbols, *digits, *_FOREIGN, *lengths, *long, *ngrams, *column.levels[:_TRIED])


def _mixed(words: list[str], rng: random.Random) -> str:
    """Join words by symbols, some of them in capitals, digits between them."""
    parts = []
    for _ in range(rng.randint(1, 20)):
        word = rng.choice(words)
        parts += [rng.choice((word, word.upper(), word.title(), str(rng.randint(0, 999)))), rng.choice(_SYMBOLS + "  ")]
    return "".join(parts)
