"""The changes people made around an onset: what to look at, not yet who to blame."""

import pandas as pd


def recent_changes(
    changes: pd.DataFrame | None, onset: pd.Timestamp | None, minutes: float = 30
) -> pd.DataFrame:
    """List the changes made shortly before an onset, the latest first.

    Parameters
    ----------
    changes
        Changes frame; ``None`` where the evidence has none.
    onset
        When the incident began; ``None`` lists every change.
    minutes
        How far back to look.

    Returns
    -------
    pandas.DataFrame
        ``timestamp, kind, service, ref, description`` and, with an onset, ``minutes before``.

    Examples
    --------
    >>> times = pd.to_datetime(["2026-03-01T11:00Z", "2026-03-01T11:58Z"])
    >>> changes = pd.DataFrame(
    ...     {"timestamp": times, "kind": "deploy", "service": ["auth", "cache"],
    ...      "ref": ["v1", "v2"], "description": ""}
    ... )
    >>> recent_changes(changes, pd.Timestamp("2026-03-01T12:00Z"))["minutes before"].tolist()
    [2.0]
    """
    columns = ["timestamp", "kind", "service", "ref", "description"]
    if changes is None:
        return pd.DataFrame(columns=columns)
    listed = changes[columns].sort_values("timestamp", ascending=False, ignore_index=True)
    if onset is not None:
        before: pd.Series[float] = (onset - listed["timestamp"]).dt.total_seconds() / 60
        listed["minutes before"] = before.round(1)
        listed = listed[before.between(0, minutes)].reset_index(drop=True)
    return listed.assign(timestamp=listed["timestamp"].dt.floor("s"))
