"""Frames of an investigation: brought to their contracts, on one clock, cut to a window."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from aiopslab.errors import AIOpsLabError, ParameterError
from aiopslab.frames import FRAME_NAMES, FrameName, conform, to_utc
from aiopslab.overview.intake import times_of
from aiopslab.overview.investigation_clocks import on_one_clock
from aiopslab.overview.layers import Frames
from aiopslab.sources.evidence import noting

NOTHING = pd.Timedelta(0)


@dataclass(frozen=True)
class Read:
    """Frames that were read.

    Parameters
    ----------
    frames
        Conformed, by name; those that could not be read are missing.
    notes
        What was assumed, moved or left out.
    start, end
        Of what there is; ``None`` where nothing has a time.
    """

    frames: Frames
    notes: tuple[str, ...] = ()
    start: pd.Timestamp | None = None
    end: pd.Timestamp | None = None

    @property
    def length(self) -> pd.Timedelta:
        """From the first row to the last."""
        return NOTHING if self.start is None or self.end is None else self.end - self.start


def read(frames: Frames, start: object = None, end: object = None) -> Read:
    """Bring frames to their contracts, set their clocks by shared trace ids, and cut a window.

    Rows that are there twice are counted once.

    Raises
    ------
    ParameterError
        If the window ends before it starts.
    FrameError
        If an end of it is not a time.

    Examples
    --------
    >>> read({"calls": pd.DataFrame({"timestamp": [0.0]})}).notes[0].split(":")[0]
    'calls could not be read'
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
                told[name], note = _once(name, conform(name, frames[name]))
            except AIOpsLabError as error:
                note = f"{name} could not be read: {' '.join(error.problem.split())}"
            notes += [note] if note else []
        told, moved = on_one_clock(told)
    told = {name: _within(name, frame, first, last) for name, frame in told.items()}
    times = [each for name, frame in told.items() if len(each := times_of(name, frame))]
    return Read(
        told,
        tuple(dict.fromkeys([*assumed, *notes, *moved])),
        min((each.min() for each in times), default=None),
        max((each.max() for each in times), default=None),
    )


def _time(value: object) -> pd.Timestamp | None:
    if value is None:
        return None
    time: pd.Timestamp = to_utc(pd.Series([value]), "window").iloc[0]
    return time


def _once(name: FrameName, frame: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return a frame without rows that are there twice, and what to say of them."""
    if name in {"metrics", "topology"} or frame.empty:
        return frame, ""
    plain = frame[[each for each in frame if each not in {"retrieved_ids", "labels", "attributes"}]]
    again = plain.duplicated().to_numpy()
    if name == "spans":
        again = frame.duplicated(["trace_id", "span_id"]).to_numpy()
    if not again.any():
        return frame, ""
    told = f"{int(again.sum()):,} of {len(frame):,} {name} are there twice, and counted once."
    return frame[~again].reset_index(drop=True), told


def _within(
    name: str, frame: pd.DataFrame, start: pd.Timestamp | None, end: pd.Timestamp | None
) -> pd.DataFrame:
    times = times_of(name, frame)
    if (start is None and end is None) or len(times) != len(frame):
        return frame
    inside = np.full(len(frame), True)
    if start is not None:
        inside &= np.asarray(times >= start)
    if end is not None:
        inside &= np.asarray(times <= end)
    return frame[inside]
