"""Which of a stored model's predictors serves: the compiled one, or AutoGluon's own, and why."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agbento.compiler import ArtefactError, CompiledPredictor
from agbento.compiling import COMPILED, Record
from agbento.errors import ModelNotServable
from agbento.opening import guarded, prepare
from agbento.permit import TRUST, Permit
from agbento.predictor import CompiledAdapter, Predictor, StockPredictor
from agbento.text import exception_text

logger = logging.getLogger("bentoml.agbento")

_SHOWN = ("native", "compiler", "seconds", "proof", "report")  # of the record, in GET /model


@dataclass(frozen=True)
class Opened:
    """The predictor that serves; ``why`` tells why it is not the compiled one, and is empty where it is."""

    predictor: Predictor
    why: str
    record: Record | None

    @property
    def is_compiled(self) -> bool:
        """Whether the compiled predictor serves."""
        return not self.why

    def described(self) -> dict[str, Any]:
        """Give what ``GET /model`` tells of it: which serves, why, and the import's proof."""
        told: dict[str, Any] = {"compiled": self.is_compiled}
        if self.why:
            told["why"] = self.why
        if self.record is not None:
            told |= {key: getattr(self.record, key) for key in _SHOWN if getattr(self.record, key) not in ({}, None)}
        return told


def open_predictor(folder: Path, threads: int, *, digest: str | None = None, use_compiled: bool = True) -> Opened:
    """Open the stored model in ``folder``; AutoGluon's own predictor is opened only where it serves.

    ``digest`` is that of the model's predictor, which the compiled one must be of; None: where it is not known.

    Raises:
        ModelNotServable: AutoGluon's own predictor is to serve, and does not load.
    """
    prepare(folder)
    record = Record.load(folder)
    why = _why_not(record, digest, use_compiled)
    if not why and record is not None:
        try:
            compiled = CompiledPredictor.load(folder / COMPILED, threads=threads, source=record.digest)
            return Opened(CompiledAdapter(compiled, record.restored()), "", record)
        except ArtefactError as error:
            why = f"{error}; import the model again"
        except Exception as error:  # noqa: BLE001 - a model that is not native is unpickled, which may raise anything
            why = f"the compiled predictor does not load: {exception_text(error)}; import the model again"
    logger.warning("AutoGluon's own predictor serves: %s", why)
    if not Permit.load(folder).names:
        raise ModelNotServable(
            f"{folder / TRUST}: missing or damaged, so what may be opened is not known; import the model again"
        )
    with guarded(folder):
        return Opened(StockPredictor.load(folder / "predictor", threads), why, record)


def _why_not(record: Record | None, digest: str | None, use_compiled: bool) -> str:
    if not use_compiled:
        return "USE_COMPILED is off"
    if record is None:
        return "it was imported without a compiled predictor; import it again"
    if digest not in (None, record.digest):
        return f"compiled from another predictor: {record.digest}, expected {digest}; import the model again"
    return "" if record.compiled else record.why or "the import does not say why"
