"""Widgets: analyses and stores in the hands of a person, in a notebook with a kernel."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiopslab.widgets.drift_explorer import DriftExplorer
    from aiopslab.widgets.incident_explorer import IncidentExplorer
    from aiopslab.widgets.labelling import Labelling
    from aiopslab.widgets.launcher import Launcher
    from aiopslab.widgets.overview_board import OverviewBoard
    from aiopslab.widgets.prompt_comparison import PromptComparison
    from aiopslab.widgets.retrieval_inspector import RetrievalInspector

_HOMES = {
    "DriftExplorer": "drift_explorer",
    "IncidentExplorer": "incident_explorer",
    "Labelling": "labelling",
    "Launcher": "launcher",
    "OverviewBoard": "overview_board",
    "PromptComparison": "prompt_comparison",
    "RetrievalInspector": "retrieval_inspector",
}

__all__ = [
    "DriftExplorer",
    "IncidentExplorer",
    "Labelling",
    "Launcher",
    "OverviewBoard",
    "PromptComparison",
    "RetrievalInspector",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"aiopslab.widgets.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
