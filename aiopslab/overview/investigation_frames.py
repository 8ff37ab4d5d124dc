"""Frames of an investigation: brought to their contracts, cut to a window, on one clock."""

from dataclasses import dataclass, field

import pandas as pd

from aiopslab.errors import AIOpsLabError, ParameterError
from aiopslab.frames import FRAME_NAMES, conform, to_utc
from aiopslab.overview.intake import times_of
from aiopslab.overview.layers import Frames
from aiopslab.sources.evidence import noting


@dataclass(frozen=True)
class Read:
    """Frames that were read.

    Parameters
    ----------
    frames
        Conformed, by name; those that could not be read are missing.
    notes
        What was assumed or left out.
    start, end
        Of what there is.
    """

    frames: Frames
    notes: tuple[str, ...] = ()
    start: pd.Timestamp | None = None
    end: pd.Timestamp | None = None
    skews: dict[str, pd.Timedelta] = field(default_factory=dict)


def read(frames: Frames, start: object = None, end: object = None) -> Read:
    """Bring frames to their contracts and cut them to a window.

    Raises
    ------
    ParameterError
        If the window ends before it starts.
    FrameError
        If an end of it is not a time.
    """
    told: dict[str, pd.DataFrame] = {}
    notes: list[str] = []
    with noting() as assumed:
        first, last = (_time(each) for each in (start, end))
        if first is not None and last is not None and last < first:
            raise ParameterError(f"the window ends at {last}, before it starts", "Swap its ends.")
        for name in FRAME_NAMES:
            if name not in frames:
                continue
            try:
                frame = conform(name, frames[name])
            except AIOpsLabError as error:
                notes.append(f"{name} could not be read: {' '.join(error.problem.split())}")
                continue
            told[name] = _within(name, frame, first, last)
    times = [each for name, frame in told.items() if len(each := times_of(name, frame))]
    return Read(
        told,
        tuple(dict.fromkeys([*assumed, *notes])),
        min((each.min() for each in times), default=None),
        max((each.max() for each in times), default=None),
    )


def _time(value: object) -> pd.Timestamp | None:
    return None if value is None else to_utc(pd.Series([value]), "window").iloc[0]


def _within(
    name: str, frame: pd.DataFrame, start: pd.Timestamp | None, end: pd.Timestamp | None
) -> pd.DataFrame:
    times = times_of(name, frame)
    if (start is None and end is None) or len(times) != len(frame):
        return frame
    inside = pd.Series(True, range(len(frame))).to_numpy()
    if start is not None:
        inside &= times >= start
    if end is not None:
        inside &= times <= end
    return frame[inside]
