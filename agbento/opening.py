"""What a process does before it opens a predictor: code and placeholders in place, tensors to come to the CPU."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from agbento.code import add_code
from agbento.guard import opening_only
from agbento.permit import Permit
from agbento.placeholders import install


def prepare(stored: Path) -> None:
    """Get this process ready to open the predictor of the stored model (or of an import's draft) in ``stored``."""
    permit = Permit.load(stored)
    add_code(stored)
    install(permit.placeholders)
    if any(not device.startswith("cpu") for device in permit.devices):
        _bring_to_cpu()


def load_any_version(predictor: Path) -> Any:
    """Open AutoGluon's predictor in this folder; versions were compared by the import, and when the service began."""
    from autogluon.tabular import TabularPredictor

    return TabularPredictor.load(
        str(predictor), verbosity=0, require_version_match=False, require_py_version_match=False
    )


def guarded(stored: Path) -> AbstractContextManager[None]:
    """Hold this process, in the block, to what opening the predictor in ``stored`` takes."""
    names = Permit.load(stored).names
    # fastai's hold attributes of names, fetched by getattr, which the reading follows and keeps no record of.
    fetched = any("." in name for _, name in names) and any(module.startswith("fastai") for module, _ in names)
    more = [("builtins", "getattr")] if fetched else []
    return opening_only(stored, [*names, *more]) if names else nullcontext()


def _bring_to_cpu() -> None:
    """Have torch put tensors into memory that lay on a GPU which is not here.

    https://docs.pytorch.org/docs/stable/notes/serialization.html; AutoGluon asks for no device when it loads.
    """
    import torch

    if torch.cuda.is_available():
        return

    def here(storage: Any, location: str) -> Any:
        return None if location.startswith(("cpu", "meta")) else storage

    # Before torch's own, whose priorities begin at 10: these refuse.
    torch.serialization.register_package(5, lambda _storage: None, here)
