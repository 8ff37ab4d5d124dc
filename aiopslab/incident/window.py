"""A window of time taken as the incident: what is off within it against what lies before it."""

from dataclasses import replace

import numpy as np
import pandas as pd

from aiopslab.errors import FrameError
from aiopslab.incident.analysis import IncidentAnalysis
from aiopslab.incident.case import Case
from aiopslab.incident.onset import find_onset
from aiopslab.incident.ranking import score
from aiopslab.incident.sampling import Ints, Sides, spread
from aiopslab.incident.study import study
from aiopslab.incident.suspects import find_suspects

# What a first reading reads at most, so that it takes a fifth of a second of any evidence.
VALUES = 160_000  # of metrics
SPANS, EVENTS = 12_000, 24_000  # of spans and of what executions did
FEWEST = 12  # rows of metrics, and rows of a group, on either side, whatever that comes to
FIND_VALUES = 400_000  # of metrics in which an onset is looked for
LAST = 0.2  # of the time, where nothing began
_PLACE = ["blamed", "service", "operation"]
_EVENT = ["service", "entry", "kind", "event"]
_ALERT = ["timestamp", "name", "service", "state", "fingerprint"]


def until(case: Case, end: pd.Timestamp) -> Case:
    """Return a case as it was at a time, which is included.

    Parameters
    ----------
    case
        As `aiopslab.incident.case.prepare` returns it.
    end
        Of the evidence; a trace that began by then is kept whole.
    """
    kept = case.before(end + pd.Timedelta("1us"))
    logs = case.logs[case.logs["is_quiet"] | (case.logs["timestamp"] <= end)]
    return replace(kept, logs=logs, series=case.series[case.series.index <= end])


def analyse_window(
    case: Case, start: pd.Timestamp, end: pd.Timestamp, confidence: float = 0.95
) -> IncidentAnalysis:
    """Analyse a window as the incident: its start is the onset, what comes after it is left out.

    Parameters
    ----------
    case
        As `aiopslab.incident.case.prepare` returns it.
    start, end
        The window, both ends included.
    confidence
        Of every interval, 0 to 1.

    Returns
    -------
    IncidentAnalysis
        That of a report with the onset `start` of evidence until `end`.

    Raises
    ------
    FrameError
        If nothing lies before the window, or nothing in it.

    Examples
    --------
    >>> from aiopslab import sources
    >>> from aiopslab.incident.case import prepare
    >>> case = prepare(sources.open("sample://retriever-latency").frames)
    >>> start = pd.Timestamp("2026-11-23T22:39:40Z")
    >>> analyse_window(case, start, start + pd.Timedelta("1min")).named
    ['retriever']
    """
    _check(case, start, end)
    return study(until(case, end), start, confidence)


def likely_window(case: Case) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Return the window to begin with: from where something seems to have begun to the end.

    An onset is looked for in some of the rows; where there is none, it is the last fifth of the
    time.

    Raises
    ------
    FrameError
        If there is no evidence at two times.
    """
    series = case.series.loc[:, case.series.notna().any()]
    if not series.size or series.index[0] == series.index[-1]:
        raise FrameError(
            "there is no evidence at two times: no metric, span, log line or alert",
            "Open evidence that begins before the incident.",
        )
    most = max(FIND_VALUES // series.shape[1], 100)
    onset = find_onset(series.iloc[spread(0, len(series), most)])
    times = series.index
    if onset is None or not times[0] < onset.time < times[-1]:
        return times[max(int((1 - LAST) * len(times)), 1)], times[-1]
    return onset.time, times[-1]


def point_ranking(suspects: pd.DataFrame) -> pd.DataFrame:
    """Rank the services as `aiopslab.incident.rank_services` does, without resampling.

    Parameters
    ----------
    suspects
        As `aiopslab.incident.suspects.find_suspects` returns them.

    Returns
    -------
    pandas.DataFrame
        One row a service, best candidate first: ``service, score, kind, name, before, after``; the
        last four are of its strongest suspect.

    Examples
    --------
    >>> suspects = pd.DataFrame({"service": ["auth", "auth", "cache"], "kind": "metric",
    ...     "name": ["cpu", "latency", "cpu"], "signal": ["cpu", "latency", "cpu"],
    ...     "strength": [3.0, 2.0, 0.5], "before": 1.0, "after": 2.0})
    >>> point_ranking(suspects)[["service", "score"]].to_numpy().tolist()
    [['auth', 4.0], ['cache', 0.5]]
    """
    telling = suspects.drop_duplicates(["service", "signal"])
    services = telling["service"].to_numpy(dtype=object)
    names, first, group = np.unique(services, return_index=True, return_inverse=True)
    strength = telling["strength"].to_numpy(dtype=float)[None, :]
    scores = score(strength, group, len(names))[0]
    order = np.argsort(-scores, kind="stable")  # of equal ones the name decides
    table = telling.iloc[first[order]][["service", "kind", "name", "before", "after"]]
    table.insert(1, "score", scores[order])
    return table.reset_index(drop=True)


class WindowReader:
    """Ranks the services by one window after another, each in a fraction of a second.

    What is analysed is a part of the evidence, evenly spread: so many rows of metrics, spans of
    each operation and executions of each service on either side of the start of the window. Of
    little evidence that is all of it.

    Parameters
    ----------
    case
        As `aiopslab.incident.case.prepare` returns it.

    Examples
    --------
    >>> from aiopslab import sources
    >>> from aiopslab.incident.case import prepare
    >>> reader = WindowReader(prepare(sources.open("sample://retriever-latency").frames))
    >>> start = pd.Timestamp("2026-11-23T22:39:40Z")
    >>> services, suspects = reader.read(start, start + pd.Timedelta("1min"))
    >>> services["service"].iloc[0]
    'retriever'
    """

    def __init__(self, case: Case) -> None:
        self._case = case
        spans = case.spans[["begun", "is_quiet", "blamed", "service", "operation", "self_ms"]]
        # What is read anew for each window has its names numbered once.
        self._spans = spans.reset_index(drop=True).astype(dict.fromkeys(_PLACE, "category"))
        operations = _numbers(spans, _PLACE)
        self._of_operations = Sides(operations, self._spans["begun"])
        self._most_spans = _most(SPANS, operations)
        events = case.events.assign(execution=_numbers(case.events, ["trace_id", "service"]))
        events = events.sort_values("execution", kind="stable", ignore_index=True)
        self._events = events[[*_EVENT, "begun", "is_quiet"]]
        self._events = self._events.astype(dict.fromkeys(_EVENT, "category"))
        numbers = events["execution"].to_numpy()
        self._first = np.searchsorted(numbers, np.arange(numbers.max(initial=-1) + 2))
        executions = events.iloc[self._first[:-1]]
        places = _numbers(executions, ["service", "entry"])
        self._of_places = Sides(places, executions["begun"])
        self._most_executions = _most(EVENTS * len(executions) // max(len(events), 1), places)
        self._alerts = None if case.alerts is None else case.alerts[_ALERT]
        self._of_alerts = _numbers(pd.DataFrame(self._alerts, columns=_ALERT), ["service", "name"])

    def read(self, start: pd.Timestamp, end: pd.Timestamp) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Rank the services by what is off in a window.

        Parameters
        ----------
        start, end
            Of the window, both included.

        Returns
        -------
        tuple of pandas.DataFrame
            As `point_ranking` and `aiopslab.incident.suspects.find_suspects` return them.

        Raises
        ------
        FrameError
            If nothing lies before the window, or nothing in it.
        """
        _check(self._case, start, end)
        series = self._case.series
        last = int(series.index.searchsorted(end, "right"))
        part = replace(
            self._case,
            metrics=self._metrics(start, end),
            spans=self._spans.iloc[self._of_operations.pick(start, end, self._most_spans)],
            events=self._events.iloc[self._rows(start, end)],
            logs=self._case.logs.iloc[:0],
            alerts=self._fired(start, end),
            series=series.iloc[max(last - 1, 0) : last],
        )
        suspects = find_suspects(part, start)
        return point_ranking(suspects), suspects

    @property
    def is_whole(self) -> bool:
        """Whether a reading has all of the evidence in it."""
        metrics = self._case.metrics
        values = 0 if metrics is None else metrics.size
        return values <= VALUES and len(self._spans) <= SPANS and len(self._events) <= EVENTS

    def _metrics(self, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame | None:
        metrics = self._case.metrics
        if metrics is None or not metrics.shape[1]:
            return metrics
        most = max(VALUES // 2 // metrics.shape[1], FEWEST)
        middle, last = metrics.index.searchsorted(start), metrics.index.searchsorted(end, "right")
        rows = [spread(0, int(middle), most), spread(int(middle), int(last), most)]
        return metrics.iloc[np.concatenate(rows)]

    def _rows(self, start: pd.Timestamp, end: pd.Timestamp) -> Ints:
        """Return where all that the picked executions did is."""
        picked = self._of_places.pick(start, end, self._most_executions)
        first, count = self._first[picked], np.diff(self._first)[picked]
        turn = np.arange(count.sum()) - np.repeat(count.cumsum() - count, count)
        rows: Ints = np.repeat(first, count) + turn
        return rows

    def _fired(self, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame | None:
        """Return all there is of the alerts that fired in the window, no other speaks of it."""
        alerts = self._alerts
        if alerts is None:
            return None
        is_known = (alerts["timestamp"] <= end).to_numpy()
        is_new = (alerts["timestamp"] >= start).to_numpy() & alerts["state"].eq("firing").to_numpy()
        fired = self._of_alerts[is_known & is_new]
        return alerts[is_known & np.isin(self._of_alerts, fired)]


def _check(case: Case, start: pd.Timestamp, end: pd.Timestamp) -> None:
    times = case.series.index
    if (
        not len(times)
        or not times[0] < start < end
        or not ((times >= start) & (times <= end)).any()
    ):
        known = (
            f"the evidence runs from {times[0]} to {times[-1]}" if len(times) else "there is none"
        )
        raise FrameError(
            f"the window runs from {start} to {end}; {known}",
            "Choose a window with evidence both before it and in it.",
        )


def _numbers(table: pd.DataFrame, columns: list[str]) -> Ints:
    """Number the rows by what is in some columns, from 0."""
    if table.empty:
        return np.array([], dtype=np.int64)
    return table.groupby(columns, sort=False, dropna=False).ngroup().to_numpy().astype(np.int64)


def _most(rows: int, groups: Ints) -> int:
    """Return how many rows of each group are read on either side, of so many rows of all."""
    return max(rows // (2 * (int(groups.max(initial=-1)) + 1) or 1), FEWEST)
