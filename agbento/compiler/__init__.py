"""A trained AutoGluon predictor, compiled: the same answers in the time that its models need.

Usable alone; it imports nothing of the service.
"""

from agbento.compiler.compiled import CompiledPredictor, compile_predictor
from agbento.compiler.errors import ArtefactError, CompilerError, NotCompilable, NotNative

__all__ = ["ArtefactError", "CompiledPredictor", "CompilerError", "NotCompilable", "NotNative", "compile_predictor"]
