"""What a service does when it is asked, and whether it does it as it used to.

Rates say little about a service: they follow demand. What it does *each time it is asked*, the
lines it logs and the steps it takes, is its own, so a change there is its own or that of a service
it calls. This is the idea of Yu et al. (2023), *Nezha: Interpretable Fine-Grained Root Causes
Analysis for Microservices on Multi-modal Observability Data*, with counts in place of patterns.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import xlogy

from aiopslab.incident.places import places

Floats = npt.NDArray[np.float64]

Z = 1.96  # standard errors on either side hold 95 %
LEAST = 3  # executions on either side, fewer say nothing


def executions(spans: pd.DataFrame | None, logs: pd.DataFrame | None) -> pd.DataFrame:
    """List what each execution of each service did.

    Parameters
    ----------
    spans
        As `aiopslab.incident.traces.attribute` returns them; ``None`` where there are none.
    logs
        Logs frame with a column `template` more, a number for each template; ``None`` likewise.
        Lines that belong to no trace have `trace_id` set to something that stands for one.

    Returns
    -------
    pandas.DataFrame
        ``trace_id, service, entry, kind, event``: one row for each kind of event that an execution
        contains, of the kinds ``entry`` (there is exactly one), ``span`` (an operation), ``error``
        (an operation that failed) and ``log`` (a template). An execution is all that a service
        does on one trace; `entry` names the operations it was entered by.
    """
    parts = []
    if spans is not None and len(spans):
        entered = spans[spans["is_entry"]].drop_duplicates(["trace_id", "service", "operation"])
        entry = _entries(entered.sort_values("operation", kind="stable"))
        parts.append(spans[["trace_id", "service"]].assign(kind="span", event=spans["operation"]))
        failed = spans[spans["failed"]]
        parts.append(
            failed[["trace_id", "service"]].assign(kind="error", event=failed["operation"])
        )
    else:
        entry = pd.Series(dtype=object, index=pd.MultiIndex.from_arrays([[], []]))
    if logs is not None and len(logs):
        parts.append(logs[["trace_id", "service"]].assign(kind="log", event=logs["template"]))
    if not parts:
        return pd.DataFrame(columns=["trace_id", "service", "entry", "kind", "event"])
    events = pd.concat(parts).dropna(subset=["trace_id"]).drop_duplicates()
    whole = events[["trace_id", "service"]].drop_duplicates()
    logged = whole[whole["trace_id"].isin(events.loc[events["kind"] == "log", "trace_id"])]
    events = pd.concat(
        [whole.assign(kind="entry", event=""), logged.assign(kind="logged", event=""), events],
        ignore_index=True,
    )
    places = pd.MultiIndex.from_frame(events[["trace_id", "service"]])
    named = entry.reindex(places).fillna("").to_numpy() if len(entry) else ""
    return events.assign(entry=named)


def rank_behaviour(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Rank events by how much oftener or seldomer an execution contains them.

    Parameters
    ----------
    before, after
        Executions of quiet traces and of those since the onset, see `executions`.

    Returns
    -------
    pandas.DataFrame
        One row a (service, entry, kind, event), strongest first: ``service, entry, kind, event,
        strength, before, after`` (shares of the executions), ``low, high`` (95 % interval of
        their difference, by Newcombe's hybrid of two Wilson intervals) and ``executions`` (after).

    Notes
    -----
    `strength` is ``log(1 + z·h)``: z is the signed root of the likelihood ratio of two binomial
    samples, less what the largest of as many as the service has would reach by chance,
    ``√(2 ln m)``; h is the effect size of Cohen (1988) for two shares, ``|2 asin √p - 2 asin √q|``.
    Significance alone would rank by traffic, effect size alone by chance.

    Examples
    --------
    >>> def runs(shares):
    ...     rows = [(f"{n}", "auth", "login", "entry", "") for n in range(40)]
    ...     rows += [(f"{n}", "auth", "login", "span", "hash") for n in range(int(40 * shares))]
    ...     return pd.DataFrame(rows, columns=["trace_id", "service", "entry", "kind", "event"])
    >>> rank_behaviour(runs(0.9), runs(0.1))[["service", "kind", "before", "after"]].to_numpy()
    array([['auth', 'span', 0.9, 0.1]], dtype=object)
    """
    names, *numbers = places(before, after, ["service", "entry", "kind", "event"])
    counts = np.stack([np.bincount(each[each >= 0], minlength=len(names)) for each in numbers])
    kind = names["kind"].to_numpy(dtype=object)
    is_event = ~np.isin(kind, ["entry", "logged"])
    # How many executions of its place an event is one of: those that logged, where it is a line.
    place = names.groupby(["service", "entry"]).ngroup().to_numpy()
    whole = 2 * place + np.isin(kind, ["log", "logged"])
    wholes = np.zeros((2, 2 * len(names)), dtype=np.int64)
    wholes[:, whole[~is_event]] = counts[:, ~is_event]
    of = wholes[:, whole]
    events = np.flatnonzero(is_event & (of >= LEAST).all(axis=0))
    n_before, n_after = of[:, events].astype(np.float64)
    p, q = counts[:, events] / of[:, events]
    ratio = _likelihood_ratio(p, n_before, q, n_after)
    table = names.iloc[events]
    tests = table.groupby("service")["event"].transform("size").to_numpy(dtype=float)
    z = np.sqrt(np.maximum(ratio - 2 * np.log(np.maximum(tests, 1)), 0))
    h = np.abs(2 * np.arcsin(np.sqrt(p)) - 2 * np.arcsin(np.sqrt(q)))
    low, high = _difference(p, n_before, q, n_after)
    table = table.assign(
        strength=np.log1p(z * h),
        before=p,
        after=q,
        low=low,
        high=high,
        executions=n_after.astype(int),
    )
    return table.sort_values("strength", ascending=False, kind="stable", ignore_index=True)


def _entries(entered: pd.DataFrame) -> pd.Series:
    """Return the operations that each execution was entered by, as one text."""
    place = ["trace_id", "service"]
    is_several = entered.duplicated(place, keep=False)
    several = entered[is_several].groupby(place, sort=False)["operation"].agg(" + ".join)
    entries: pd.Series = pd.concat([entered[~is_several].set_index(place)["operation"], several])
    return entries


def _likelihood_ratio(p: Floats, n: Floats, q: Floats, m: Floats) -> Floats:
    """Return twice the log likelihood ratio of two shares against one for both."""
    both = np.asarray((p * n + q * m) / np.maximum(n + m, 1), dtype=np.float64)

    def likelihood(share: Floats, count: Floats, seen: Floats) -> Floats:
        of = xlogy(count * seen, share) + xlogy(count * (1 - seen), 1 - share)
        return np.asarray(of, dtype=np.float64)

    separate = likelihood(p, n, p) + likelihood(q, m, q)
    together = likelihood(both, n, p) + likelihood(both, m, q)
    return np.maximum(2 * (separate - together), 0)


def _difference(p: Floats, n: Floats, q: Floats, m: Floats) -> tuple[Floats, Floats]:
    """Return the 95 % interval of q - p (Newcombe 1998, method 10)."""
    low_p, high_p = _wilson(p, n)
    low_q, high_q = _wilson(q, m)
    low: Floats = q - p - np.hypot(q - low_q, high_p - p)
    high: Floats = q - p + np.hypot(high_q - q, p - low_p)
    return low, high


def _wilson(share: Floats, count: Floats) -> tuple[Floats, Floats]:
    centre = (share + Z**2 / (2 * count)) / (1 + Z**2 / count)
    half = Z / (1 + Z**2 / count) * np.sqrt(share * (1 - share) / count + Z**2 / (4 * count**2))
    return centre - half, centre + half
