"""What goes wrong in the compiler.

CompilerError
├── NotNative        a part that has no native form; it runs through AutoGluon's own object
├── ArtefactError    a folder that is no compiled predictor of this version
└── NotCompilable    a predictor that cannot be compiled at all
"""

from __future__ import annotations


class CompilerError(Exception):
    """Anything that the compiler raises itself."""


class NotNative(CompilerError):
    """A part has no native form here; the text says which and why, for the report."""


class ArtefactError(CompilerError):
    """A folder does not hold a compiled predictor that this version can serve."""


class NotCompilable(CompilerError):
    """A predictor cannot be compiled at all."""
