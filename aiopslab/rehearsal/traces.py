"""Which traces and log lines of a recording are kept, and who calls whom in them."""

import math

import pandas as pd

_SPANS_KEPT, _ERROR_TRACES_KEPT, _NOTABLE_LOGS_KEPT = 8000, 80, 1500


def edges(spans: pd.DataFrame) -> pd.DataFrame:
    """Tell who calls whom from spans whose parent is of another service.

    Examples
    --------
    >>> edges(pd.DataFrame({"trace_id": ["t", "t"], "span_id": ["a", "b"],
    ...                     "parent_span_id": [None, "a"], "service": ["gateway", "auth"]}))
        caller callee
    0  gateway   auth
    """
    parents = spans[["trace_id", "span_id", "service"]].rename(
        columns={"span_id": "parent_span_id", "service": "caller"}
    )
    joined = spans.merge(parents, on=["trace_id", "parent_span_id"])
    calls = joined[joined["caller"] != joined["service"]]
    return (
        calls[["caller", "service"]]
        .rename(columns={"service": "callee"})
        .drop_duplicates()
        .sort_values(["caller", "callee"], ignore_index=True)
    )


def whole_traces(spans: pd.DataFrame, began: pd.Timestamp, ended: pd.Timestamp) -> pd.DataFrame:
    """Leave out the traces that the beginning or the end of the recording cut in two."""
    ends = spans["start"] + pd.to_timedelta(spans["duration_ms"], unit="ms")
    cut = spans.loc[(spans["start"] < began) | (ends > ended), "trace_id"]
    return spans[~spans["trace_id"].isin(cut)].reset_index(drop=True)


def sampled_traces(spans: pd.DataFrame) -> set[str]:
    """Choose the traces that are kept: whole ones, and those with an error before others.

    Parameters
    ----------
    spans
        All spans.

    Returns
    -------
    set of str
        Ids of traces: an even share of all, so many that about 8,000 spans remain, and up to 80
        more that hold an error.
    """
    ids = pd.Series(spans["trace_id"].unique(), dtype="str")
    share = min(1.0, _SPANS_KEPT / max(len(spans), 1))
    # Trace ids are random, so their leading digits draw the lot, the same on every reading.
    drawn = ids[ids.str[:8].map(lambda digits: int(digits, 16) / 16**8) < share]
    failed = spans.loc[spans["status"] == "ERROR", "trace_id"].drop_duplicates()
    spread = failed.iloc[:: max(1, math.ceil(len(failed) / _ERROR_TRACES_KEPT))]
    return {*drawn, *spread}


def sampled_logs(logs: pd.DataFrame, traces: set[str]) -> pd.DataFrame:
    """Choose the lines that are kept.

    Parameters
    ----------
    logs
        All lines, in the order of time.
    traces
        Ids of the traces that are kept.

    Returns
    -------
    pandas.DataFrame
        The lines of those traces and of none, and of the rest an even share of those above INFO,
        about 1,500 at most.
    """
    notable = logs.index[logs["severity"] != "INFO"]
    every = max(1, math.ceil(len(notable) / _NOTABLE_LOGS_KEPT))
    kept = logs["trace_id"].isin(traces) | logs["trace_id"].isna()
    kept.loc[notable[::every]] = True
    return logs[kept].reset_index(drop=True)
