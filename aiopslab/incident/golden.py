"""The golden signals of a service, and how much of their excess its callees do not explain."""

import re
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.incident.deviation import MAD_TO_SIGMA, quantiles
from aiopslab.incident.topology import callees

Floats = npt.NDArray[np.float64]
Signal = Literal["requests", "latency", "errors"]

_WORDS: dict[Signal, str] = {
    "errors": r"error|fail|\bfault|5xx|exception|availab|success",
    "latency": r"latenc|duration|response.?time|elapsed",
    "requests": r"request|workload|throughput|\bops\b|\bcalls\b|\brps\b|\bqps\b",
}
_SHARED: tuple[Signal, ...] = ("latency", "errors")  # what adds up along calls
_SATURATION = re.compile(r"active|pending|queue|in.?flight", re.IGNORECASE)
_GOOD = re.compile(r"availab|success", re.IGNORECASE)
_CLIENT = re.compile(r"(?<![a-z])client(?![a-z])|(?<=[a-z])Client", re.IGNORECASE)
_MEAN = re.compile(r"average|mean|avg", re.IGNORECASE)  # percentiles do not add up along calls
RARE = 0.0005  # of the requests fail on any day; the failures scatter as Poisson counts do
LEVEL_FLOOR = 0.01  # of its level is the least spread that a latency is believed to have
CERTAIN = 3.0  # σ of a service's ordinary work beyond which there is an excess to explain


@cache
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
    places: list[tuple[str, Signal]] = []
    shares, certain = [], []
    for signal in _SHARED:
        services, excess, z = _excesses(signal, quiet, recent, after)
        work = dict(zip(services, excess.tolist(), strict=True))
        explained = [sum(work.get(each, 0.0) for each in calls.get(name, ())) for name in work]
        own = np.maximum(excess - np.array(explained, dtype=float), 0.0)
        places += [(service, signal) for service in services]
        shares.append(own / (own.sum() or 1.0))
        certain.append(z)
    index = pd.MultiIndex.from_tuples(places, names=["service", "signal"])
    return pd.DataFrame({"share": np.concatenate(shares), "z": np.concatenate(certain)}, index)


def _excesses(
    signal: Signal, quiet: pd.DataFrame, recent: pd.DataFrame, after: pd.DataFrame
) -> tuple[list[str], Floats, Floats]:
    """Return services, their work beyond normal in a row of `after`, and its σ."""
    services, demand, measure = _measured(signal, after.columns)
    asked = [np.nan_to_num(part.to_numpy(dtype=float)[:, demand]) for part in (quiet, after)]
    levels = [part.to_numpy(dtype=float)[:, measure] for part in (quiet, recent, after)]
    demanded = _median(asked[0])
    if signal == "errors":
        is_good = [bool(_GOOD.search(str(after.columns[each][1]))) for each in measure]
        levels = _as_errors(levels, np.array(is_good, dtype=bool))
        floor = np.sqrt(RARE * demanded)
    else:
        floor = LEVEL_FLOOR * demanded * np.nan_to_num(_median(levels[0]))
    distant, near = _median(levels[0]), _median(levels[1])
    normal = np.fmax(distant, near)
    mean = _mean(asked[1] * np.nan_to_num(np.maximum(levels[2] - normal, 0)))
    ordinary = asked[0] * np.nan_to_num(levels[0] - distant)
    scatter = MAD_TO_SIGMA * _median(np.abs(ordinary - _median(ordinary)))
    noise = np.fmax.reduce([scatter, ordinary.std(axis=0) / 2, floor]) if len(quiet) else floor
    z = np.divide(mean * np.sqrt(len(after)), noise, out=np.zeros_like(mean), where=noise > 0)
    is_certain = z > CERTAIN
    return services, np.where(is_certain, mean, 0.0), np.where(is_certain, z, 0.0)


def _measured(signal: Signal, columns: "pd.Index[Any]") -> tuple[list[str], list[int], list[int]]:
    """Return the services that measure a signal and their demand, and the columns of the two."""
    demand: dict[str, int] = {}
    measure: dict[str, int] = {}
    for place, (service, metric) in enumerate(columns.to_list()):
        if _CLIENT.search(metric):
            continue  # what adds up is measured on the server's side
        of = signal_of(metric)
        if of == "requests":
            demand.setdefault(str(service), place)
        elif of == signal and (signal != "latency" or _MEAN.search(metric)):
            measure.setdefault(str(service), place)
    services = [each for each in measure if each in demand]
    return services, [demand[each] for each in services], [measure[each] for each in services]


def _as_errors(levels: list[Floats], is_good: npt.NDArray[np.bool_]) -> list[Floats]:
    """Return errors as a share of the requests, whatever way round and scale they come."""
    highest = np.fmax.reduce(np.vstack([*levels, np.zeros((1, len(is_good)))]))
    whole = np.where(highest > 1.5, 100.0, 1.0)
    return [np.where(is_good, 1 - each / whole, each) for each in levels]


def _median(values: Floats) -> Floats:
    """Return the median of each column over what was observed; NaN without a value."""
    median: Floats = quantiles(values, [0.5])[0]
    return median


def _mean(values: Floats) -> Floats:
    mean: Floats = values.sum(axis=0) / max(len(values), 1)
    return mean
