"""How high services score when nothing happens: the bar that an incident has to clear."""

import numpy as np
import pandas as pd

from aiopslab.incident.case import Case
from aiopslab.incident.ranking import score
from aiopslab.incident.suspects import find_suspects

# Before a system has shown how it behaves, it is taken to be like those that we have recorded: on
# their ordinary days the highest score is about so high, and strays so far.
PRIOR_MEDIAN = 1.4
PRIOR_SPREAD = 0.35
PRIOR_WEIGHT = 4  # moments that this is worth
SPREADS = 2.0  # above the median, from which a score is abnormal: 5 % of ordinary days
MOMENTS = 6  # tried in the evidence before the onset
WINDOWS = 20  # tried in a baseline


def ordinary_scores(
    case: Case, onset: pd.Timestamp, earliest: pd.Timestamp, end: pd.Timestamp
) -> list[float]:
    """Return the highest score of any service at moments when nothing is known to have happened.

    Parameters
    ----------
    case
        As `aiopslab.incident.case.prepare` returns it.
    onset, end
        Of the incident: each moment is followed as long as the incident was, or for a third of
        the quiet time where that is shorter.
    earliest
        When the incident may have begun: only what lies before it, or in the baseline, is used.

    Returns
    -------
    list of float
        Empty where there is too little evidence before the incident to try a single moment.

    Notes
    -----
    A placebo test: the same analysis on the same system, where the right answer is "nothing".
    """
    if case.baseline is not None and len(case.baseline) >= WINDOWS:
        return _of_baseline(case, onset, earliest)
    begins = [frame.index[0] for frame in (case.metrics,) if frame is not None and len(frame)]
    begins += [
        table.loc[~table["is_quiet"], "begun"].min()
        for table in (case.spans, case.events)
        if not table["is_quiet"].all()
    ]
    if not begins:
        return []
    third = (earliest - min(begins)) / 3
    length = max(min(end - onset, third), pd.Timedelta("1s"))
    unsure = min(onset - earliest, third)
    moments = [earliest - length * each for each in range(1, MOMENTS + 1)]
    return [
        _highest(find_suspects(case.before(moment + length), moment, moment - unsure))
        for moment in moments
        if moment >= min(begins) + third
    ]


def bar(ordinary: list[float]) -> float:
    """Return the score that a service must exceed to be abnormal.

    Examples
    --------
    >>> round(bar([]), 2), round(bar([0.4] * 20), 2), round(bar([0.4] * 20 + [9.0] * 5), 2)
    (2.1, 0.68, 0.63)
    """
    scores = np.array(ordinary)
    middle, spread, weight = PRIOR_MEDIAN, PRIOR_SPREAD, len(scores) + PRIOR_WEIGHT
    if len(scores):
        # Robust, since some of the moments may have been incidents of their own.
        seen = float(np.median(scores))
        strays = 1.4826 * float(np.median(np.abs(scores - seen)))
        middle = (len(scores) * seen + PRIOR_WEIGHT * middle) / weight
        spread = (len(scores) * strays + PRIOR_WEIGHT * spread) / weight
    return middle + SPREADS * spread


def _of_baseline(case: Case, onset: pd.Timestamp, earliest: pd.Timestamp) -> list[float]:
    """Cut windows like the incident's own out of the baseline, and judge each by the rest."""
    from dataclasses import replace

    assert case.baseline is not None
    assert case.metrics is not None
    rows = len(case.metrics)
    recent = int((case.metrics.index < onset).sum())
    baseline = case.baseline
    first = np.linspace(0, len(baseline) - rows, WINDOWS, dtype=int)
    scores = []
    for row in np.unique(first[first >= 0]):
        window = baseline.iloc[row : row + rows]
        rest = pd.concat([baseline.iloc[:row], baseline.iloc[row + rows :]])
        judged = replace(
            case,
            metrics=window,
            baseline=rest,
            spans=case.spans.iloc[:0],
            events=case.events.iloc[:0],
        )
        moment = window.index[min(recent, rows - 1)]
        scores.append(_highest(find_suspects(judged, moment, moment - (onset - earliest))))
    return scores


def _highest(suspects: pd.DataFrame) -> float:
    telling = suspects[suspects["strength"] > 0].drop_duplicates(["service", "signal"])
    if telling.empty:
        return 0.0
    names, group = np.unique(telling["service"].to_numpy(dtype=object), return_inverse=True)
    return float(score(telling["strength"].to_numpy()[None, :], group, len(names)).max())
