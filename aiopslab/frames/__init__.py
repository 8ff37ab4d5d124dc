"""The contracts between the rooms: one schema a frame, and `conform` that brings evidence to it.

Times are UTC and tz-aware, durations are milliseconds where a name ends in ``_ms`` and seconds
elsewhere, and names follow the OpenTelemetry semantic conventions.
"""

from aiopslab.frames.conform import conform
from aiopslab.frames.schemas import (
    ALERT_STATES,
    CHANGE_KINDS,
    FRAME_NAMES,
    SEVERITIES,
    SPAN_STATUSES,
    FrameName,
    FrameWarning,
    infer,
    schemas,
    time_column,
)
from aiopslab.frames.times import to_utc

__all__ = [
    "ALERT_STATES",
    "CHANGE_KINDS",
    "FRAME_NAMES",
    "SEVERITIES",
    "SPAN_STATUSES",
    "FrameName",
    "FrameWarning",
    "conform",
    "infer",
    "schemas",
    "time_column",
    "to_utc",
]
