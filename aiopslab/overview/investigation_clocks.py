"""Clocks of frames: how far they differ, by the traces that both know, and set right."""

from collections.abc import Mapping

import pandas as pd

from aiopslab.frames import FrameName, time_column
from aiopslab.incident.durations import spoken

ENOUGH = 10  # traces that both know, below which clocks are left as they are
ORDINARY = pd.Timedelta("2s")  # by which clocks may differ without anybody noticing
APART = 0.5  # share of a frame's time that has to lie in the time of the others


def on_one_clock(
    frames: Mapping[FrameName | str, pd.DataFrame],
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Set the clock of each frame by that of the spans, where traces tell how far they differ.

    Parameters
    ----------
    frames
        Conformed, by name. Of those with a ``trace_id`` each row should lie within its trace; by
        how much it typically does not is what its clock is ahead or behind.

    Returns
    -------
    tuple
        The frames, moved where they differ by more than two seconds, and what to say of it; where
        no traces are shared and the times of a frame hardly overlap with those of the others, that
        is said, too.

    Examples
    --------
    >>> on_one_clock({})
    ({}, [])
    """
    told: dict[str, pd.DataFrame] = {str(name): frame for name, frame in frames.items()}
    notes: list[str] = []
    spans = told.get("spans")
    traces = None if spans is None or spans.empty else _traces(spans)
    for name, frame in list(told.items()):
        ahead = None if traces is None or name == "spans" else skew(frame, traces)
        if ahead is not None and abs(ahead) > ORDINARY:
            column = time_column(name)  # type: ignore[arg-type]
            told[name] = frame.assign(**{str(column): frame[str(column)] - ahead})
            way = "ahead of" if ahead > pd.Timedelta(0) else "behind"
            notes.append(
                f"The clock of the {name} is {spoken(abs(ahead))} {way} that of the spans, by the "
                "traces that both know: their times are corrected."
            )
    return told, notes + _strangers(told)


def skew(frame: pd.DataFrame, traces: pd.DataFrame) -> pd.Timedelta | None:
    """Return by how much the times of a frame are ahead of their traces; ``None`` if not known.

    Parameters
    ----------
    frame
        With ``timestamp`` and ``trace_id``.
    traces
        ``start, end`` by trace id.
    """
    if "trace_id" not in frame or "timestamp" not in frame:
        return None
    rows = frame[["timestamp", "trace_id"]].dropna()
    joined = rows.join(traces, on="trace_id", how="inner")
    if len(joined) < ENOUGH:
        return None
    early = (joined["timestamp"] - joined["start"]).dt.total_seconds().clip(upper=0.0)
    late = (joined["timestamp"] - joined["end"]).dt.total_seconds().clip(lower=0.0)
    return pd.Timedelta(seconds=float((early + late).median()))


def _traces(spans: pd.DataFrame) -> pd.DataFrame:
    ends = spans["start"] + pd.to_timedelta(spans["duration_ms"].fillna(0), unit="ms")
    table = pd.DataFrame({"trace_id": spans["trace_id"], "start": spans["start"], "end": ends})
    return table.groupby("trace_id").agg(start=("start", "min"), end=("end", "max"))


def _strangers(frames: Mapping[str, pd.DataFrame]) -> list[str]:
    """Say which frames of rows have times that hardly overlap with those of the metrics."""
    metrics = frames.get("metrics")
    if metrics is None or len(metrics) < ENOUGH:
        return []
    first, last = metrics.index[0], metrics.index[-1]
    notes = []
    for name in ("calls", "observations", "spans", "logs"):
        frame = frames.get(name)
        column = "start" if name == "spans" else "timestamp"
        if frame is None or len(frame) < ENOUGH or column not in frame:
            continue
        share = float(frame[column].between(first, last).mean())
        if share < APART:
            notes.append(
                f"Only {100 * share:.0f} % of the {name} lie in the time of the metrics: either "
                "their clocks differ or they are of another time, and no traces tell which."
            )
    return notes
