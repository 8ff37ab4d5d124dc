"""Which service an incident most likely started in, how likely, and whether in none of these."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.incident.metrics import strengths

Floats = npt.NDArray[np.float64]

TOP_WEIGHTS = (1.0, 0.5, 0.25)  # of what speaks most against a service: one thing is not enough
RESAMPLES = 500
KEPT = 0.8  # share of the suspects that a resample keeps
# Points of score that make a service e times likelier. Of Online Boutique, Train Ticket and our own
# recordings, each two choose 0.4 to 0.5 by log loss, so it is not fitted to the third.
TEMPERATURE = 0.4


def rank_services(suspects: pd.DataFrame, bar: float, seed: int = 0) -> pd.DataFrame:
    """Rank the services by how likely the incident started in them.

    Parameters
    ----------
    suspects
        As `aiopslab.incident.suspects.find_suspects` returns them: ``service, kind, name, signal,
        strength`` at least, the strongest first.
    bar
        Score that a service reaches on an ordinary day.
    seed
        Of the resampling: equal seeds, equal results.

    Returns
    -------
    pandas.DataFrame
        One row a service, best candidate first: ``service, score, low, high, probability, kind,
        name``. `score` weighs the three strongest signals against the service; `low` and `high`
        hold 95 % of its resamples; `kind` and `name` are its strongest suspect. The probabilities
        leave room for "none of these", which is what they lack of 1.

    Notes
    -----
    A resample leaves out a fifth of the suspects, so that a rank which hangs on one of them is
    seen to. The probability is the mean over the resamples of a softmax over the scores and the
    bar, with one temperature for every system, chosen to make it true on labelled incidents.

    Examples
    --------
    >>> suspects = pd.DataFrame({"service": ["auth", "auth", "cache"], "kind": "metric",
    ...     "name": ["cpu", "latency", "cpu"], "signal": ["cpu", "latency", "cpu"],
    ...     "strength": [3.0, 2.0, 0.5]})
    >>> best = rank_services(suspects, bar=1.3).iloc[0]
    >>> print(best["service"], best["score"], best["probability"] > 0.8)
    auth 4.0 True
    """
    telling = suspects.drop_duplicates(["service", "signal"])
    if telling.empty:
        columns = ["service", "score", "low", "high", "probability", "kind", "name"]
        return pd.DataFrame(columns=columns)
    names, group = np.unique(telling["service"].to_numpy(dtype=object), return_inverse=True)
    strength = telling["strength"].to_numpy(dtype=float)
    rng = np.random.default_rng(seed)
    # What is not against anybody need not be resampled.
    speaks = strength > 0
    kept = rng.random((RESAMPLES, int(speaks.sum()))) < KEPT
    scores = score(kept * strength[speaks], group[speaks], len(names))
    observed = score(strength[None, speaks], group[speaks], len(names))[0]
    low, high = np.quantile(scores, [0.025, 0.975], axis=0)
    strongest = telling.drop_duplicates("service").set_index("service")
    table = pd.DataFrame(
        {
            "service": names,
            "score": observed,
            "low": np.minimum(low, observed),
            "high": np.maximum(high, observed),
            "probability": _softmax(scores, bar).mean(axis=0),
            "kind": strongest["kind"].reindex(names).to_numpy(),
            "name": strongest["name"].reindex(names).to_numpy(),
        }
    )
    return table.sort_values(["score", "service"], ascending=[False, True], ignore_index=True)


def best_score(series: pd.DataFrame, onset: pd.Timestamp) -> float:
    """Return the highest score of any service from metrics alone, were this the onset.

    Parameters
    ----------
    series
        Metrics frame, ``(times, series)``.
    onset
        Rows before it teach what is normal.
    """
    names, group = services_of(series)
    return float(score(strengths(series, onset)[None, :], group, len(names)).max())


def services_of(series: pd.DataFrame) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.int_]]:
    """Return the names of the services, and the number of each column's."""
    names = series.columns.get_level_values(0).to_numpy(dtype=object)
    return np.unique(names, return_inverse=True)


def score(
    strength: Floats,
    group: npt.NDArray[np.int_],
    services: int,
    weights: tuple[float, ...] = TOP_WEIGHTS,
) -> Floats:
    """Weigh each service's strongest series in each row of `strength`, ``(rows, services)``."""
    scores = np.zeros((len(strength), services))
    for service in range(services):
        strongest = -np.sort(-strength[:, group == service], axis=1)[:, : len(weights)]
        scores[:, service] = strongest @ np.array(weights[: strongest.shape[1]])
    return scores


def _softmax(scores: Floats, bar: float) -> Floats:
    """Return the probability of each service in each row; what is missing of 1 is the bar's."""
    everything = np.column_stack([scores, np.full(len(scores), bar)]) / TEMPERATURE
    weights = np.exp(everything - everything.max(axis=1, keepdims=True))
    probability: Floats = (weights / weights.sum(axis=1, keepdims=True))[:, :-1]
    return probability
