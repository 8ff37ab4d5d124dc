"""What alerts say against each service: that somebody thought it wrong, and which service began."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.incident.episodes import Ints, settle
from aiopslab.incident.golden import signal_of
from aiopslab.incident.topology import dependencies

Floats = npt.NDArray[np.float64]

# An alert is somebody's word that a value is abnormal, and by itself just enough to be so: as much
# as a metric that lies some 15 robust σ off for the whole time.
FIRED = 2.2
EVALUATION = pd.Timedelta("1min")


def rank_alerts(
    alerts: pd.DataFrame,
    until: pd.Timestamp,
    end: pd.Timestamp,
    topology: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Rank the alerts that began to fire with an incident by what they say against their service.

    Parameters
    ----------
    alerts
        Alerts frame. Those without a service speak against none.
    until
        When the incident may have begun: alerts that fired before are ordinary.
    end
        Of the evidence.
    topology
        Call graph. With it a symptom (latency, errors, demand) is explained by an alert of a
        service that is called, directly or not, and then says nothing against its own.

    Returns
    -------
    pandas.DataFrame
        One row an alert of a service, strongest first: ``service, name, signal, strength, before,
        after, low, high``. `before` and `after` are the shares of the time in which it fired, and
        have no interval.

    Notes
    -----
    An alert that fired n times before the incident counts 1/(1+n) of one that never did.

    Examples
    --------
    >>> times = pd.to_datetime(["2026-03-01T12:00Z", "2026-03-01T12:01Z"])
    >>> alerts = pd.DataFrame({"timestamp": times, "name": ["Slow", "PoolFull"], "severity": "page",
    ...     "service": ["gateway", "database"], "state": "firing", "fingerprint": ["a", "b"]})
    >>> ranked = rank_alerts(alerts, times[0], times[1])
    >>> ranked[["service", "name", "strength"]].to_numpy().tolist()
    [['gateway', 'Slow', 2.2], ['database', 'PoolFull', 2.2]]
    """
    settled, _ = settle(alerts, EVALUATION)
    settled = settled[settled["service"].notna() & (settled["start"] <= end)]
    settled = settled.reset_index(drop=True)
    since = settled[settled["start"] >= until]
    begins = min(settled["start"].min(), until)
    alerting = set(since["service"])
    called = {} if topology is None else dependencies(topology, alerting)
    number = settled.groupby(["service", "name"]).ngroup().to_numpy().astype(np.int64)
    earlier = np.bincount(number, settled["start"] < until)
    before, after = (_shares(settled, number, *span) for span in ((begins, until), (until, end)))
    rows = []
    named = since[["service", "name"]].drop_duplicates()
    for place, service, name in named.itertuples(name=None):
        its = number[place]
        signal = signal_of(name)
        is_explained = signal is not None and bool(called.get(service, set()) & alerting)
        strength = 0.0 if is_explained else FIRED / (1 + earlier[its])
        rows.append((service, name, signal or name, strength, before[its], after[its]))
    columns = ["service", "name", "signal", "strength", "before", "after"]
    table = pd.DataFrame(rows, columns=columns).assign(low=float("nan"), high=float("nan"))
    return table.sort_values("strength", ascending=False, kind="stable", ignore_index=True)


def firing(alerts: pd.DataFrame | None) -> pd.DataFrame:
    """Return the alerts that are not resolved at the end of the evidence, the earliest first.

    Parameters
    ----------
    alerts
        Alerts frame; ``None`` where the evidence has none.

    Returns
    -------
    pandas.DataFrame
        ``start, name, service, severity`` and more, see `aiopslab.incident.episodes.settle`.
    """
    fired = ever_fired(alerts)
    return fired[fired["ended"].isna()].reset_index(drop=True)


def ever_fired(alerts: pd.DataFrame | None) -> pd.DataFrame:
    """Return the alerts that fired at any time, the earliest first, in the form of `firing`."""
    if alerts is None or alerts.empty:
        return pd.DataFrame(columns=["start", "ended", "name", "service", "severity"])
    settled, _ = settle(alerts, EVALUATION)
    return settled


def _shares(alerts: pd.DataFrame, number: Ints, start: pd.Timestamp, end: pd.Timestamp) -> Floats:
    """Return the share of a span of time in which alerts fired, added up by their number."""
    if not start < end:
        return np.zeros(number.max(initial=-1) + 1)
    began, ended = (alerts[each].to_numpy("datetime64[us]") for each in ("start", "ended"))
    since = np.maximum(began, start.to_datetime64())
    till = np.fmin(ended, end.to_datetime64())  # what has no end fires on
    fired = np.maximum((till - since) / np.timedelta64(1, "s"), 0)
    return np.minimum(np.bincount(number, fired) / (end - start).total_seconds(), 1.0)
