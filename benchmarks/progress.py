"""What a person sees of a benchmark that goes on."""

from __future__ import annotations

import sys


def say(step: str) -> None:
    """Tell one line."""
    print(f"bench: {step}", file=sys.stderr, flush=True)
