"""AutoGluon's own models, run inside a plan."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from agbento.compiler.native.contract import Evaluate, Matrix
from agbento.compiler.native.frames import Framer
from agbento.compiler.plan.slots import Slot


def bind(model: Any, slots: Sequence[Slot]) -> Evaluate:
    """Give the function that asks ``model`` (an AutoGluon model) for its probabilities or numbers, already float32."""
    framer, lock = Framer(slots), threading.Lock()

    def evaluate(rows: Matrix, /) -> npt.NDArray[Any]:
        frame = framer.frame(rows)
        with lock:  # models may keep what they preprocess
            return model.predict_proba(frame)  # type: ignore[no-any-return]

    return evaluate
