"""What lies within a window of time, as tables: log lines, slow paths, alerts, changes, ranking."""

import numpy as np
import pandas as pd

from aiopslab.incident.alerting import ever_fired
from aiopslab.incident.case import TIME, Case, Frames
from aiopslab.incident.conclusion import cut
from aiopslab.incident.operations import slowest_paths
from aiopslab.incident.sampling import Ints, spread
from aiopslab.incident.views import PATHS, SPOKEN, said

LOOKBACK = pd.Timedelta("30min")  # before the window, in which a change may have begun it
TRACES = 1_000  # on either side, in which the slowest are looked for
STRETCHES = 250  # of a series that is drawn, with the lowest and the highest value of each
LINE = ["timestamp", "service", "severity", "body", "trace_id"]
ALERT = ["start", "ended", "name", "service", "severity", "episodes"]
CHANGE = ["timestamp", "kind", "service", "ref", "description"]


class WindowTables:
    """Tables of a window, found by search in sorted times, without a scan of the evidence.

    Parameters
    ----------
    frames
        Frames by name, conformed. `Evidence.frames` has this shape.
    case
        The same, prepared.

    Examples
    --------
    >>> from aiopslab import sources
    >>> from aiopslab.incident.case import prepare
    >>> frames = sources.open("sample://database-pool").frames
    >>> tables = WindowTables(frames, prepare(frames))
    >>> start = pd.Timestamp("2026-11-23T22:45:00Z")
    >>> minute = start, start + pd.Timedelta("1min")
    >>> len(tables.logs(*minute)) > len(tables.logs(*minute, "gateway")) > 0
    True
    """

    def __init__(self, frames: Frames, case: Case) -> None:
        logs = frames.get("logs", pd.DataFrame(columns=LINE[:4]))
        # Few names are looked through sooner than a million lines of them.
        self._logs = logs[[each for each in LINE if each in logs.columns]].astype(
            {"service": "category"}
        )
        spans = case.spans[~case.spans["is_quiet"]].sort_values(
            ["begun", "trace_id"], kind="stable", ignore_index=True
        )
        self._spans = spans[["trace_id", "service", "operation", "blamed", "is_entry"]].join(
            spans[["duration_ms", "self_ms"]]
        )
        is_first = spans["trace_id"] != spans["trace_id"].shift()
        self._first: Ints = np.append(np.flatnonzero(is_first), len(spans)).astype(np.int64)
        self._begun = spans.loc[is_first, "begun"].reset_index(drop=True)
        self._alerts = ever_fired(case.alerts).reindex(columns=ALERT)
        changes = frames.get("changes", pd.DataFrame(columns=CHANGE))
        changes = changes.astype({"timestamp": TIME}).reindex(columns=CHANGE)
        self._changes = changes.dropna(subset="timestamp")

    def logs(
        self, start: pd.Timestamp, end: pd.Timestamp, service: str | None = None
    ) -> pd.DataFrame:
        """Return the log lines of a window, the earliest first; of one service where it is named.

        Returns
        -------
        pandas.DataFrame
            ``timestamp, service, severity, body`` and, where the evidence has it, ``trace_id``.
        """
        low, high = _between(self._logs["timestamp"], start, end)
        if service is None:
            return self._logs.iloc[low:high]
        of_it = self._logs["service"].iloc[low:high] == service
        return self._logs.iloc[low + np.flatnonzero(of_it)]

    def paths(
        self, start: pd.Timestamp, end: pd.Timestamp, service: str | None = None
    ) -> pd.DataFrame:
        """Return where the slowest requests of a window spend their time, and did before it.

        Returns
        -------
        pandas.DataFrame
            As `aiopslab.incident.operations.slowest_paths`, of at most a thousand traces on either
            side, evenly spread; columns as `aiopslab.incident.paths_listing` names them.
        """
        low, high = _between(self._begun, start, end)
        found = pd.DataFrame()
        if 0 < low < high:
            found = slowest_paths(self._traces(0, low), self._traces(low, high))
        columns = ["request", "service", "operation", *PATHS]
        found = found.reindex(columns=columns).round(1).rename(columns=PATHS)
        return _of(found, service)

    def alerts(
        self, start: pd.Timestamp, end: pd.Timestamp, service: str | None = None
    ) -> pd.DataFrame:
        """Return the alerts that fired in a window: ``start, ended, name, service, severity``."""
        ended = self._alerts["ended"]
        fired = (self._alerts["start"] <= end) & (ended.isna() | (ended >= start))
        return _of(self._alerts[fired], service)

    def changes(
        self, start: pd.Timestamp, end: pd.Timestamp, service: str | None = None
    ) -> pd.DataFrame:
        """Return the changes in a window and in the half hour before it, the latest first.

        Returns
        -------
        pandas.DataFrame
            ``timestamp, kind, service, ref, description, minutes before`` the start of the window,
            negative for what was changed within it.
        """
        times = self._changes["timestamp"]
        near = self._changes[(times >= start - LOOKBACK) & (times <= end)]
        before: pd.Series[float] = (start - near["timestamp"]).dt.total_seconds() / 60
        near = near.assign(**{"minutes before": before.round(1)})
        return _of(near.iloc[::-1], service)

    def _traces(self, low: int, high: int) -> pd.DataFrame:
        picked = spread(low, high, TRACES)
        first, count = self._first[picked], np.diff(self._first)[picked]
        turn = np.arange(count.sum()) - np.repeat(count.cumsum() - count, count)
        traces: pd.DataFrame = self._spans.iloc[np.repeat(first, count) + turn]
        return traces


def ranking_frame(services: pd.DataFrame, suspects: pd.DataFrame) -> pd.DataFrame:
    """Return the services with what speaks most against each, in words and units.

    Parameters
    ----------
    services
        As `point_ranking` or `aiopslab.incident.rank_services` returns them; the latter have
        intervals and probabilities.
    suspects
        As `aiopslab.incident.suspects.find_suspects` returns them.

    Examples
    --------
    >>> suspect = {"service": "auth", "kind": "operation", "name": "login", "signal": "login",
    ...     "strength": 2.0, "before": 4.0, "after": 90.0}
    >>> services = pd.DataFrame({"service": ["auth"], "score": [2.0]})
    >>> ranking_frame(services, pd.DataFrame([suspect])).to_numpy().tolist()[0]
    ['auth', 2.0, 'own time of an operation: login', '4 ms', '90 ms']
    """
    told = [each for each in ("service", "score", "low", "high", "probability") if each in services]
    table = services[told].round(2)
    of = suspects.drop_duplicates("service").set_index("service").reindex(services["service"])
    rows = list(zip(of["kind"], of["name"], of["before"], of["after"], strict=True))
    return table.assign(
        strongest=[f"{SPOKEN.get(kind, kind)}: {cut(str(name))}" for kind, name, _, _ in rows],
        before=[said(kind, name, before) for kind, name, before, _ in rows],
        after=[said(kind, name, after) for kind, name, _, after in rows],
    ).reset_index(drop=True)


def extremes(series: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows of a long table in which some series is lowest or highest for a while.

    Parameters
    ----------
    series
        Index of times, one column a series.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=10_000, freq="s", tz="UTC")
    >>> spike = pd.DataFrame({"a": 0.0}, times)
    >>> spike.iloc[777] = 9.0
    >>> kept = extremes(spike)
    >>> len(kept) <= 500, float(kept["a"].max())
    (True, 9.0)
    """
    rows = len(series)
    if rows <= 2 * STRETCHES:
        return series
    # A stretch has one row more or less than another; its last stands in for the one it lacks.
    edges = np.linspace(0, rows, STRETCHES + 1, dtype=int)
    first, size = edges[:-1, None], np.diff(edges)[:, None]
    places = first + np.minimum(np.arange(size.max()), size - 1)
    values = series.to_numpy(dtype=float)[places]  # (stretches, rows, series)
    kept = [
        first + np.where(np.isnan(part), np.inf, part).argmin(axis=1) for part in (values, -values)
    ]
    return series.iloc[np.unique(kept)]


def _between(times: pd.Series, start: pd.Timestamp, end: pd.Timestamp) -> tuple[int, int]:
    """Return the first place in a window, and the one after its last, of sorted times."""
    if times.empty:
        return 0, 0
    return int(times.searchsorted(start)), int(times.searchsorted(end, side="right"))


def _of(table: pd.DataFrame, service: str | None) -> pd.DataFrame:
    kept = table if service is None else table[table["service"] == service]
    return kept.reset_index(drop=True)
