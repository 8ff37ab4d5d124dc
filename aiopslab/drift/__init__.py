"""Drift investigation: what moved, when, where, why, so what, and what to do about it.

Pure functions over observations; only `open_observations` and `open_model` read anything.
"""

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
from aiopslab.drift.performance import measure_performance
from aiopslab.drift.profile import Profile, profile, profile_parquet
from aiopslab.drift.quality import quality_breaks
from aiopslab.drift.registry import open_model, read_lineage
from aiopslab.drift.segments import find_segments
from aiopslab.drift.source import open_observations
from aiopslab.drift.study import analyse

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
    "quality_breaks",
    "read_costs",
    "read_lineage",
]
