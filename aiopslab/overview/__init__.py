"""The overview: five health tiles over the layers of an AI system, each held against its target.

Importing this is cheap; pandas and the rest are loaded with what is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiopslab.overview.board import Overview
    from aiopslab.overview.causes import Cause
    from aiopslab.overview.conclusion import conclusion
    from aiopslab.overview.decomposition import Decomposition
    from aiopslab.overview.feedback import Coverage, EvaluationSet, coverage
    from aiopslab.overview.gathering import Gathered, gather
    from aiopslab.overview.investigation import Investigation, investigate
    from aiopslab.overview.preparation import Prepared, prepare, tiles
    from aiopslab.overview.recovery import Recovery, compare
    from aiopslab.overview.shift import Shift
    from aiopslab.overview.spending.analysis import spend
    from aiopslab.overview.spending.result import Spending
    from aiopslab.overview.targets import REHEARSAL, Targets
    from aiopslab.overview.tile import Tile
    from aiopslab.overview.timeline import Timeline

_HOMES = {
    "Cause": "causes",
    "Coverage": "feedback",
    "Decomposition": "decomposition",
    "EvaluationSet": "feedback",
    "Gathered": "gathering",
    "Investigation": "investigation",
    "Overview": "board",
    "Prepared": "preparation",
    "REHEARSAL": "targets",
    "Recovery": "recovery",
    "Shift": "shift",
    "Spending": "spending.result",
    "Targets": "targets",
    "Tile": "tile",
    "Timeline": "timeline",
    "compare": "recovery",
    "conclusion": "conclusion",
    "coverage": "feedback",
    "gather": "gathering",
    "investigate": "investigation",
    "prepare": "preparation",
    "spend": "spending.analysis",
    "tiles": "preparation",
}

__all__ = [
    "REHEARSAL",
    "Cause",
    "Coverage",
    "Decomposition",
    "EvaluationSet",
    "Gathered",
    "Investigation",
    "Overview",
    "Prepared",
    "Recovery",
    "Shift",
    "Spending",
    "Targets",
    "Tile",
    "Timeline",
    "compare",
    "conclusion",
    "coverage",
    "gather",
    "investigate",
    "prepare",
    "spend",
    "tiles",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"aiopslab.overview.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
