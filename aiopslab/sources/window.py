"""The window of time that an investigation looks at, both ends included."""

import warnings
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from aiopslab.errors import SourceError
from aiopslab.frames import FrameName, FrameWarning, time_column

_COVERED = 0.9  # the share of a window that data may leave without a word about it
_DEFAULT = pd.Timedelta("1h")
_REMEDY = "Write it as ISO 8601 with an offset, e.g. 2026-03-01T12:00:00+00:00."


def window(start: Any, end: Any) -> tuple[pd.Timestamp | None, pd.Timestamp | None]:
    """Read both ends of a window.

    Parameters
    ----------
    start, end
        ISO 8601 text, a datetime, a Timestamp, or ``None`` for no bound; without a zone they are
        taken as UTC, with a `FrameWarning`.

    Returns
    -------
    tuple of pandas.Timestamp or None
        In UTC.

    Raises
    ------
    SourceError
        If one cannot be read, or the window is empty.

    Examples
    --------
    >>> window("2026-03-01T12:00+01:00", None)
    (Timestamp('2026-03-01 11:00:00+0000', tz='UTC'), None)
    """
    since, until = _instant(start, "start"), _instant(end, "end")
    if since is not None and until is not None and since >= until:
        raise SourceError(
            f"start {since.isoformat()} is not before end {until.isoformat()}",
            "Pass a start that is earlier than the end.",
        )
    return since, until


def latest(
    start: pd.Timestamp | None, end: pd.Timestamp | None
) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Return both ends of what a server is asked for, which has too much to be asked for all.

    Without a start it is the hour before the end, without an end now.

    Examples
    --------
    >>> latest(None, pd.Timestamp("2026-03-01T12:00Z"))[0]
    Timestamp('2026-03-01 11:00:00+0000', tz='UTC')
    """
    until = pd.Timestamp.now("UTC") if end is None else end
    return (until - _DEFAULT if start is None else start), until


def _instant(value: Any, label: str) -> pd.Timestamp | None:
    if value is None:
        return None
    if not isinstance(value, (str, datetime)):
        raise SourceError(f"{label} is {value!r}; expected a time", _REMEDY)
    try:
        # pandas alone would read "now", "tomorrow" and 03/01/2026 in ways that surprise.
        read = pd.Timestamp(datetime.fromisoformat(value) if isinstance(value, str) else value)
    except ValueError:
        raise SourceError(f"{label} is {value!r}; expected a time", _REMEDY) from None
    if not isinstance(read, pd.Timestamp):
        raise SourceError(f"{label} is not a time", _REMEDY)
    if read.tzinfo is None:
        warnings.warn(f"{label} has no time zone; taken as UTC", FrameWarning, stacklevel=2)
        return read.tz_localize("UTC")
    return read.tz_convert("UTC")


def times(name: FrameName, frame: pd.DataFrame) -> pd.Series | None:
    """Return the time of each row; ``None`` for a frame without times.

    Examples
    --------
    >>> times("topology", pd.DataFrame({"caller": ["a"], "callee": ["b"]})) is None
    True
    """
    if name == "metrics":
        return frame.index.to_series()
    column = time_column(name)
    return frame[column] if column is not None and column in frame.columns else None


def extent(
    frames: Mapping[FrameName, pd.DataFrame],
) -> tuple[pd.Timestamp | None, pd.Timestamp | None]:
    """Return the first and the last time in any frame; ``None`` twice where there is none."""
    timed = [times(name, frame) for name, frame in frames.items()]
    known = [each for each in timed if each is not None and not each.empty]
    if not known:
        return None, None
    return min(each.min() for each in known), max(each.max() for each in known)


def cut(
    frames: Mapping[FrameName, pd.DataFrame],
    start: pd.Timestamp | None,
    end: pd.Timestamp | None,
) -> dict[FrameName, pd.DataFrame]:
    """Keep the rows of a window; frames without times are kept whole.

    A span belongs to the window in which it starts. A window that reaches well beyond the data is
    said with a `FrameWarning`, as is a frame that has nothing in it.

    Raises
    ------
    SourceError
        If there are rows with times, and none lies in the window.
    """
    kept = {name: _within(name, frame, start, end) for name, frame in frames.items()}
    first, last = extent(frames)
    if first is None or last is None:
        return kept
    begun, ended = extent(kept)
    if begun is None or ended is None:
        raise SourceError(
            f"nothing lies between {_text(start, 'the beginning')} and {_text(end, 'now')}; "
            f"the evidence covers {first.isoformat()} to {last.isoformat()}",
            "Choose start and end inside that range.",
        )
    for name, frame in kept.items():
        if frame.empty and not frames[name].empty:
            warnings.warn(f"{name} has no rows in the window", FrameWarning, stacklevel=2)
    asked = (begun if start is None else start, ended if end is None else end)
    if ended - begun < _COVERED * (asked[1] - asked[0]):
        warnings.warn(
            f"asked for {asked[0].isoformat()} to {asked[1].isoformat()}; "
            f"there is only {begun.isoformat()} to {ended.isoformat()}",
            FrameWarning,
            stacklevel=2,
        )
    return kept


def _within(
    name: FrameName, frame: pd.DataFrame, start: pd.Timestamp | None, end: pd.Timestamp | None
) -> pd.DataFrame:
    placed = times(name, frame)
    if placed is None or (start is None and end is None):
        return frame
    inside = pd.Series(True, index=placed.index)
    if start is not None:
        inside &= placed >= start
    if end is not None:
        inside &= placed <= end
    kept = frame[inside.to_numpy()]
    return kept if name == "metrics" else kept.reset_index(drop=True)


def _text(instant: pd.Timestamp | None, otherwise: str) -> str:
    return otherwise if instant is None else instant.isoformat()
