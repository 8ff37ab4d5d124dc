"""Incident root-cause analysis: when it started, which service is to blame, and how sure we are.

Pure functions over frames; nothing here reads a file, prints or draws by itself.
"""

from aiopslab.incident.alerts import AlertGroups, group_alerts
from aiopslab.incident.analysis import IncidentAnalysis
from aiopslab.incident.changes import recent_changes
from aiopslab.incident.conclusion import joined
from aiopslab.incident.culprits import ChangeRanking, rank_changes
from aiopslab.incident.download import download_link
from aiopslab.incident.forecast import time_to_exhaustion
from aiopslab.incident.headroom import Headroom, headroom
from aiopslab.incident.metrics import rank_metrics
from aiopslab.incident.onset import Onset, find_onset
from aiopslab.incident.postmortem import draft
from aiopslab.incident.ranking import rank_services
from aiopslab.incident.resources import forecast_resources
from aiopslab.incident.slo import burn_rate, service_burn_rate
from aiopslab.incident.study import analyse, study
from aiopslab.incident.views import listing, paths_listing

__all__ = [
    "AlertGroups",
    "ChangeRanking",
    "Headroom",
    "IncidentAnalysis",
    "Onset",
    "analyse",
    "burn_rate",
    "download_link",
    "draft",
    "find_onset",
    "forecast_resources",
    "group_alerts",
    "headroom",
    "joined",
    "listing",
    "paths_listing",
    "rank_changes",
    "rank_metrics",
    "rank_services",
    "recent_changes",
    "service_burn_rate",
    "study",
    "time_to_exhaustion",
]
