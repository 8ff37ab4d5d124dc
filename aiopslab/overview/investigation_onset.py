"""The onset of it all: when it began, and which shifts are of it."""

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from aiopslab.incident import IncidentAnalysis
from aiopslab.overview.causes_gauges import Gauge
from aiopslab.overview.shift import Shift

CORROBORATED = 0.9  # sureness of a gauge from which it bears out a small shift
# Gauges that are no other reading of the outcome itself, as tokens are of cost.
OF_THEIR_OWN = {"questions", "predictions", "prompt version", "model version", "other documents"}


def onset_of(
    looked: tuple[Shift, ...], incident: IncidentAnalysis | None, near: pd.Timedelta
) -> tuple[pd.Timestamp | None, pd.Timestamp | None]:
    """Return when it began, and when at the latest: the incident's, where it fits the shifts."""
    first = next((each for each in looked if each.state == "moved"), None)
    if first is None or first.since is None or first.high is None:
        return None, None
    found = None if incident is None or incident.started is None else incident.onset
    if found is not None and first.is_about(found.time, near):
        return found.time, max(found.high, min(first.high, found.time + near))
    return first.since, first.high


def corroborated(
    looked: tuple[Shift, ...],
    gauges: Iterable[Gauge],
    onset: pd.Timestamp | None,
    near: pd.Timedelta,
) -> tuple[Shift, ...]:
    """Return the shifts, of which the small ones count where a layer surely moved with them."""
    has_moved = any(each.moved >= CORROBORATED for each in gauges if each.name in OF_THEIR_OWN)
    return tuple(
        replace(each, state="steady")
        if each.is_small and not (has_moved and each.is_about(onset, near))
        else each
        for each in looked
    )
