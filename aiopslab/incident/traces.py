"""Spans told apart by whose time they are: entries, self-time on the critical path, calls."""

from collections import defaultdict

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]


def attribute(spans: pd.DataFrame) -> pd.DataFrame:
    """Tell whose time each span is.

    Parameters
    ----------
    spans
        Spans frame (`aiopslab.frames`). Repeated ids keep their first span; a parent that is not
        there makes a root.

    Returns
    -------
    pandas.DataFrame
        The spans with four columns more: `is_entry`, whether the span begins a service's work on
        a trace (its parent is in another service, or there is none); `blamed`, the service whose
        time its self-time is; `self_ms`, its time on the critical path less that of its children;
        `failed`, whether it failed of itself, not because a child of it did.

    Notes
    -----
    The critical path is the chain of spans without which the root would have ended earlier: from
    the end of a span backwards, the child that ended last, then the one that ended last before
    that one began, as in Zhang et al. (2022), *CRISP: Critical Path Analysis of Large-Scale
    Microservice Architectures*. A span off the path has no self-time there, however long it is.

    What a call takes beyond the span that serves it is spent on the way or in the queue of the
    one that is called, so the self-time of a span whose child is in another service is blamed on
    that service. The clocks of two services differ: a child that lies outside of its parent is
    moved to its middle, which leaves durations as they are.

    Examples
    --------
    >>> spans = pd.DataFrame({
    ...     "trace_id": "t", "span_id": ["a", "b", "c"], "parent_span_id": [None, "a", "b"],
    ...     "service": ["gateway", "gateway", "auth"], "operation": ["GET /", "call auth", "login"],
    ...     "start": pd.to_datetime([0, 10, 20], unit="ms", utc=True),
    ...     "duration_ms": [100.0, 80, 50], "status": "OK"})
    >>> attribute(spans)[["service", "blamed", "is_entry", "self_ms"]].to_numpy().tolist()
    [['gateway', 'gateway', True, 20.0], ['gateway', 'auth', False, 30.0], ['auth', 'auth', True, 50.0]]
    """  # noqa: E501
    unique = spans.drop_duplicates(["trace_id", "span_id"], ignore_index=True)
    parent = _parents(unique)
    service = unique["service"].to_numpy(dtype=object)
    is_entry = (parent < 0) | (service[parent] != service)
    blamed = service.copy()
    remote = is_entry & (parent >= 0)
    blamed[parent[remote]] = service[remote]
    is_error = (unique["status"] == "ERROR").to_numpy()
    passed_on = np.zeros(len(unique), dtype=bool)
    passed_on[parent[is_error & (parent >= 0)]] = True
    duration = unique["duration_ms"].fillna(0).to_numpy()
    start = unique["start"].dt.as_unit("us").astype("int64").to_numpy() / 1e3
    return unique.assign(
        is_entry=is_entry,
        blamed=blamed,
        failed=is_error & ~passed_on,
        self_ms=_critical_self_time(parent, start - start.min(initial=0), duration),
    )


def _parents(spans: pd.DataFrame) -> npt.NDArray[np.int_]:
    """Return the row of each span's parent; -1 for a root, and where a chain of parents loops."""
    keys = pd.MultiIndex.from_arrays([spans["trace_id"], spans["span_id"]])
    wanted = pd.MultiIndex.from_arrays([spans["trace_id"], spans["parent_span_id"]])
    parent = keys.get_indexer(wanted)
    # Each pass lifts every span by twice as many generations; one that is still lifted is on a
    # loop, or below one.
    ancestor = parent.copy()
    for _ in range(max(len(parent), 1).bit_length()):
        ancestor = np.where(ancestor >= 0, ancestor[ancestor], -1)
    return np.where(ancestor >= 0, -1, parent)


def _critical_self_time(parent: npt.NDArray[np.int_], start: Floats, duration: Floats) -> Floats:
    """Return the time of each span on the critical path of its trace less its children's."""
    children: dict[int, list[int]] = defaultdict(list)
    # The child that ended last comes first.
    for child in np.argsort(-(start + duration), kind="stable").tolist():
        if parent[child] >= 0:
            children[int(parent[child])].append(child)
    begins, lasts = start.tolist(), duration.tolist()
    self_ms = np.zeros(len(parent))
    # Each entry is a span on the path with the moment at which the path leaves it.
    path = [(root, begins[root] + lasts[root]) for root in np.flatnonzero(parent < 0).tolist()]
    while path:
        span, until = path.pop()
        begin = begins[span]
        own = until - begin
        for child in children.get(span, ()):
            length = min(lasts[child], until - begin)
            first, last = begins[child], begins[child] + length
            if first < begin or first + lasts[child] > begin + lasts[span]:
                first = begin + (lasts[span] - lasts[child]) / 2
                first = max(first, begin)
                last = first + length
            if last > until or last <= first:
                continue
            begins[child], lasts[child] = first, length
            path.append((child, last))
            own -= length
            until = first
        self_ms[span] = max(own, 0.0)
    return self_ms
