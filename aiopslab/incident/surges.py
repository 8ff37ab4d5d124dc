"""Log templates before and after an onset: new, vanished, surged, dropped."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from aiopslab.errors import FrameError
from aiopslab.frames import SEVERITIES
from aiopslab.incident.templates import EXAMPLE

Floats = npt.NDArray[np.float64]

COLUMNS = [
    "service",
    "template",
    "severity",
    "change",
    "before",
    "after",
    "rate_ratio",
    "low",
    "high",
    "q",
    "first",
    "example",
    "trace_id",
]
BUCKETS = 20  # into which the time before is cut to see how bursty a template is
ENOUGH = 10  # lines before that tell something of how bursty a template is
SIGNIFICANT = 0.05


def compare_templates(
    logs: pd.DataFrame, onset: pd.Timestamp, confidence: float = 0.95
) -> pd.DataFrame:
    """Compare how often each service logs each template before and after an onset.

    Parameters
    ----------
    logs
        Logs frame with a column `template` more, its text.
    onset
        Where before ends and after begins.
    confidence
        Of the intervals, 0 to 1.

    Returns
    -------
    pandas.DataFrame
        One row a (service, template), what a person should read first on top: ``service,
        template, severity`` (the worst seen), ``change`` (new, vanished, surged, dropped, steady),
        ``before, after`` (lines), ``rate_ratio, low, high`` (lines a second after : before),
        ``q`` (the share of false discoveries among those with a q so low), ``first`` (the first
        line after the onset, or the last one where it vanished), ``example`` and ``trace_id`` of
        such a line.

    Raises
    ------
    FrameError
        If the onset leaves no time on one of its sides.

    Notes
    -----
    Given their sum, two Poisson counts are binomial, so the ratio of their rates has the exact
    interval of Clopper and Pearson (Przyborowski & Wilenski 1940). Log lines come in bursts:
    counts are divided by the index of dispersion of the template's counts over twenty parts of
    the time before, where that is above 1; the fewer its lines then, the more by that of the
    median template instead, which is all that is known of a new one. The false discovery rate is
    that of Benjamini and Hochberg (1995), over all templates of all services.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=200, freq="s", tz="UTC")
    >>> logs = pd.DataFrame({"timestamp": times, "service": "auth", "severity": "INFO",
    ...                      "body": "ok", "template": "ok"})
    >>> logs.loc[100:, ["severity", "template"]] = ["ERROR", "no route to <IP>"]
    >>> compare_templates(logs, times[100])[["change", "template"]].to_numpy().tolist()
    [['new', 'no route to <IP>'], ['vanished', 'ok']]
    """
    if logs.empty:
        return pd.DataFrame(columns=COLUMNS)
    first, last = logs["timestamp"].min(), logs["timestamp"].max()
    if not first < onset <= last:
        raise FrameError(
            f"onset is {onset}; the logs run from {first} to {last}",
            "Give a time inside of them, or open logs that begin before it and end after it.",
        )
    is_after = logs["timestamp"] >= onset
    ranks = logs["severity"].map({each: rank for rank, each in enumerate(SEVERITIES)})
    keys = ["service", "template"]
    groups = logs.assign(is_after=is_after, is_before=~is_after, rank=ranks).groupby(keys)
    table = groups.agg(before=("is_before", "sum"), after=("is_after", "sum"), rank=("rank", "max"))
    seconds = (onset - first).total_seconds(), (last - onset).total_seconds()
    burstiness = _dispersion(logs[~is_after], keys, first, onset, table.index)
    before, after = table["before"].to_numpy(), table["after"].to_numpy()
    exposure = max(seconds[0], 1.0) / max(seconds[1], 1.0)
    ratio, low, high, p = _rate_ratio(before, after, exposure, burstiness.to_numpy(), confidence)
    table = table.assign(rate_ratio=ratio, low=low, high=high)
    table["q"] = stats.false_discovery_control(p)
    table["change"] = _change(table)
    table["severity"] = [SEVERITIES[int(rank)] for rank in table["rank"]]
    lines = pd.concat([logs[~is_after][::-1], logs[is_after]])
    shown = pd.concat(
        [lines[lines["timestamp"] >= onset].drop_duplicates(keys), lines.drop_duplicates(keys)]
    )
    shown = shown.drop_duplicates(keys).set_index(keys)
    table["first"] = shown["timestamp"]
    table["example"] = shown["body"].fillna("").str.slice(0, EXAMPLE)
    table["trace_id"] = shown["trace_id"] if "trace_id" in shown.columns else ""
    changed = (table["change"] != "steady").to_numpy()
    bound = np.maximum(np.log(np.maximum(low, 1e-9)), -np.log(np.maximum(high, 1e-9)))
    order = np.lexsort((-bound, -table["rank"].to_numpy() * (after > 0), ~changed))
    return table.iloc[order].reset_index()[COLUMNS]


def _dispersion(
    before: pd.DataFrame,
    keys: list[str],
    first: pd.Timestamp,
    onset: pd.Timestamp,
    every: pd.Index,
) -> pd.Series:
    """Return how bursty each template is: variance over mean of its counts before, at least 1.

    What few lines say of that is drawn towards the median template with enough of them.
    """
    part = ((before["timestamp"] - first) / (onset - first) * BUCKETS).astype(int)
    counts = before.groupby([*keys, part.clip(upper=BUCKETS - 1)]).size()
    squares, sums = (counts**2).groupby(keys).sum(), counts.groupby(keys).sum()
    mean = sums / BUCKETS
    variance = (squares - BUCKETS * mean**2) / (BUCKETS - 1)
    own = (variance / mean).clip(lower=1.0)
    typical = own[sums >= ENOUGH].median() if (sums >= ENOUGH).any() else 1.0
    weight = (sums / (sums + ENOUGH)).reindex(every, fill_value=0.0)
    dispersion: pd.Series = weight * own.reindex(every, fill_value=1.0) + (1 - weight) * typical
    return dispersion


def _rate_ratio(
    before: Floats, after: Floats, exposure: float, burstiness: Floats, confidence: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the ratio of the rates, its interval, and the p-value of no change."""
    old, new = before / burstiness, after / burstiness
    tail = (1 - confidence) / 2
    low_share = np.where(new > 0, stats.beta.ppf(tail, np.maximum(new, 1e-9), old + 1), 0.0)
    high_share = np.where(old > 0, stats.beta.ppf(1 - tail, new + 1, np.maximum(old, 1e-9)), 1.0)
    with np.errstate(divide="ignore"):
        ratio = np.where(before > 0, after / np.maximum(before, 1), np.inf) * exposure
        low = low_share / (1 - low_share) * exposure
        high = np.where(high_share < 1, high_share / (1 - high_share), np.inf) * exposure
    share = 1 / (1 + exposure)  # of the lines that fall after, were nothing changed
    above = np.where(new > 0, stats.beta.cdf(share, np.maximum(new, 1e-9), old + 1), 1.0)
    below = np.where(old > 0, stats.beta.sf(share, new + 1, np.maximum(old, 1e-9)), 1.0)
    return ratio, low, high, np.minimum(2 * np.minimum(above, below), 1.0)


def _change(table: pd.DataFrame) -> "npt.NDArray[np.str_]":
    is_clear = table["q"] < SIGNIFICANT
    return np.select(
        [
            (table["before"] == 0) & (table["after"] > 0) & is_clear,
            (table["after"] == 0) & is_clear,
            is_clear & (table["rate_ratio"] > 1),
            is_clear,
        ],
        ["new", "vanished", "surged", "dropped"],
        "steady",
    )
