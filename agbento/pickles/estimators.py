"""Scikit-learn's estimators that can be told to open files, or to call what they are given: no predictor asks for it.

``sklearn.feature_extraction.text``: a vectorizer's ``input`` is "content", "filename" or "file".
``sklearn.preprocessing.FunctionTransformer``: ``func`` is called with the data; AutoGluon's is none, or a partial,
whose function counts as called (`agbento.pickles.forwards`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agbento.pickles.forwards import PARTIAL
from agbento.pickles.values import Dict, Object, Value

if TYPE_CHECKING:
    from agbento.pickles.machine import Machine

_TEXT: Final = "sklearn.feature_extraction.text"
_FUNCTION: Final = ("sklearn.preprocessing._function_transformer", "FunctionTransformer")


def check_state(machine: Machine, target: Object, state: Value, at: int) -> None:
    """Note a flaw where an estimator's state would have it open files, or call what is not known to be harmless."""
    name = (target.maker.module, target.maker.name)
    if name == _FUNCTION:
        known = state.known() if isinstance(state, Dict) else None
        if known is None or not all(_is_harmless(known.get(key)) for key in ("func", "inverse_func")):
            machine.notes.flaw("a transformer that would call what is no partial", at)
    elif name[0] == _TEXT and name[1].endswith("Vectorizer"):
        known = state.known() if isinstance(state, Dict) else None
        if known is None or known.get("input") != "content":
            machine.notes.flaw("a vectorizer that would open its texts as files", at)


def _is_harmless(function: Value) -> bool:
    if isinstance(function, Object):
        return (function.maker.module, function.maker.name) == PARTIAL
    return function is None
