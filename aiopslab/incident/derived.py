"""Metrics made of spans and logs, so that an onset can be found in whatever evidence there is."""

import pandas as pd

ROWS = 120  # of the derived metrics where there are no metrics to follow
ALERTS = "(alerts)"
TROUBLE = ("WARN", "ERROR", "FATAL")


def derive_metrics(
    metrics: pd.DataFrame | None,
    spans: pd.DataFrame,
    logs: pd.DataFrame,
    alerts: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Add what spans and logs say at each moment to the metrics, or what alerts say without any.

    Parameters
    ----------
    metrics
        Metrics frame, whose times are kept; ``None`` where there are none, and the rows are then
        equal parts of the time that spans and logs cover.
    spans
        As `aiopslab.incident.traces.attribute` returns them.
    logs
        Logs frame.
    alerts
        Alerts frame, which is read where there is nothing else: alerts come late.

    Returns
    -------
    pandas.DataFrame
        Metrics frame, with for each service its ``(failed spans)``, the mean self-time of its
        spans, ``(self-time, ms)``, and its ``(lines of trouble)``, those of WARN and above, a row;
        or else its ``(alerts)``, those that began to fire in a row.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=240, freq="s", tz="UTC")
    >>> logs = pd.DataFrame({"timestamp": times, "service": "auth",
    ...                      "severity": ["INFO"] * 120 + ["ERROR"] * 120})
    >>> derived = derive_metrics(None, pd.DataFrame(columns=["start"]), logs)
    >>> derived["auth"]["(lines of trouble)"].iloc[[0, -2]].tolist()
    [0.0, 2.0]
    """
    index = _moments(spans, logs)
    if metrics is not None and len(metrics):
        index = pd.DatetimeIndex(metrics.index)
    parts = [] if metrics is None else [metrics]
    if len(logs) and len(index):
        trouble = logs["severity"].isin(TROUBLE).astype(float)
        parts.append(
            _each_row(
                logs["timestamp"], logs["service"], trouble, index, "sum", "(lines of trouble)"
            )
        )
    if len(spans) and len(index):
        failed = spans["failed"].astype(float)
        parts.append(
            _each_row(spans["start"], spans["service"], failed, index, "sum", "(failed spans)")
        )
        parts.append(
            _each_row(
                spans["start"], spans["blamed"], spans["self_ms"], index, "mean", "(self-time, ms)"
            )
        )
    if not parts and alerts is not None:
        fired = alerts[alerts["state"].eq("firing") & alerts["service"].notna()]
        index = _moments(fired.rename(columns={"timestamp": "start"}), logs)
        if len(index):
            one = pd.Series(1.0, fired.index)
            parts.append(_each_row(fired["timestamp"], fired["service"], one, index, "sum", ALERTS))
    if not parts:
        return pd.DataFrame(index=index, columns=pd.MultiIndex.from_arrays([[], []]), dtype=float)
    return pd.concat(parts, axis=1).rename_axis(columns=["service", "metric"])


def _moments(spans: pd.DataFrame, logs: pd.DataFrame) -> pd.DatetimeIndex:
    times = pd.concat(
        [
            each
            for each in (spans.get("start"), logs.get("timestamp"))
            if each is not None and len(each)
        ]
        or [pd.Series([], dtype="datetime64[us, UTC]")]
    )
    if times.empty:
        return pd.DatetimeIndex([], tz="UTC")
    return pd.date_range(times.min(), times.max(), periods=ROWS)


def _each_row(
    times: pd.Series,
    services: pd.Series,
    values: pd.Series,
    index: pd.DatetimeIndex,
    how: str,
    metric: str,
) -> pd.DataFrame:
    """Sum or average values from each row of the index to the next, apart for each service."""
    row = index.searchsorted(times.dt.as_unit(index.unit), side="right") - 1
    seen = row >= 0
    grouped = values[seen].groupby([row[seen], services[seen].to_numpy()])
    table = grouped.agg(how).unstack().reindex(range(len(index)))
    if how == "sum":
        # Nothing was counted in a row without any, but nothing is known outside of what was read.
        first, last = row[seen].min(), row[seen].max()
        table.loc[first:last] = table.loc[first:last].fillna(0.0)
    table.columns = pd.MultiIndex.from_product([table.columns, [metric]])
    placed: pd.DataFrame = table.set_axis(index)
    return placed
