"""Intake: frames brought to their contracts, and what of them lies in the future left out."""

from typing import cast

import pandas as pd

from aiopslab.errors import AIOpsLabError
from aiopslab.frames import FrameName, conform, time_column
from aiopslab.incident.durations import spoken
from aiopslab.overview.layers import Frames

CLOCKS_DIFFER = pd.Timedelta("1min")  # without anybody being wrong
_READ: tuple[FrameName, ...] = ("metrics", "spans", "observations", "calls", "topology")


def conformed(frames: Frames) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """Return the frames that can be read, and of the others why not."""
    read: dict[str, pd.DataFrame] = {}
    reasons: dict[str, str] = {}
    for name in _READ:
        if name not in frames:
            continue
        try:
            read[name] = conform(name, frames[name])
        except AIOpsLabError as error:
            reasons[name] = " ".join(error.problem.split())
    return read, reasons


def times_of(name: str, frame: pd.DataFrame) -> pd.DatetimeIndex:
    """Return when the rows of a frame are; none where it has no times."""
    if name == "metrics":
        return pd.DatetimeIndex(frame.index)
    column = time_column(cast("FrameName", name))
    if column is None or column not in frame:
        return pd.DatetimeIndex([], tz="UTC")
    return pd.DatetimeIndex(frame[column])


def without_future(name: str, frame: pd.DataFrame, now: pd.Timestamp) -> tuple[pd.DataFrame, str]:
    """Return a frame without the rows that clocks cannot explain, and what to say of them."""
    times = times_of(name, frame)
    ahead = times > now + CLOCKS_DIFFER
    if not ahead.any():
        return frame, ""
    most = spoken(times.max() - now)
    note = f"{int(ahead.sum()):,} of {len(frame):,} {name} lie in the future, by up to {most}: "
    return frame[~ahead], note + "clocks differ. They are left out."
