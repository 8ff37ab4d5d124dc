"""Incident root-cause analysis: when it started, which service is to blame, and how sure we are.

Pure functions over frames; nothing here reads a file, prints or draws by itself.
"""

from aiopslab.incident.analysis import IncidentAnalysis, analyse
from aiopslab.incident.changes import recent_changes
from aiopslab.incident.onset import Onset, find_onset
from aiopslab.incident.ranking import rank_metrics, rank_services

__all__ = [
    "IncidentAnalysis",
    "Onset",
    "analyse",
    "find_onset",
    "rank_metrics",
    "rank_services",
    "recent_changes",
]
