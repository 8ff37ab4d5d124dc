"""The golden signals of a service, and how much of their excess its callees do not explain."""

import re
import warnings
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.incident.topology import callees

Floats = npt.NDArray[np.float64]
Signal = Literal["requests", "latency", "errors"]

_WORDS: dict[Signal, str] = {
    "errors": r"error|fail|\bfault|5xx|exception|availab|success",
    "latency": r"latenc|duration|response.?time|elapsed",
    "requests": r"request|workload|throughput|\bops\b|\bcalls\b|\brps\b|\bqps\b",
}
_SATURATION = re.compile(r"active|pending|queue|in.?flight", re.IGNORECASE)
_GOOD = re.compile(r"availab|success", re.IGNORECASE)
_CLIENT = re.compile(r"(?<![a-z])client(?![a-z])|(?<=[a-z])Client", re.IGNORECASE)
_MEAN = re.compile(r"average|mean|avg", re.IGNORECASE)  # percentiles do not add up along calls
RARE = 0.0005  # of the requests fail on any day; the failures scatter as Poisson counts do
LEVEL_FLOOR = 0.01  # of its level is the least spread that a latency is believed to have
CERTAIN = 3.0  # σ of a service's ordinary work beyond which there is an excess to explain


def signal_of(metric: str) -> Signal | None:
    """Tell which golden signal a metric measures, from its name.

    Returns
    -------
    str or None
        ``None`` for anything else: CPU, memory, queues.

    Examples
    --------
    >>> signal_of("http.server.request.duration_p95_ms"), signal_of("availability_Average")
    ('latency', 'errors')
    >>> signal_of("requests_Sum"), signal_of("process.cpu.utilization")
    ('requests', None)
    """
    if _SATURATION.search(metric):
        return None
    found = (name for name, words in _WORDS.items() if re.search(words, metric, re.IGNORECASE))
    return next(found, None)


def is_waiting(metric: str) -> bool:
    """Tell whether a metric is the time that a service waits for those it calls.

    Examples
    --------
    >>> is_waiting("http.client.request.duration"), is_waiting("PodServerLatencyP90(s)")
    (True, False)
    """
    return signal_of(metric) == "latency" and _CLIENT.search(metric) is not None


def own_excess(
    quiet: pd.DataFrame, recent: pd.DataFrame, after: pd.DataFrame, topology: pd.DataFrame
) -> pd.DataFrame:
    """Share out the excess latency and errors of an incident among the services they began in.

    Parameters
    ----------
    quiet
        Metrics that teach what is normal, ``(n, series)``.
    recent
        Those of them shortly before the incident; may be the same.
    after
        Metrics since the onset, of the same columns.
    topology
        Call graph.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``service, signal`` with `share`, the part (0 to 1) of all the excess of that
        signal that is the service's own, and `z`, how many σ of its ordinary work the excess of
        the service comes to. A service is missing where its requests or that signal are not
        measured: nothing is known of its part.

    Notes
    -----
    What is conserved along a call is work, not the metric: requests × latency is the time spent
    a row, requests × error share the errors. The excess of a service over its normal contains
    that of the services it calls; what remains is its own. Both kinds of normal, the distant and
    the recent, must be exceeded. Edges within a cycle explain nothing. Latency is shared out only
    where its mean is measured, since percentiles do not add up.

    Examples
    --------
    >>> columns = pd.MultiIndex.from_product([["shop", "search"], ["requests", "latency_mean"]])
    >>> quiet = pd.DataFrame([[9, 4, 9, 1], [10, 4, 10, 1], [11, 4, 11, 1.0]], columns=columns)
    >>> after = pd.DataFrame([[10, 9, 10, 6.0]], columns=columns)
    >>> edges = pd.DataFrame({"caller": ["shop"], "callee": ["search"]})
    >>> own_excess(quiet, quiet, after, edges)["share"].to_dict()
    {('shop', 'latency'): 0.0, ('search', 'latency'): 1.0}
    """
    calls = callees(topology)
    rows = []
    for signal in ("latency", "errors"):
        excess = _excesses(signal, quiet, recent, after)
        own = {
            service: max(
                0.0,
                work - sum(excess[each][0] for each in calls.get(service, ()) if each in excess),
            )
            for service, (work, _) in excess.items()
        }
        total = sum(own.values()) or 1.0
        rows += [(each, signal, own[each] / total, z) for each, (_, z) in excess.items()]
    table = pd.DataFrame(rows, columns=["service", "signal", "share", "z"])
    return table.set_index(["service", "signal"])


def _excesses(
    signal: Signal, quiet: pd.DataFrame, recent: pd.DataFrame, after: pd.DataFrame
) -> dict[str, tuple[float, float]]:
    """Return the work beyond normal in a row of `after` and its σ, by service."""
    excess = {}
    for service in after.columns.get_level_values(0).unique():
        names = after[service].columns.astype(str).tolist()
        demand, measure = _pick("requests", names), _pick(signal, names)
        if demand is None or measure is None:
            continue
        requests = {
            name: _counts(part[(service, demand)])
            for name, part in (("quiet", quiet), ("after", after))
        }
        level = {
            name: _share(part[(service, measure)], measure)
            if signal == "errors"
            else part[(service, measure)].to_numpy()
            for name, part in (("quiet", quiet), ("recent", recent), ("after", after))
        }
        demanded = float(np.median(requests["quiet"]))
        if signal == "errors":
            floor = float(np.sqrt(RARE * demanded))
        else:
            usual = level["quiet"][~np.isnan(level["quiet"])]
            floor = LEVEL_FLOOR * demanded * float(np.median(usual)) if len(usual) else 0.0
        excess[str(service)] = _excess(requests, level, floor)
    return excess


def _excess(
    requests: dict[str, Floats], level: dict[str, Floats], floor: float
) -> tuple[float, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # nothing seen in one of them
        distant, near = np.nanmedian(level["quiet"]), np.nanmedian(level["recent"])
    normal = np.fmax(distant, near)
    if np.isnan(normal):
        return 0.0, 0.0
    work = requests["after"] * np.nan_to_num(np.maximum(level["after"] - normal, 0))
    ordinary = requests["quiet"] * np.nan_to_num(level["quiet"] - distant)
    middle = np.median(ordinary)
    noise = max(
        1.4826 * float(np.median(np.abs(ordinary - middle))),
        float(np.std(ordinary)) / 2,
        floor,
    )
    mean = float(work.mean())
    z = mean * np.sqrt(len(work)) / noise if noise > 0 else 0.0
    return (mean, z) if z > CERTAIN else (0.0, 0.0)


def _pick(signal: Signal, names: list[str]) -> str | None:
    """Return the metric that measures a signal on the server's side such that it adds up."""
    found = (each for each in names if signal_of(each) == signal and not _CLIENT.search(each))
    return next((each for each in found if signal != "latency" or _MEAN.search(each)), None)


def _counts(requests: pd.Series) -> Floats:
    counts: Floats = np.nan_to_num(requests.to_numpy(dtype=float))
    return counts


def _share(values: pd.Series, metric: str) -> Floats:
    """Return errors as a share of the requests, whatever way round and scale they come."""
    share = values.to_numpy(dtype=float)
    if _GOOD.search(metric):
        whole = 100.0 if np.nanmax(share, initial=0) > 1.5 else 1.0
        return 1 - share / whole
    return share
