"""Models that have no native form → plan: AutoGluon's own object, given only the columns that it needs."""

from __future__ import annotations

from typing import Any

from agbento.compiler.frontends.context import Context
from agbento.compiler.plan.ensembles import Foreign


def read(model: Any, context: Context, why: str) -> Foreign:
    """Take a model as it is; it is found by ``context.name`` when the plan is bound."""
    return Foreign(slots=context.columns, model=context.name, family=type(model).__name__, why=why)
