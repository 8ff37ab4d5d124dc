"""The incident analysis: from frames, or a case prepared once, to what they say."""

import pandas as pd

from aiopslab.incident.alerting import ever_fired, firing
from aiopslab.incident.analysis import IncidentAnalysis
from aiopslab.incident.case import Case, Frames, prepare
from aiopslab.incident.derived import ALERTS
from aiopslab.incident.onset import (
    MIN_ROWS_AFTER,
    MIN_ROWS_BEFORE,
    Onset,
    find_onset,
    given_onset,
    noticed,
)
from aiopslab.incident.ordinary import bar, ordinary_scores
from aiopslab.incident.ranking import rank_services
from aiopslab.incident.suspects import find_suspects, no_suspects

ENOUGH = MIN_ROWS_BEFORE + MIN_ROWS_AFTER  # rows to find an onset in, and to learn what is normal


def analyse(
    frames: Frames,
    onset: pd.Timestamp | str | None = None,
    baseline: Frames | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> IncidentAnalysis:
    """Find when an incident started and where.

    Parameters
    ----------
    frames
        Frames by name, beginning before the incident; any of metrics, spans, logs and alerts, with
        a topology if there is one. `Evidence.frames` has this shape.
    onset
        When it was noticed, where that is known, e.g. from an alert; ``None`` to find when it
        began. Somebody notices late: it may have begun up to five minutes before.
    baseline
        The same of a quiet time elsewhere, e.g. yesterday; ``None`` to learn what is normal from
        the time before the onset alone.
    confidence
        Of every interval, 0 to 1.
    seed
        Of the resampling: equal seeds, equal results.

    Returns
    -------
    IncidentAnalysis
        With ``.verdict()``, ``.table()`` and ``.figure()``.

    Raises
    ------
    FrameError
        If a given onset is not a time, or lies outside the evidence.

    Examples
    --------
    >>> import numpy as np
    >>> times = pd.date_range("2026-03-01", periods=120, freq="s", tz="UTC")
    >>> columns = pd.MultiIndex.from_product([["auth", "cache"], ["latency_ms", "cpu"]])
    >>> noise = np.random.default_rng(7).normal(10, 1, size=(120, 4))
    >>> noise[80:, :2] *= 4
    >>> analyse({"metrics": pd.DataFrame(noise, times, columns)}).named
    ['auth']
    """
    return study(prepare(frames, baseline), onset, confidence, seed)


def study(
    case: Case,
    onset: pd.Timestamp | str | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> IncidentAnalysis:
    """Find when an incident started and where, in evidence that was prepared before.

    Preparing costs most of the time; the same case can be read at one onset after another.

    Parameters
    ----------
    case
        As `aiopslab.incident.case.prepare` returns it, or the `case` of another analysis.
    onset, confidence, seed
        See `analyse`.

    Returns
    -------
    IncidentAnalysis

    Raises
    ------
    FrameError
        If a given onset is not a time, or lies outside the evidence.

    Examples
    --------
    >>> from aiopslab import sources
    >>> found = analyse(sources.open("sample://retriever-latency").frames)
    >>> later = study(found.case, found.onset.time + pd.Timedelta("30s"))
    >>> found.named == later.named
    True
    """
    observed = case.series.loc[:, case.series.notna().any()]
    empty = rank_services(no_suspects(), 0.0), no_suspects()
    shortage = _shortage(observed, onset is not None or case.baseline is not None)
    if shortage:
        return IncidentAnalysis(case, None, *empty, bar([]), confidence, shortage=shortage)
    found: Onset | None
    if onset is not None:
        found = given_onset(observed, onset)
    elif len(observed) < ENOUGH:
        # Too few rows to find it in: all of them are held against the baseline.
        found = Onset(observed.index[0], observed.index[0], observed.index[-1], float("nan"))
    else:
        found = find_onset(observed, confidence, seed)
    alerted = None if found is not None else _alerted(case, observed)
    found = found or alerted
    if found is None:
        return IncidentAnalysis(case, None, *empty, bar([]), confidence)
    suspects = find_suspects(case, found.time, found.low)
    ordinary = bar(ordinary_scores(case, found.time, found.low, observed.index[-1]))
    return IncidentAnalysis(
        case,
        found,
        rank_services(suspects, ordinary, seed),
        suspects,
        ordinary,
        confidence,
        onset is not None or alerted is not None,
        span=f"{found.time:%H:%M:%S} to {observed.index[-1]:%H:%M:%S} UTC",
    )


def _shortage(observed: pd.DataFrame, is_known: bool) -> str:
    """Say what is missing to tell anything, if anything is; less will do where one is known."""
    if observed.shape[1] == 0:
        return "no metric, span, log line or alert has a single value"
    if len(observed) < ENOUGH and not is_known:
        return f"{len(observed)} rows with values, at least {ENOUGH} are needed"
    return ""


def _alerted(case: Case, observed: pd.DataFrame) -> Onset | None:
    """Return when the first of the alerts that still fire was noticed.

    Where alerts are all there is, those that are over count too.
    """
    is_all = set(observed.columns.get_level_values(1)) == {ALERTS}
    alerts = ever_fired(case.alerts) if is_all else firing(case.alerts)
    if alerts.empty or alerts["start"].min() > observed.index[-1]:
        return None
    return noticed(alerts["start"].min(), observed.index[0])
