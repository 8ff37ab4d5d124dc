"""Drift investigation: what moved, when, where, why, so what, and what to do about it.

Pure functions over observations; only `open_observations` and `open_model` read anything.
Importing this is cheap; pandas and the rest are loaded with what is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiopslab.drift.analysis import DriftAnalysis
    from aiopslab.drift.challenger import compare_models
    from aiopslab.drift.comparison import compare
    from aiopslab.drift.costs import read_costs
    from aiopslab.drift.diagnosis import diagnose
    from aiopslab.drift.estimation import estimate_performance
    from aiopslab.drift.gate import Gate
    from aiopslab.drift.history import drift_over_time
    from aiopslab.drift.multivariate import compare_jointly
    from aiopslab.drift.observations import Roles
    from aiopslab.drift.parquet import profile_parquet
    from aiopslab.drift.partitions import profile_partitions
    from aiopslab.drift.performance import measure_performance
    from aiopslab.drift.profiles import Profile, profile
    from aiopslab.drift.quality import quality_breaks
    from aiopslab.drift.registry import open_model, read_lineage
    from aiopslab.drift.segments import find_segments
    from aiopslab.drift.source import open_observations
    from aiopslab.drift.study import analyse

_HOMES = {
    "DriftAnalysis": "analysis",
    "Gate": "gate",
    "Profile": "profiles",
    "Roles": "observations",
    "analyse": "study",
    "compare": "comparison",
    "compare_jointly": "multivariate",
    "compare_models": "challenger",
    "diagnose": "diagnosis",
    "drift_over_time": "history",
    "estimate_performance": "estimation",
    "find_segments": "segments",
    "measure_performance": "performance",
    "open_model": "registry",
    "open_observations": "source",
    "profile": "profiles",
    "profile_parquet": "parquet",
    "profile_partitions": "partitions",
    "quality_breaks": "quality",
    "read_costs": "costs",
    "read_lineage": "registry",
}
__all__ = [
    "DriftAnalysis",
    "Gate",
    "Profile",
    "Roles",
    "analyse",
    "compare",
    "compare_jointly",
    "compare_models",
    "diagnose",
    "drift_over_time",
    "estimate_performance",
    "find_segments",
    "measure_performance",
    "open_model",
    "open_observations",
    "profile",
    "profile_parquet",
    "profile_partitions",
    "quality_breaks",
    "read_costs",
    "read_lineage",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"aiopslab.drift.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
