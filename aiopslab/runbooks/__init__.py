"""Remediation: actions matched to findings, done only when somebody approves, and recorded.

What is named here is imported when it is asked for, since ``aiopslab --help`` imports the command.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiopslab.governance.approval import Approval
    from aiopslab.runbooks.audit import AuditLog
    from aiopslab.runbooks.catalogue import Action, Catalogue, built_in, load_catalogue
    from aiopslab.runbooks.execution import Outcome, execute, undo_of
    from aiopslab.runbooks.executors import Executor, Executors, Sight, default_executors
    from aiopslab.runbooks.planning import Plan, plan
    from aiopslab.runbooks.step import Step

__all__ = [
    "Action",
    "Approval",
    "AuditLog",
    "Catalogue",
    "Executor",
    "Executors",
    "Outcome",
    "Plan",
    "Sight",
    "Step",
    "built_in",
    "default_executors",
    "execute",
    "load_catalogue",
    "plan",
    "undo_of",
]
_MODULES = ("catalogue", "planning", "step", "audit", "executors", "execution")


def __getattr__(name: str) -> Any:
    if name in __all__:
        for module in _MODULES:
            found = getattr(import_module(f"{__name__}.{module}"), name, None)
            if found is not None:
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
