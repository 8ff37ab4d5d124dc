"""What speaks against each service: metrics, operations, behaviour and alerts on one scale."""

import re
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from aiopslab.incident.alerting import rank_alerts
from aiopslab.incident.behaviour import rank_behaviour
from aiopslab.incident.case import Case
from aiopslab.incident.golden import signal_of
from aiopslab.incident.metrics import rank_metrics
from aiopslab.incident.operations import rank_operations
from aiopslab.incident.topology import callees

COLUMNS = ["service", "kind", "name", "signal", "strength", "before", "after", "low", "high"]


def no_suspects() -> pd.DataFrame:
    """Return the table of `find_suspects` with nothing in it."""
    return pd.DataFrame(columns=COLUMNS)


def find_suspects(
    case: Case, onset: pd.Timestamp, earliest: pd.Timestamp | None = None
) -> pd.DataFrame:
    """List what speaks against each service, the strongest first.

    Parameters
    ----------
    case
        As `prepare` returns it.
    onset
        When the incident began, as well as that is known.
    earliest
        When it may have begun already: what happened before teaches what is normal. The onset
        where ``None``.

    Returns
    -------
    pandas.DataFrame
        ``service, kind (metric, operation, span, error, log, alert), name, signal, strength,
        before, after, low, high``. `signal` is the golden signal of a metric or alert, else the
        name: measures of the same signal are one piece of case. `before` and `after` are medians of
        a metric, ms of an operation's self-time, shares of the executions of the service, or of the
        time that an alert fired; `low` and `high` are the 95 % interval of the ratio of self-times,
        or of the difference of shares.

    Notes
    -----
    Of the time between `earliest` and `onset` nobody knows to which side it belongs. So each piece
    of evidence is read twice, since the one and since the other, and counts as the stronger: a
    symptom that is over when somebody notices, and one that only begins then, are both seen.
    """
    until = earliest or onset
    tables = [
        *_of_metrics(case, onset, until),
        *_of_operations(case, onset, until),
        *_of_behaviour(case, onset, until),
        *_of_alerts(case, until),
    ]
    tables = [each[COLUMNS] for each in tables if len(each)]
    if not tables:
        return no_suspects()
    joined = pd.concat(tables).sort_values("strength", ascending=False, kind="stable")
    return joined.drop_duplicates(["service", "kind", "name"], ignore_index=True)


def _of_metrics(case: Case, onset: pd.Timestamp, until: pd.Timestamp) -> Iterator[pd.DataFrame]:
    if case.metrics is None or case.metrics.empty:
        return
    for moment in _apart(case.metrics.index.to_series(), onset, until):
        ranked = rank_metrics(case.metrics, moment, until, case.baseline, case.topology)
        signals = [signal_of(metric) or metric for metric in ranked["metric"]]
        ranked = ranked.rename(columns={"metric": "name"})
        yield ranked.assign(kind="metric", signal=signals, low=np.nan, high=np.nan)


def _of_operations(case: Case, onset: pd.Timestamp, until: pd.Timestamp) -> Iterator[pd.DataFrame]:
    for quiet, now in _splits(case.spans, onset, until):
        ranked = rank_operations(quiet, now)
        yield ranked.assign(kind="operation", signal=ranked["name"])


def _of_behaviour(case: Case, onset: pd.Timestamp, until: pd.Timestamp) -> Iterator[pd.DataFrame]:
    for quiet, now in _splits(case.events, onset, until):
        ranked = rank_behaviour(quiet, now)
        is_log = ranked["kind"] == "log"
        text = ranked["event"].where(~is_log, ranked["event"].map(case.templates))
        ranked = ranked.assign(name=text, signal=text)
        if case.topology is not None:
            ranked["service"] = _named(ranked, callees(case.topology))
        yield ranked


def _of_alerts(case: Case, until: pd.Timestamp) -> Iterator[pd.DataFrame]:
    if case.alerts is not None and len(case.alerts):
        end = max([case.alerts["timestamp"].max(), *case.series.index[-1:]])
        yield rank_alerts(case.alerts, until, end, case.topology).assign(kind="alert")


def _named(ranked: pd.DataFrame, calls: Mapping[str, list[str]]) -> list[str]:
    """Return whom each event speaks against: the callee that a line or a failure names."""
    blamed = []
    for service, kind, text in zip(ranked["service"], ranked["kind"], ranked["name"], strict=True):
        words = set(re.findall(r"[\w.-]+", text.lower())) if kind != "span" else set()
        named = [each for each in calls.get(service, ()) if each.lower() in words]
        blamed.append(named[0] if len(named) == 1 else service)
    return blamed


def _splits(
    table: pd.DataFrame, onset: pd.Timestamp, until: pd.Timestamp
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Yield what lies before `until`, or in the baseline, with what lies since each moment."""
    is_quiet = table["is_quiet"].to_numpy(dtype=bool)
    quiet = table[is_quiet | (table["begun"] < until)]
    for moment in _apart(table.loc[~is_quiet, "begun"], onset, until):
        now = table[~is_quiet & (table["begun"] >= moment)]
        if len(quiet) and len(now):
            yield quiet, now


def _apart(times: pd.Series, onset: pd.Timestamp, until: pd.Timestamp) -> list[pd.Timestamp]:
    """Return the two moments, or one where nothing happened between them."""
    return [onset, until] if ((times >= until) & (times < onset)).any() else [onset]
