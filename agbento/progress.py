"""What a person sees of an import that goes on."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """What an import tells while it goes on."""

    def say(self, text: str) -> None:
        """Tell one line."""

    def begin(self, size: int) -> None:
        """Begin a transfer of ``size`` bytes."""

    def advance(self, size: int) -> None:
        """Count ``size`` bytes more; fewer than 0 where they have to be had again. Called from any thread."""

    def end(self) -> None:
        """End the transfer, done or not."""
