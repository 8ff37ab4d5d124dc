"""Rows: each call of the language model with what its question met on the way."""

import numpy as np
import pandas as pd

from aiopslab.overview.layers import LAYERS, Frames

WITHIN = pd.Timedelta("5s")  # of a prediction, within which the call for the same question follows
COLUMNS = ["prediction", "target", "score"]


def call_rows(frames: Frames) -> pd.DataFrame:
    """Return one row a call, with the prediction that was made of the same question.

    Parameters
    ----------
    frames
        Conformed frames by name. Calls and observations are joined by ``trace_id`` where both have
        it; else each call has the last prediction before it, within five seconds, of an input of
        the same length where that is known.

    Returns
    -------
    pandas.DataFrame
        The calls, in order of time, and ``prediction, target, score, right`` (NaN where nobody
        knows).

    Examples
    --------
    >>> call_rows({}).empty
    True
    """
    calls = frames.get("calls")
    if calls is None or calls.empty:
        return pd.DataFrame(columns=["timestamp", *COLUMNS, "right"])
    calls = calls.reset_index(drop=True)
    seen = observation_rows(frames)
    if seen.empty:
        return calls.assign(**dict.fromkeys([*COLUMNS, "right"], np.nan))
    told = seen.reindex(columns=[*COLUMNS, "right"])
    found = _by_trace(calls, seen)
    if found is None:
        found = _by_time(calls, seen)
    known = found >= 0
    joined = told.take(np.where(known, found, 0)).set_axis(calls.index)
    joined[~known] = np.nan
    return calls.drop(columns=[each for each in joined if each in calls]).join(joined)


def observation_rows(frames: Frames) -> pd.DataFrame:
    """Return the observations in order of time, with ``right`` where the target is known.

    Examples
    --------
    >>> observation_rows({}).columns.tolist()
    ['timestamp', 'prediction', 'target', 'score', 'right']
    """
    seen = frames.get("observations")
    if seen is None or seen.empty or "timestamp" not in seen:
        return pd.DataFrame(columns=["timestamp", *COLUMNS, "right"])
    seen = seen.reset_index(drop=True)
    readings = LAYERS["model accuracy"]({"observations": seen.assign(timestamp=_rank(seen))})
    right = pd.Series(np.nan, seen.index)
    if readings.readings:
        values = readings.readings[0].values
        seconds = (pd.DatetimeIndex(values.index) - _EPOCH).total_seconds()
        right = pd.Series(values.to_numpy(), np.asarray(seconds, dtype=int)).reindex(seen.index)
    return seen.assign(right=right)


_EPOCH = pd.Timestamp("2000-01-01", tz="UTC")


def _rank(frame: pd.DataFrame) -> pd.DatetimeIndex:
    """Return times that number the rows, so that what is read of them finds its way back."""
    return pd.date_range(_EPOCH, periods=len(frame), freq="1s")


def _by_trace(calls: pd.DataFrame, seen: pd.DataFrame) -> np.ndarray | None:
    """Return the row of the observation of each call, -1 for none; ``None`` without trace ids."""
    if "trace_id" not in calls or "trace_id" not in seen:
        return None
    places = pd.Series(np.arange(len(seen)), seen["trace_id"])
    places = places[places.index.notna() & ~places.index.duplicated(keep="last")]
    found = places.reindex(calls["trace_id"]).to_numpy()
    return None if np.isnan(found).all() else np.where(np.isnan(found), -1, found).astype(int)


def _by_time(calls: pd.DataFrame, seen: pd.DataFrame) -> np.ndarray:
    """Return the row of the last observation before each call, -1 for none near enough."""
    right = pd.DataFrame({"timestamp": seen["timestamp"], "row": np.arange(len(seen))})
    left = pd.DataFrame({"timestamp": calls["timestamp"], "call": np.arange(len(calls))})
    right = right.sort_values("timestamp", kind="stable")
    found = np.full(len(calls), -1)
    if "text_length" in seen:
        length = pd.to_numeric(seen["text_length"], errors="coerce").fillna(-1).astype(int)
        asked = calls["input"].fillna("").str.len().astype(int)
        near = pd.merge_asof(
            left.assign(length=asked.to_numpy()),
            right.assign(length=length.to_numpy()[right["row"]]),
            on="timestamp",
            by="length",
            tolerance=WITHIN,
        )
        found[near["call"]] = near["row"].fillna(-1).astype(int)
    near = pd.merge_asof(left, right, on="timestamp", tolerance=WITHIN)
    last = np.full(len(calls), -1)
    last[near["call"]] = near["row"].fillna(-1).astype(int)
    return np.where(found >= 0, found, last)
