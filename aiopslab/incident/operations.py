"""Which operations became slower or faster in themselves, from the self-time of their spans."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.incident.places import Ints, places

Floats = npt.NDArray[np.float64]

LEAST_AFTER, LEAST_BEFORE = 3, 5  # spans of an operation, fewer say nothing
LEAST_SPREAD = 0.2  # of the logarithm: no operation is steadier than about 20 %
SURE = 4.0  # standard errors from which a shift is not chance, for hundreds of operations
SLOWEST = 0.05  # of the traces of a request
Z = 1.96  # standard errors on either side hold 95 %
OFFSET_MS = 0.1  # added before taking logarithms, so that a self-time of nothing has one


def rank_operations(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Rank operations by how far their self-time has shifted.

    Parameters
    ----------
    before, after
        Spans of quiet traces and of those since the onset, as `aiopslab.incident.traces.attribute`
        returns them.

    Returns
    -------
    pandas.DataFrame
        One row an operation that is in both, strongest first: ``service`` (whose time it is),
        ``name``, ``strength``, ``before``, ``after`` (median self-time, ms), ``ratio`` of
        the geometric means with its 95 % interval ``low`` to ``high``, ``spans`` (after) and
        ``extra_ms`` (mean self-time after less before, times the spans). A call to another
        service is named ``caller → operation``. `strength` is ``log(1 + |d|)``, where d is the
        shift of the mean of the log self-time in standard deviations before; 0 where it is
        within four standard errors of nothing.

    Examples
    --------
    >>> times = np.random.default_rng(7).normal(10, 1, size=(2, 40)) * [[1.0], [4.0]]
    >>> spans = [pd.DataFrame({"blamed": "auth", "service": "auth", "operation": "login",
    ...                        "self_ms": each}) for each in times]
    >>> rank_operations(*spans)[["service", "name"]].to_numpy().tolist()
    [['auth', 'login']]
    """
    names, *numbers = places(before, after, ["blamed", "service", "operation"])
    quiet, now = (
        _summary(number, spans["self_ms"].to_numpy(dtype=np.float64), len(names))
        for number, spans in zip(numbers, (before, after), strict=True)
    )
    enough = np.flatnonzero((now.spans >= LEAST_AFTER) & (quiet.spans >= LEAST_BEFORE))
    names, quiet, now = names.iloc[enough], quiet.of(enough), now.of(enough)
    spread = np.maximum(quiet.spread, LEAST_SPREAD)
    moved = now.level - quiet.level
    shift = np.abs(moved / spread)
    error_of_ratio = np.hypot(now.spread / np.sqrt(now.spans), spread / np.sqrt(quiet.spans))
    error = np.sqrt(1 / now.spans + 1 / quiet.spans)
    is_call = names["blamed"] != names["service"]
    called = names["service"] + " → " + names["operation"]
    table = pd.DataFrame(
        {
            "service": names["blamed"],
            "name": names["operation"].where(~is_call, called),
            "strength": np.where(shift > SURE * error, np.log1p(shift), 0.0),
            "before": quiet.median,
            "after": now.median,
            "ratio": np.exp(moved),
            "low": np.exp(moved - Z * error_of_ratio),
            "high": np.exp(moved + Z * error_of_ratio),
            "spans": now.spans.astype(int),
            "extra_ms": (now.mean - quiet.mean) * now.spans,
        }
    )
    return table.sort_values("strength", ascending=False, kind="stable", ignore_index=True)


def slowest_paths(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Compare where the slowest requests spend their time.

    Parameters
    ----------
    before, after
        Spans of quiet traces and of those since the onset, as `aiopslab.incident.traces.attribute`
        returns them.

    Returns
    -------
    pandas.DataFrame
        ``request`` (the operation that traces begin with), ``service, operation, before_ms,
        after_ms, extra_ms``: the mean time on the critical path of the slowest twentieth of the
        traces, of the request whose slowest traces became slower by most; largest gain or loss
        first. Empty where no request is on both sides.

    Examples
    --------
    >>> from aiopslab.incident.traces import attribute
    >>> def request(ms):
    ...     return attribute(pd.DataFrame({"trace_id": "t", "span_id": ["a", "b"],
    ...         "parent_span_id": [None, "a"], "service": ["gateway", "auth"],
    ...         "operation": ["GET /", "login"],
    ...         "start": pd.to_datetime([0, 1], unit="ms", utc=True),
    ...         "duration_ms": [ms + 5.0, ms], "status": "OK"}))
    >>> slowest_paths(request(10), request(90))[["service", "extra_ms"]].to_numpy().tolist()
    [['auth', 80.0], ['auth', 0.0]]
    """
    quiet, now = _slowest(before), _slowest(after)
    keys = ["request", "blamed", "operation"]
    both = pd.DataFrame({"before_ms": _mean_path(quiet, keys), "after_ms": _mean_path(now, keys)})
    requests = set(quiet["request"]) & set(now["request"])
    both = both.fillna(0.0).reset_index()
    both = both[both["request"].isin(requests)]
    both["extra_ms"] = both["after_ms"] - both["before_ms"]
    if both.empty:
        return both.rename(columns={"blamed": "service"})
    worst = both.groupby("request")["extra_ms"].sum().idxmax()
    path = both[both["request"] == worst].rename(columns={"blamed": "service"})
    order = path["extra_ms"].abs().sort_values(ascending=False, kind="stable").index
    return path.loc[order].reset_index(drop=True)


def _slowest(spans: pd.DataFrame) -> pd.DataFrame:
    """Return the spans of the slowest traces of each request, with the request of each."""
    roots = spans.sort_values("duration_ms", ascending=False, kind="stable")
    roots = roots[roots["is_entry"]].drop_duplicates("trace_id")
    rank = roots.groupby("operation")["duration_ms"].rank(ascending=False, method="first")
    count = roots.groupby("operation")["duration_ms"].transform("size")
    slow = roots[rank <= np.ceil(SLOWEST * count)].set_index("trace_id")["operation"]
    chosen = spans[spans["trace_id"].isin(slow.index)]
    return chosen.assign(request=chosen["trace_id"].map(slow))


def _mean_path(spans: pd.DataFrame, keys: list[str]) -> pd.Series:
    """Return the mean time of each operation in a trace of its request."""
    traces = spans.groupby("request")["trace_id"].nunique()
    total = spans.groupby(keys)["self_ms"].sum()
    mean: pd.Series = total / traces.reindex(total.index.get_level_values("request")).to_numpy()
    return mean


class _Summary(NamedTuple):
    """The spans of each operation: their number, and their self-time in ms, or its logarithm."""

    spans: Floats
    level: Floats
    spread: Floats
    median: Floats
    mean: Floats

    def of(self, operations: Ints) -> "_Summary":
        """Keep some operations."""
        return _Summary(*(each[operations] for each in self))


def _summary(number: Ints, self_ms: Floats, operations: int) -> _Summary:
    """Summarise spans by the number of their operation; negative ones are of none."""
    spans = np.bincount(number[number >= 0], minlength=operations).astype(np.float64)
    known = (number >= 0) & ~np.isnan(self_ms)
    number, self_ms = number[known], self_ms[known]
    count = np.bincount(number, minlength=operations)
    log = np.log(self_ms + OFFSET_MS)
    with np.errstate(invalid="ignore"):  # operations without a time have no mean
        level, mean = (np.bincount(number, each, operations) / count for each in (log, self_ms))
    squares = np.bincount(number, (log - level[number]) ** 2, operations)
    spread = np.sqrt(squares / np.maximum(count - 1, 1))
    ordered = np.append(self_ms[np.lexsort((self_ms, number))], np.nan)
    first = count.cumsum() - count
    middle = [first + (count - 1) // 2, first + count // 2]
    median = np.where(count > 0, ordered[middle].mean(axis=0), np.nan)
    return _Summary(spans, level, spread, median, mean)
